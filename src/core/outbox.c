/* outbox.c - see outbox.h. */
#include "core/outbox.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/log.h"
#include "core/jobs.h"
#include "core/server.h"
#include "core/state.h"
#include "vault/vault.h"

#define KIND_LEN 3
#define ID_HASH 11			/* bytes of the pair's digest */
#define ID_LEN (KIND_LEN + 2 * ID_HASH)	/* 25: those of clients have 26 */
#define LOAD_BYTES (256u << 20)

struct kept {
	struct str id, pair;		/* "ours theirs" */
	struct vault_queued *queue;
	size_t n;
};

struct outbox_saved {
	struct arena *a;
	struct kept *v;
	size_t n;
};

/* One piece of work for the store thread. */
struct order {
	char id[ID_LEN + 1];
	char *pair;			/* put it; NULL: trim or remove */
	uint32_t up_to;
	bool remove;
};

void outbox_init(struct outbox *o, struct server *srv, const char *kind, const char *ours, const char *theirs)
{
	*o = (struct outbox){ .srv = srv, .kind = kind, .ours = ours, .theirs = theirs, .next_seq = 1 };
}

static bool id_of(const struct outbox *o, char ret[27], char **ret_pair)
{
	size_t n = strlen(o->ours) + strlen(o->theirs) + 2;
	uint8_t digest[EVP_MAX_MD_SIZE];
	char *pair = malloc(n);
	unsigned len = 0;
	bool ok;

	if (!pair)
		return false;
	snprintf(pair, n, "%s %s", o->ours, o->theirs);
	ok = EVP_Digest(pair, n - 1, digest, &len, EVP_sha256(), NULL) == 1 && len >= ID_HASH;
	memcpy(ret, o->kind, KIND_LEN);
	if (ok)
		b64_hex(digest, ID_HASH, ret + KIND_LEN);
	if (ok && ret_pair)
		*ret_pair = pair;
	else
		free(pair);
	return ok;
}

static int work(struct vault *v, void *ctx)
{
	const struct order *o = ctx;
	struct vault_stream row = { .id = str_of(o->id), .owner = STR_NONE, .state = str_of(o->pair), .expires_ms = UINT64_MAX };

	if (o->pair)
		return vault_stream_put(v, &row);
	return o->remove ? vault_stream_remove(v, row.id) : vault_stream_trim(v, row.id, o->up_to);
}

static void done(void *ctx, int err)
{
	struct order *o = ctx;

	/* What is not forgotten is sent once more after a restart. */
	if (err < 0)
		log_event(LOG_ERROR, "outbox.failed", LOG_Z("why", err_text(err)));
	free(o->pair);
	free(o);
}

static bool submit(struct outbox *o, bool put, uint32_t up_to, bool remove)
{
	struct order *one = calloc(1, sizeof(*one));
	char id[27] = { 0 };

	if (one && id_of(o, id, put ? &one->pair : NULL)) {
		memcpy(one->id, id, ID_LEN);
		one->up_to = up_to;
		one->remove = remove;
		if (server_store(o->srv, one, work, done) == 0)
			return true;
		free(one->pair);
	}
	free(one);
	return false;
}

bool outbox_reserve(struct outbox *o, struct outward_place *ret)
{
	*ret = (struct outward_place){ 0 };
	if (!o->kept)
		o->kept = submit(o, true, 0, false);	/* before the message that asks: the store works in order */
	if (!o->kept || !id_of(o, ret->stream_id, NULL))
		return false;
	ret->seq = o->next_seq++;
	if (o->next_seq == 0)
		o->next_seq = 1;
	ret->trim = o->trimmed;
	return true;
}

void outbox_place(const struct outbox *o, uint32_t seq, struct outward_place *ret)
{
	*ret = (struct outward_place){ 0 };
	if (seq && o->kept && id_of(o, ret->stream_id, NULL))
		ret->seq = seq;
}

void outbox_trim(struct outbox *o, uint32_t up_to)
{
	if (o->kept && up_to != o->trimmed && submit(o, false, up_to, false))
		o->trimmed = up_to;
}

void outbox_remove(struct outbox *o)
{
	if (o->kept && submit(o, false, 0, true))
		o->kept = false;
}

/* --- the start ---------------------------------------------------------------------------------------------- */

static int load(struct vault *v, struct outbox_saved *o)
{
	struct vault_stream *list, row;
	size_t n;
	int r = vault_stream_list(v, o->a, &list, &n);

	if (r < 0)
		return r;
	o->v = arena_alloc(o->a, (n + 1) * sizeof(*o->v));
	if (!o->v)
		return ERR_LIMIT;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct kept *k = &o->v[o->n];

		if (list[i].id.n != ID_LEN)
			continue;
		r = vault_stream_get(v, list[i].id, o->a, &row, &k->queue, &k->n);
		k->id = list[i].id;
		k->pair = row.state;
		o->n += r == 0;
	}
	return r;
}

void outbox_saved_free(struct outbox_saved **ref)
{
	struct arena *a = *ref ? (*ref)->a : NULL;

	*ref = NULL;
	arena_free(&a);
}

int outbox_load(struct vault *v, struct outbox_saved **ret)
{
	struct arena *a = arena_new(LOAD_BYTES);
	struct outbox_saved *o = a ? arena_alloc(a, sizeof(*o)) : NULL;
	int r;

	if (!o) {
		arena_free(&a);
		return ERR_NOMEM;
	}
	*o = (struct outbox_saved){ .a = a };
	r = load(v, o);
	if (r < 0)
		outbox_saved_free(&o);
	*ret = o;
	return r;
}

void outbox_take(const struct outbox_saved *saved, const struct outbox_taker *t)
{
	for (size_t i = 0; saved && i < saved->n; i++) {
		const struct kept *k = &saved->v[i];
		ptrdiff_t space = str_find_char(k->pair, ' ');
		struct outbox *o = NULL;

		if (space > 0 && str_starts(k->id, str_of(t->kind)))
			o = t->find(t->ctx, str_make(k->pair.p, (size_t)space), str_cut(k->pair, (size_t)space + 1));
		if (!o)
			continue;
		o->kept = true;
		for (size_t m = 0; m < k->n; m++) {
			o->last_seq = k->queue[m].seq;
			o->next_seq = k->queue[m].seq + 1;
			if (k->queue[m].stanza.n == 0)
				continue;		/* it was purged */
			if (t->take(t->ctx, o, k->queue[m].stanza, k->queue[m].seq) < 0)
				log_event(LOG_WARN, "outbox.full", LOG_Z("peer", o->theirs));
		}
		log_event(LOG_INFO, "outbox.restored", LOG_Z("peer", o->theirs), LOG_N("messages", k->n));
	}
}
