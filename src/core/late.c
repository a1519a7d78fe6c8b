/* late.c - see late.h. */
#include "core/late.h"

#include <stdlib.h>

#include "base/log.h"
#include "core/bot.h"
#include "core/files.h"
#include "core/scanner.h"
#include "core/state.h"

#define ARENA_BYTES (16u << 20)
#define RETRY_MS 2000			/* the queue was full */
#define WATCH_MS 10000
#define TROUBLE_ROUNDS 3		/* so long something may be wrong before a person is told */

struct late {
	struct server *srv;
	struct arena *arena;		/* of the rows under way */
	uint64_t version;		/* that all files are to stand under; 0: nothing to do */
	uint64_t before_ms;		/* what was looked at before that an operator wants looked at again (`wardroom file rescan`) */
	uint8_t after[VAULT_FILE_ID];
	uint8_t ids[LATE_AT_ONCE][VAULT_FILE_ID];
	unsigned n, out;		/* to be looked at in this round; not back yet */
	uint64_t looked_at;
	bool busy, end, again;		/* a round is under way; no rows behind it; the version has changed meanwhile */
	struct loop_timer retry, watch;
	unsigned away, none;		/* rounds of watch in which clamd was away, no process there */
	char yara_says[160];
};

static void next_round(struct late *l);

static void on_retry(void *ctx)
{
	next_round(ctx);
}

static bool is_stale(const struct late *l, const struct vault_file *f)
{
	bool asked = f->scanned_ms < l->before_ms;

	if (f->state == FILE_IS_SERVED || f->state == FILE_IS_CLEANED)
		return asked || f->scan_version != l->version;
	return f->state == FILE_IS_HELD && asked;
}

/* Store thread: when an operator has last asked for all. */
static int read_order(struct vault *v, struct late *l)
{
	struct str text;
	int r = vault_item_get(v, l->srv->domain, ITEM_FILES, STR("rescan"), l->arena, &text);

	if (r == 0 && !str_to_u64(text, UINT64_MAX, &l->before_ms))
		l->before_ms = 0;
	return r == ERR_NOT_FOUND ? 0 : r;
}

/* Store thread: the next files that stand under another version. */
static int find_work(struct vault *v, void *ctx)
{
	struct late *l = ctx;
	uint8_t at[VAULT_FILE_ID];
	int r = read_order(v, l);

	if (r < 0)
		return r;
	memcpy(at, l->after, sizeof(at));
	l->n = 0;
	l->end = false;
	for (unsigned i = 0; i < LATE_ROWS && l->n < LATE_AT_ONCE; i++) {
		struct vault_file f;

		r = vault_file_next(v, at, l->arena, &f);
		if (r < 0)
			break;
		memcpy(at, f.id, sizeof(at));
		if (is_stale(l, &f))
			memcpy(l->ids[l->n++], f.id, VAULT_FILE_ID);
	}
	l->end = r == ERR_NOT_FOUND;
	if (r == 0 || l->end)
		memcpy(l->after, at, sizeof(at));
	return l->end ? 0 : r;
}

static void round_over(struct late *l)
{
	l->busy = false;
	if (!l->end) {
		next_round(l);
		return;
	}
	log_event(LOG_INFO, "late.done", LOG_N("files", l->looked_at));
	l->version = 0;
	if (l->again) {
		l->again = false;
		l->version = scanner_version(l->srv->scanner);
		memset(l->after, 0, sizeof(l->after));
		l->looked_at = 0;
		next_round(l);
	}
}

static void looked_at(void *ctx, int err)
{
	struct late *l = ctx;

	(void)err;
	l->looked_at++;
	if (--l->out == 0)
		round_over(l);
}

static void found(void *ctx, int err)
{
	struct late *l = ctx;

	arena_free(&l->arena);
	if (err < 0) {
		l->busy = false;
		loop_timer_set(l->srv->loop, &l->retry, RETRY_MS, on_retry, l);
		return;
	}
	l->out = 1;			/* none is the last before all have been asked for */
	for (unsigned i = 0; i < l->n; i++) {
		l->out++;
		if (files_rescan(l->srv, l->ids[i], looked_at, l) < 0)
			l->out--;	/* comes round with the next change */
	}
	if (--l->out == 0)
		round_over(l);
}

static void next_round(struct late *l)
{
	if (l->busy || !l->version || l->srv->stopping)
		return;
	l->arena = arena_new(ARENA_BYTES);
	if (l->arena)
		arena_wipe_on_free(l->arena);
	l->busy = l->arena && server_store(l->srv, l, find_work, found) == 0;
	if (!l->busy) {
		arena_free(&l->arena);
		loop_timer_set(l->srv->loop, &l->retry, RETRY_MS, on_retry, l);
	}
}

static void on_version(void *ctx)
{
	struct late *l = ctx;

	if (l->version) {
		l->again = true;
		return;
	}
	l->version = scanner_version(l->srv->scanner);
	memset(l->after, 0, sizeof(l->after));
	l->looked_at = 0;
	log_event(LOG_DEBUG, "late.begins");
	next_round(l);
}

void late_again(struct server *srv)
{
	if (srv->late)
		on_version(srv->late);
}

/* --- trouble ------------------------------------------------------------------------------------------------------------------ */

static void on_watch(void *ctx)
{
	struct late *l = ctx;
	struct server *srv = l->srv;
	struct scanner_state st;

	if (srv->stopping || !srv->scanner)
		return;
	scanner_state_of(srv->scanner, &st);
	l->away = st.clamd_wanted && !st.clamd_there ? l->away + 1 : 0;
	l->none = st.idle + st.running == 0 ? l->none + 1 : 0;
	if (l->away == TROUBLE_ROUNDS)
		bot_alert(srv, BOT_ALERT_SCANNER, "The virus scanner (clamd) is away: %s. %s", st.clamd_says, st.clamd_required ?
			  "New files wait until it is back; nobody can load them." : "New files are looked at without it.");
	if (l->none == TROUBLE_ROUNDS)
		bot_alert(srv, BOT_ALERT_SCANNER, "No process that looks at files can be started: the server's log says why. New files wait.");
	if (st.yara_says[0] && strncmp(st.yara_says, l->yara_says, sizeof(l->yara_says) - 1) != 0)
		bot_alert(srv, BOT_ALERT_SCANNER, "Rules in the folder yara have mistakes and are not in force: %.300s", st.yara_says);
	snprintf(l->yara_says, sizeof(l->yara_says), "%.159s", st.yara_says);
	loop_timer_set(srv->loop, &l->watch, WATCH_MS, on_watch, l);
}

/* --- life -------------------------------------------------------------------------------------------------------------------- */

int late_start(struct server *srv)
{
	struct late *l;

	if (!srv->scanner)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return ERR_NOMEM;
	l->srv = srv;
	srv->late = l;
	scanner_on_version(srv->scanner, on_version, l);
	loop_timer_set(srv->loop, &l->watch, WATCH_MS, on_watch, l);
	return 0;
}

void late_stop(struct server *srv)
{
	struct late *l = srv->late;

	if (!l)
		return;
	loop_timer_cancel(srv->loop, &l->watch);
	loop_timer_cancel(srv->loop, &l->retry);
	arena_free(&l->arena);
	free(l);
	srv->late = NULL;
}
