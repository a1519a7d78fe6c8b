/* own_password.c - see own_password.h. */
#include "core/own_password.h"

#include <stdlib.h>

#include "auth/scram.h"
#include "base/clock.h"
#include "base/secret.h"
#include "core/account.h"
#include "core/state.h"
#include "core/user.h"
#include "inspect/dlp_password.h"

#define ARENA_BYTES 16384

struct asking {
	struct loop_work work;
	struct trip *t;
	struct arena *arena;		/* of the account's credentials; wiped */
	struct credentials creds;
	struct str candidates[DLP_PASSWORD_CANDIDATES];	/* in the trip's arena */
	unsigned n;
	int right;			/* index, or -1 */
};

/* One step of a bucket that fills with time: 'at' is when it is full again. */
static bool take(uint64_t *at, uint64_t each_ms, uint64_t now_ms)
{
	if (*at < now_ms)
		*at = now_ms;
	if (*at > now_ms + each_ms * (OWN_PASSWORD_BURST - 1))
		return false;
	*at += each_ms;
	return true;
}

static void end(struct asking *q)
{
	struct trip *t = q->t;
	struct server *srv = t->server;

	t->own_password = q->right < 0 ? STR_NONE : q->candidates[q->right];
	secret_wipe(&q->creds, sizeof(q->creds));
	arena_free(&q->arena);
	free(q);
	srv->deriving--;
	trip_run(t);
	server_stream_gone(srv);
}

static void run(struct loop_work *w)
{
	struct asking *q = LIST_ITEM(w, struct asking, work);

	for (unsigned i = 0; q->right < 0 && i < q->n; i++) {
		bool right = false;

		if (scram_check_password(q->t->server->scram, q->candidates[i], &q->creds, &right) == 0 && right)
			q->right = (int)i;
	}
}

static void ran(struct loop_work *w)
{
	end(LIST_ITEM(w, struct asking, work));
}

static int read_work(struct vault *v, void *ctx)
{
	struct asking *q = ctx;
	struct vault_account acc;
	int r = vault_account_get(v, q->t->from.bare, q->arena, &acc);

	return r < 0 ? r : scram_decode(acc.credentials, &q->creds);
}

static void read_done(void *ctx, int err)
{
	struct asking *q = ctx;

	q->work = (struct loop_work){ .run = run, .done = ran };
	if (err < 0 || loop_work(q->t->server->loop, &q->work) < 0)
		end(q);
}

enum trip_next own_password_find(struct trip *t, const struct subject *sub)
{
	struct server *srv = t->server;
	uint64_t now_ms = clock_mono_ms();
	struct str found[DLP_PASSWORD_CANDIDATES];
	unsigned n;
	struct asking *q;

	if (t->password_asked || !t->from_user || !t->from_user->bare.n)
		return TRIP_NEXT;
	n = dlp_password_candidates(sub->body, sub->outward || !sub->known, found);
	t->password_asked = true;
	if (n == 0 || srv->deriving >= ACCOUNT_DERIVING || !take(&srv->password_at_ms, OWN_PASSWORD_ALL_MS, now_ms) ||
	    !take(&t->from_user->password_at_ms, OWN_PASSWORD_EACH_MS, now_ms))
		return TRIP_NEXT;
	q = calloc(1, sizeof(*q));
	if (!q)
		return TRIP_NEXT;
	q->t = t;
	q->right = -1;
	q->n = n;
	memcpy(q->candidates, found, sizeof(found));
	q->arena = arena_new(ARENA_BYTES);
	if (q->arena)
		arena_wipe_on_free(q->arena);
	if (!q->arena || server_store(srv, q, read_work, read_done) < 0) {
		arena_free(&q->arena);
		free(q);
		return TRIP_NEXT;
	}
	srv->deriving++;
	return TRIP_WAIT;
}
