/* last_activity.c - XEP-0012: since when an account is away, for those who may see its presence; how long the server runs.
 *
 * Written when the last session of an account ends. For everybody else an account does not exist (RFC 6121 8.5.1).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/mod.h"
#include "core/state.h"

/* --- written down ----------------------------------------------------------------------------------------- */

struct leaving {
	struct user *u;
	char text[48];			/* when it signed in, a space, when it left; in ms */
};

static int leave_work(struct vault *v, void *ctx)
{
	const struct leaving *l = ctx;
	int r = vault_item_put(v, l->u->bare, ITEM_LAST, STR_NONE, str_of(l->text));

	return r == ERR_NOT_FOUND ? 0 : r;	/* removed meanwhile */
}

static void leave_done(void *ctx, int err)
{
	struct leaving *l = ctx;

	if (err < 0)
		log_event(LOG_WARN, "last.lost", LOG_Z("why", err_text(err)));
	user_unref(&l->u);
	free(l);
}

static void session_gone(struct session *s)
{
	struct leaving *l;

	if (s->user->n_sessions > 1 || s->user->gone || s->server->stopping)
		return;
	l = calloc(1, sizeof(*l));
	if (!l)
		return;
	l->u = user_ref(s->user);
	snprintf(l->text, sizeof(l->text), "%llu %llu", (unsigned long long)s->since_ms, (unsigned long long)clock_wall_ms());
	if (server_store(s->server, l, leave_work, leave_done) < 0)
		leave_done(l, ERR_BUSY);
}

/* --- asked for ------------------------------------------------------------------------------------------------- */

static int reply(struct iq *iq, uint64_t seconds)
{
	struct node *q = node_new(iq->arena, NS_LAST, "query");
	struct str text = arena_printf(iq->arena, "%llu", (unsigned long long)seconds);

	if (!q || !text.p || node_set_attr(iq->arena, q, "seconds", text) < 0)
		return ERR_LIMIT;
	return iq_reply(iq, q);
}

static bool is_here(struct user *u)
{
	LIST_EACH(it, &u->sessions)
		if (LIST_ITEM(it, struct session, of_user)->available)
			return true;
	return false;
}

static int last_work(struct vault *v, struct iq *iq)
{
	struct str *text = iq->data;

	return vault_item_get(v, iq->user->bare, ITEM_LAST, STR_NONE, iq->arena, text);
}

static int last_done(struct iq *iq, int err)
{
	const struct str *text = iq->data;
	uint64_t now = clock_wall_ms(), left = 0;
	ptrdiff_t space;

	if (err < 0)
		return err == ERR_NOT_FOUND ? ERR_UNAVAILABLE : err;	/* never been here */
	space = str_find_char(*text, ' ');
	if (space < 0 || !str_to_u64(str_cut(*text, (size_t)space + 1), UINT64_MAX / 16, &left))
		return ERR_CORRUPT;
	return reply(iq, now > left ? (now - left) / 1000 : 0);
}

static int on_last(struct iq *iq)
{
	if (iq->target == TO_SERVER)
		return reply(iq, (clock_mono_us() - iq->server->started_mono_us) / 1000000);
	if (iq->target != TO_SELF && !roster_shows(&iq->user->roster, iq->trip->from.bare))
		return ERR_UNAVAILABLE;
	if (iq->user->decoy || is_here(iq->user))	/* it is seen to be there (decoys.c) */
		return reply(iq, 0);
	iq->data = arena_alloc(iq->arena, sizeof(struct str));
	return iq->data ? iq_store(iq, last_work, last_done) : ERR_LIMIT;
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_LAST, "query", TO_SERVER | TO_SELF | TO_ACCOUNT, on_last },
	{ 0 }
};

static const struct mod_hooks hooks = { .session_gone = session_gone };

const struct mod_def mod_last_activity = {
	.name = "last_activity",
	.xep = 12,
	.xep_version = "2.0",
	.disco_server = (const char *const[]){ NS_LAST, NULL },
	.disco_account = (const char *const[]){ NS_LAST, NULL },
	.iq = iqs,
	.hooks = &hooks,
};
