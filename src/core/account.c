/* account.c - see account.h. */
#include "core/account.h"

#include <stdlib.h>

#include "auth/password.h"
#include "auth/scram.h"
#include "base/secret.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"

struct deriving {
	struct loop_work work;
	struct server *srv;
	account_fn *fn;
	void *ctx;
	unsigned iterations;
	int err;
	uint8_t blob[SCRAM_BLOB_BYTES];
	size_t blob_n, password_n;
	char password[];
};

static void run(struct loop_work *w)
{
	struct deriving *d = LIST_ITEM(w, struct deriving, work);
	struct credentials c;

	d->err = scram_derive(d->srv->scram, str_make(d->password, d->password_n), d->iterations, &c);
	if (d->err == 0)
		d->blob_n = scram_encode(&c, d->blob);
	secret_wipe(&c, sizeof(c));
	secret_wipe(d->password, d->password_n);
}

static void done(struct loop_work *w)
{
	struct deriving *d = LIST_ITEM(w, struct deriving, work);
	struct server *srv = d->srv;

	srv->deriving--;
	d->fn(d->ctx, d->err, str_make((const char *)d->blob, d->err < 0 ? 0 : d->blob_n));
	secret_wipe(d->blob, sizeof(d->blob));
	free(d);
	server_stream_gone(srv);		/* one that stops waits for this, too */
}

int account_derive(struct server *srv, struct str bare, struct str password, account_fn *fn, void *ctx, const char **ret_why)
{
	struct deriving *d;
	int r;

	*ret_why = NULL;
	r = password_check(password, bare, ret_why);
	if (r < 0)
		return r;
	if (srv->deriving >= ACCOUNT_DERIVING)
		return ERR_BUSY;
	d = calloc(1, sizeof(*d) + password.n);
	if (!d)
		return ERR_NOMEM;
	d->work = (struct loop_work){ .run = run, .done = done };
	d->srv = srv;
	d->fn = fn;
	d->ctx = ctx;
	d->iterations = srv->config->auth.scram_iterations;
	d->password_n = password.n;
	memcpy(d->password, password.p, password.n);
	r = loop_work(srv->loop, &d->work);
	if (r < 0) {
		secret_wipe(d->password, d->password_n);
		free(d);
		return r;
	}
	srv->deriving++;
	return 0;
}

void account_end_sessions(struct user *u, uint64_t but, const char *condition)
{
	user_ref(u);
	for (bool found = true; found;) {	/* what ends may take others with it */
		found = false;
		LIST_EACH(it, &u->sessions) {
			struct session *s = LIST_ITEM(it, struct session, of_user);

			if (s->id == but || s->ending)
				continue;
			session_end(s, condition);
			found = true;
			break;
		}
	}
	user_unref(&u);
}
