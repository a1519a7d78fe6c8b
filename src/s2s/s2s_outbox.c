/* s2s_outbox.c - messages for other servers that were acknowledged to their senders and not passed on yet.
 *
 * Each pair of domains has a row among the stored streams, with an id that no client's stream can have, and its messages
 * in the row's queue: they are written in the message's own transaction (core/archive.c) and read back at the start.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/log.h"
#include "core/outward.h"
#include "s2s/s2s_parts.h"
#include "vault/vault.h"

#define ID_PREFIX "s2s"
#define ID_HASH 11			/* bytes of the pair's digest */
#define ID_LEN (sizeof(ID_PREFIX) - 1 + 2 * ID_HASH)	/* 25: those of clients have 26 */
#define LOAD_BYTES (256u << 20)

struct kept {
	struct str pair;		/* "ours theirs" */
	struct vault_queued *queue;
	size_t n;
};

struct s2s_outbox {
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

static bool id_of(const struct s2s_peer *p, char ret[27], char **ret_pair)
{
	size_t n = strlen(p->local) + strlen(p->remote) + 2;
	uint8_t digest[EVP_MAX_MD_SIZE];
	char *pair = malloc(n);
	unsigned len = 0;
	bool ok;

	if (!pair)
		return false;
	snprintf(pair, n, "%s %s", p->local, p->remote);
	ok = EVP_Digest(pair, n - 1, digest, &len, EVP_sha256(), NULL) == 1 && len >= ID_HASH;
	memcpy(ret, ID_PREFIX, sizeof(ID_PREFIX) - 1);
	if (ok)
		b64_hex(digest, ID_HASH, ret + sizeof(ID_PREFIX) - 1);
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
		log_event(LOG_ERROR, "s2s.outbox_failed", LOG_Z("why", err_text(err)));
	free(o->pair);
	free(o);
}

static bool submit(struct s2s_peer *p, bool put, uint32_t up_to, bool remove)
{
	struct order *o = calloc(1, sizeof(*o));
	char id[27] = { 0 };

	if (o && id_of(p, id, put ? &o->pair : NULL)) {
		memcpy(o->id, id, ID_LEN);
		o->up_to = up_to;
		o->remove = remove;
		if (server_store(p->s->srv, o, work, done) == 0)
			return true;
		free(o->pair);
	}
	free(o);
	return false;
}

bool s2s_outbox_reserve(struct s2s_peer *p, struct outward_place *ret)
{
	*ret = (struct outward_place){ 0 };
	if (!p->kept)
		p->kept = submit(p, true, 0, false);	/* before the message that asks: the store works in order */
	if (!p->kept || !id_of(p, ret->stream_id, NULL))
		return false;
	ret->seq = p->next_seq++;
	if (p->next_seq == 0)
		p->next_seq = 1;
	ret->trim = p->trimmed;
	return true;
}

void s2s_outbox_trim(struct s2s_peer *p, uint32_t up_to)
{
	if (p->kept && up_to != p->trimmed && submit(p, false, up_to, false))
		p->trimmed = up_to;
}

void s2s_outbox_remove(struct s2s_peer *p)
{
	if (p->kept && submit(p, false, 0, true))
		p->kept = false;
}

/* --- the start ---------------------------------------------------------------------------------------------- */

static bool is_ours(struct str id)
{
	return id.n == ID_LEN && str_starts(id, STR(ID_PREFIX));
}

static int load(struct vault *v, struct s2s_outbox *o)
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

		if (!is_ours(list[i].id))
			continue;
		r = vault_stream_get(v, list[i].id, o->a, &row, &k->queue, &k->n);
		k->pair = row.state;
		o->n += r == 0;
	}
	return r;
}

static void outbox_free(struct s2s_outbox **ref)
{
	struct arena *a = *ref ? (*ref)->a : NULL;

	*ref = NULL;
	arena_free(&a);
}

int s2s_outbox_load(struct vault *v, struct s2s_outbox **ret)
{
	struct arena *a = arena_new(LOAD_BYTES);
	struct s2s_outbox *o = a ? arena_alloc(a, sizeof(*o)) : NULL;
	int r;

	if (!o) {
		arena_free(&a);
		return ERR_NOMEM;
	}
	o->a = a;
	r = load(v, o);
	if (r < 0)
		outbox_free(&o);
	*ret = o;
	return r;
}

void s2s_outbox_take(struct s2s *s, struct s2s_outbox **ref)
{
	struct s2s_outbox *o = *ref;

	for (size_t i = 0; o && i < o->n; i++) {
		const struct kept *k = &o->v[i];
		ptrdiff_t space = str_find_char(k->pair, ' ');
		struct s2s_peer *p = space > 0 ? s2s_peer_get(s, str_make(k->pair.p, (size_t)space), str_cut(k->pair, (size_t)space + 1)) : NULL;

		if (!p)
			continue;
		p->kept = true;
		for (size_t m = 0; m < k->n; m++)
			if (s2s_peer_restore(p, k->queue[m].stanza, k->queue[m].seq) < 0)
				log_event(LOG_WARN, "s2s.outbox_full", LOG_Z("peer", p->remote));
		log_event(LOG_INFO, "s2s.outbox_restored", LOG_Z("peer", p->remote), LOG_N("messages", k->n));
	}
	outbox_free(ref);
}
