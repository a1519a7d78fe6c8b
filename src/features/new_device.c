/* new_device.c - the alarm on a new OMEMO device key (XEP-0384): who has taken an account over wants to read along.
 *
 * An account's list of devices is what it publishes itself. An id that was never in it before is told to the account's
 * other devices and, where encryption.new_device of policy.yaml says so, to its contacts here and to the officers. The
 * first list of an account is no alarm: somebody has switched encryption on.
 *
 * Limits  KEYS_KEPT ids of an account, the oldest are forgotten; contacts and officers hear of one account once in QUIET_MS.
 */
#include "core/audit.h"
#include "core/bot.h"
#include "core/mod.h"
#include "core/state.h"
#include "pubsub/pubsub_call.h"

#define KEYS_KEPT 200
#define QUIET_MS (10 * 60 * 1000)
#define CONTACTS_TOLD 500
#define ID_BYTES 32

static bool is_list(const struct pubsub_node *n)
{
	return str_is(n->name, NS_OMEMO ".devicelist") || str_is(n->name, NS_OMEMO_2 ":devices");
}

static bool is_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0 && s.n < ID_BYTES;
}

/* Is the word in the line of words? */
static bool has(struct str line, struct str word)
{
	while (line.n) {
		ptrdiff_t end = str_find_char(line, ' ');
		struct str one = end < 0 ? line : str_make(line.p, (size_t)end);

		if (str_eq(one, word))
			return true;
		line = end < 0 ? STR_NONE : str_cut(line, (size_t)end + 1);
	}
	return false;
}

static struct str add(struct arena *a, struct str line, struct str word)
{
	return line.n ? arena_printf(a, "%.*s %.*s", STR_FMT(line), STR_FMT(word)) : arena_str(a, word);
}

static size_t count(struct str line)
{
	size_t n = line.n > 0;

	for (size_t i = 0; i < line.n; i++)
		n += line.p[i] == ' ';
	return n;
}

/* Store thread. The ids known before, and those that are new to them. */
static int pubsub_changed(struct vault *v, struct pubsub_call *c, const struct pubsub_change *ch)
{
	struct str known, fresh = STR_NONE;
	bool first;
	int r;

	if (c->viewer.service || ch->kind != CHANGE_ITEM || !ch->payload || !is_list(ch->node))
		return 0;
	r = vault_item_get(v, c->owner, ITEM_KEYS, ch->node->name, c->arena, &known);
	first = r == ERR_NOT_FOUND;
	if (r < 0 && !first)
		return r;
	known = first ? STR_NONE : known;
	for (const struct node *n = node_first_element(ch->payload); n; n = node_next_element(n)) {
		struct str id = node_attr(n, "id");

		if (!str_is(n->name, "device") || !is_id(id) || has(known, id) || count(fresh) >= KEYS_KEPT)
			continue;
		known = add(c->arena, known, id);
		fresh = add(c->arena, fresh, id);
		if (!known.p || !fresh.p)
			return ERR_NOMEM;
	}
	if (fresh.n == 0 && !first)
		return 0;
	while (count(known) > KEYS_KEPT)
		known = str_cut(known, (size_t)str_find_char(known, ' ') + 1);
	if (!first)
		c->new_keys = fresh;
	return vault_item_put(v, c->owner, ITEM_KEYS, ch->node->name, known);
}

static void tell_contacts(struct server *srv, const struct user *u)
{
	struct map_iter it = { 0 };
	unsigned n = 0;
	void *v;

	while (u->roster.items && n < CONTACTS_TOLD && map_next(u->roster.items, &it, NULL, &v)) {
		const struct roster_item *c = v;

		if ((c->sub != SUB_FROM && c->sub != SUB_BOTH) || !server_is_local(srv, str_cut(c->jid, (size_t)(str_find_char(c->jid, '@') + 1))))
			continue;
		bot_tell(srv, c->jid, "%.*s uses a new device for encrypted messages. Ask by another way whether that is so before you write anything secret.",
			 STR_FMT(u->bare));
		n++;
	}
}

/* Once in a while: who publishes one list after the other is no means to flood others. */
static bool quiet(struct user *u, uint64_t now_ms)
{
	if (u->new_key_ms && now_ms < u->new_key_ms + QUIET_MS)
		return true;
	u->new_key_ms = now_ms;
	return false;
}

static void pubsub_done(struct pubsub_call *c)
{
	struct server *srv = c->iq->server;
	struct user *u = c->new_keys.n ? user_cached(srv, c->owner) : NULL;
	unsigned tell = guard_policy(srv->guard)->encryption.new_device;

	if (!u)
		return;
	audit_account(srv, "new device key", c->owner, c->new_keys.p);
	if (tell & POLICY_TELL_DEVICES)
		bot_tell(srv, c->owner, "A new device (key %.*s) can now read the encrypted messages that are sent to you. If that is not yours, "
			 "change your password at once and tell %.*s.", STR_FMT(c->new_keys), STR_FMT(srv->helpdesk));
	if (!(tell & (POLICY_TELL_CONTACTS | POLICY_TELL_OFFICERS)) || quiet(u, c->now_ms))
		return;
	if (tell & POLICY_TELL_CONTACTS)
		tell_contacts(srv, u);
	if (tell & POLICY_TELL_OFFICERS)
		bot_alert(srv, BOT_ALERT_KEYS, "%.*s uses a new device for encrypted messages.", STR_FMT(u->bare));
}

static const struct mod_hooks hooks = {
	.pubsub_changed = pubsub_changed,
	.pubsub_done = pubsub_done,
};

const struct mod_def mod_new_device = {
	.name = "new_device",
	.hooks = &hooks,
};
