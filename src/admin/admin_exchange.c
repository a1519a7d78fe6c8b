/* admin_exchange.c - what this server tells its peers of threats (core/exchange.h): shown, added to, taken back. */
#include <string.h>

#include <openssl/sha.h>

#include "admin/admin_parts.h"
#include "base/b64.h"
#include "base/clock.h"
#include "inspect/feed.h"
#include "vault/vault_pubsub.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define NODE STR("threats")
#define ENTRIES 2000			/* as many as a node keeps */
#define DAYS_MOST 3650
#define DAYS 30				/* when nobody says for how long */
#define DAY_MS (24 * 3600 * 1000ull)

/* Item id and payload as an entry of the reply. */
static int describe(struct admin_call *call, const struct vault_pub *item, json_t *ret)
{
	static const char *const names[] = { "kind", "weight", "expires" };
	struct node *threat;
	int r = wire_parse(call->arena, item->payload, &threat);

	if (r < 0)
		return r;
	r = admin_put(ret, "hash", admin_json_str(item->id));
	for (unsigned i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]); i++)
		r = admin_put(ret, names[i], admin_json_str(node_attr(threat, names[i])));
	return r < 0 ? r : admin_put(ret, "when", admin_json_time(item->seq >> 20));
}

static int list(struct admin_call *call, struct vault *v)
{
	struct vault_pub_query q = { .newest = true, .max = ENTRIES };
	struct str owner = arena_printf(call->arena, "pubsub.%s", call->domain);
	json_t *items = json_array();
	struct vault_pub *found;
	size_t n = 0;
	int r = admin_put(call->reply, "entries", items);

	if (r == 0)
		r = owner.p ? vault_pubsub_page(v, owner, NODE, &q, call->arena, &found, &n) : ERR_NOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_object();

		r = json_array_append_new(items, o) == 0 ? describe(call, &found[i], o) : ERR_NOMEM;
	}
	return r;
}

static void hash_of(struct str text, char ret[FEED_HASH])
{
	uint8_t bin[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)text.p, text.n, bin);
	b64_hex(bin, sizeof(bin), ret);
}

static int hash_address(struct admin_call *call, struct str value, char ret[FEED_HASH])
{
	struct jid jid;

	if (jid_parse(call->arena, value, &jid) < 0 || jid.resource.n)
		return admin_why(call, ERR_BAD_REQUEST, "'%.*s' is neither an address nor a domain", STR_FMT(value));
	if (str_eq(jid.domain, str_of(call->domain)))
		return admin_why(call, ERR_BAD_REQUEST, "'%.*s' is one of your own people: freeze the account instead (`wardroom user freeze`)",
				 STR_FMT(value));
	hash_of(jid.bare, ret);
	return 0;
}

/* A link with a path is that page; a host alone is all that lies on it. */
static int hash_link(struct admin_call *call, struct str value, char ret[FEED_HASH])
{
	struct str target = str_find(value, STR("://")) < 0 ? arena_printf(call->arena, "http://%.*s", STR_FMT(value)) : value;
	struct url u;

	if (!target.p)
		return ERR_NOMEM;
	if (!url_parse(target, call->arena, &u))
		return admin_why(call, ERR_BAD_REQUEST, "'%.*s' is no link", STR_FMT(value));
	feed_hash(&u, u.path.n == 0 || str_is(u.path, "/"), ret);
	return 0;
}

static int hash_file(struct admin_call *call, struct str value, char ret[FEED_HASH])
{
	uint8_t bin[SHA256_DIGEST_LENGTH];
	size_t n;

	if (b64_unhex(value, bin, sizeof(bin), &n) < 0 || n != sizeof(bin))
		return admin_why(call, ERR_BAD_REQUEST, "a file is named by its SHA-256: 64 hexadecimal digits (`sha256sum FILE`)");
	b64_hex(bin, sizeof(bin), ret);
	return 0;
}

static int needs_server(struct admin_call *call)
{
	return call->live ? 0 : admin_why(call, ERR_UNAVAILABLE, "the server does not run: it is the server that tells others");
}

static int number(struct admin_call *call, const char *name, json_int_t otherwise, json_int_t most, json_int_t *ret)
{
	const json_t *v = json_object_get(call->args, name);

	*ret = v ? json_integer_value(v) : otherwise;
	if (*ret < 1 || *ret > most)
		return admin_why(call, ERR_BAD_REQUEST, "--%s: expected a number from 1 to %lld", name, (long long)most);
	return 0;
}

static int add(struct admin_call *call, struct vault *v)
{
	struct str kind = admin_text(call, "kind"), value = admin_text(call, "value"), subject;
	json_int_t weight = 0, days = 0;
	uint64_t end;
	char hash[FEED_HASH];
	int r = needs_server(call);

	(void)v;
	if (r == 0)
		r = number(call, "weight", 100, 100, &weight);
	if (r == 0)
		r = number(call, "days", DAYS, DAYS_MOST, &days);
	if (r < 0)
		return r;
	if (str_is(kind, "address"))
		r = hash_address(call, value, hash);
	else if (str_is(kind, "link"))
		r = hash_link(call, value, hash);
	else if (str_is(kind, "file"))
		r = hash_file(call, value, hash);
	else
		return admin_why(call, ERR_BAD_REQUEST, "expected address, link or file, found '%.*s'; texts are told with `wardroom outbreak contain`",
				 STR_FMT(kind));
	if (r < 0)
		return r;
	end = clock_wall_ms() + (uint64_t)days * DAY_MS;
	subject = arena_printf(call->arena, "%.*s %s %lld %llu", STR_FMT(kind), hash, (long long)weight, (unsigned long long)end);
	r = subject.p ? admin_effect(call, EFFECT_SHARED, subject) : ERR_NOMEM;
	if (r == 0)
		r = admin_put(call->reply, "hash", admin_json_str(str_of(hash)));
	return r < 0 ? r : admin_put(call->reply, "expires", admin_json_time(end));
}

static int withdraw(struct admin_call *call, struct vault *v)
{
	struct str hash = admin_text(call, "hash"), owner = arena_printf(call->arena, "pubsub.%s", call->domain);
	uint64_t seq;
	int r = needs_server(call);

	if (r == 0)
		r = owner.p ? vault_pubsub_seq(v, owner, NODE, hash, &seq) : ERR_NOMEM;
	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "nothing is told under '%.*s'; `wardroom exchange list` shows all", STR_FMT(hash));
	return r < 0 ? r : admin_effect(call, EFFECT_UNSHARED, hash);
}

const struct admin_command admin_exchange_commands[] = {
	{ "exchange list", list, false },
	{ "exchange add", add, true },
	{ "exchange remove", withdraw, true },
	{ 0 },
};
