/* admin_purge.c - see admin_purge.h. Asked for twice it does nothing the second time: a tombstone has no id to be taken back. */
#include "admin/admin_purge.h"

#include "base/limits.h"
#include "xmpp/wire.h"

#define ARENA_BYTES (4u * LIMIT_STANZA_BYTES_MAX)

/* The id that the sender's client gave it, from whichever of the two archives has it. Empty: in none. */
static int client_id(struct vault *v, struct str owner, uint64_t id, struct arena *scratch, struct arena *a, struct str *ret)
{
	struct vault_entry e;
	struct node *m;
	int r = owner.n ? vault_archive_one(v, owner, id, scratch, &e) : ERR_NOT_FOUND;

	if (r == ERR_NOT_FOUND || (r == 0 && (e.gone || wire_parse(scratch, e.stanza, &m) < 0)))
		return 0;
	if (r < 0)
		return r;
	*ret = arena_str(a, node_attr(m, "id"));
	return ret->p ? 0 : ERR_NOMEM;
}

static int take_back(struct admin_call *call, struct str from, struct str to, struct str given)
{
	struct str subject;

	if (!from.n || !to.n || !given.n || str_find_char(given, '\n') >= 0)
		return 0;
	subject = arena_printf(call->arena, "%.*s\n%.*s\n%.*s", STR_FMT(from), STR_FMT(to), STR_FMT(given));
	return subject.p ? admin_effect(call, EFFECT_PURGED, subject) : ERR_NOMEM;
}

int admin_purge_message(struct admin_call *call, struct vault *v, struct str from, struct str to, uint64_t id, json_int_t *purged)
{
	struct arena *scratch = arena_new(ARENA_BYTES);
	struct str given = STR_NONE;
	int r = scratch ? client_id(v, to, id, scratch, call->arena, &given) : ERR_NOMEM;

	if (r == 0 && !given.n)
		r = client_id(v, from, id, scratch, call->arena, &given);
	arena_free(&scratch);
	if (r == 0 && to.n)
		r = vault_offline_take(v, to, id);
	if (r < 0)
		return r;
	r = vault_archive_purge(v, id);
	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;
	*purged += 1;
	return take_back(call, from, to, given);
}
