/* exchange.c - see exchange.h. The list is a node like any other: the server's bot asks the service for what it wants, so there
 * is one way in which nodes are made, published to and read. */
#include "core/exchange.h"

#include <openssl/sha.h>

#include "base/b64.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/ask.h"
#include "core/state.h"
#include "xmpp/form.h"
#include "xmpp/ns.h"

#define EXCHANGE_ARENA (64 * 1024)
#define NODE_ARENA (4u << 20)		/* the node with all who read it */
#define OUTBREAK_WEIGHT 80		/* the guard's own finding; an officer may say more of it by hand */
#define DAY_MS (24 * 3600 * 1000ull)

/* A request of the bot's to the service, with an empty element op in the namespace ns; its node is returned. */
static struct node *request(struct server *srv, struct arena *a, const char *type, const char *ns, const char *op, struct node **ret_iq)
{
	struct node *iq = node_new(a, NS_CLIENT, "iq"), *pubsub, *what;

	if (!iq || node_set_attr(a, iq, "type", str_of(type)) < 0 || node_set_attr(a, iq, "from", srv->bot) < 0 ||
	    node_set_attr(a, iq, "to", srv->pubsub) < 0)
		return NULL;
	pubsub = node_add(a, iq, ns, "pubsub");
	what = pubsub ? node_add(a, pubsub, ns, op) : NULL;
	*ret_iq = iq;
	return what && node_set_attr(a, what, "node", STR(EXCHANGE_NODE)) == 0 ? what : NULL;
}

static void on_answer(void *ctx, const struct node *answer)
{
	const char *what = ctx;

	if (!answer || !str_is(node_attr(answer, "type"), "result"))
		log_event(LOG_WARN, "exchange.failed", LOG_Z("step", what));
}

/* --- who may read ------------------------------------------------------------------------------------------------------- */

static bool is_named(const struct policy *p, struct str jid)
{
	for (size_t i = 0; i < p->reports.n_share; i++)
		if (str_eq(p->reports.share[i], jid))
			return true;
	return false;
}

static bool affiliate(struct arena *a, struct node *list, struct str jid, const char *as)
{
	struct node *n = node_add(a, list, NS_PUBSUB_OWNER, "affiliation");

	return n && node_set_attr(a, n, "jid", jid) == 0 && node_set_attr(a, n, "affiliation", str_of(as)) == 0;
}

/* Who is a member and no longer named is taken out; who is named becomes one. */
static void on_members(void *ctx, const struct node *answer)
{
	struct server *srv = ctx;
	const struct policy *p = guard_policy(srv->guard);
	const struct node *pubsub = answer ? node_child(answer, NS_PUBSUB_OWNER, "pubsub") : NULL;
	const struct node *had = pubsub ? node_child(pubsub, NS_PUBSUB_OWNER, "affiliations") : NULL;
	struct arena *a = had ? arena_new(EXCHANGE_ARENA) : NULL;
	struct node *iq, *list = a ? request(srv, a, "set", NS_PUBSUB_OWNER, "affiliations", &iq) : NULL;
	bool ok = list != NULL;

	for (const struct node *n = had ? node_first_element(had) : NULL; ok && n; n = node_next_element(n))
		if (str_is(node_attr(n, "affiliation"), "member") && !is_named(p, node_attr(n, "jid")))
			ok = affiliate(a, list, node_attr(n, "jid"), "none");
	for (size_t i = 0; ok && i < p->reports.n_share; i++)
		ok = affiliate(a, list, p->reports.share[i], "member");
	if (ok && node_first_element(list))
		ok = ask_send(srv, a, iq, on_answer, (void *)(uintptr_t)"members") == 0;
	if (!ok && (had || p->reports.n_share))
		log_event(LOG_WARN, "exchange.failed", LOG_Z("step", "members"));
	arena_free(&a);
}

static void ask_members(struct server *srv)
{
	struct arena *a = arena_new(EXCHANGE_ARENA);
	struct node *iq;

	if (!a || !request(srv, a, "get", NS_PUBSUB_OWNER, "affiliations", &iq) || ask_send(srv, a, iq, on_members, srv) < 0)
		log_event(LOG_WARN, "exchange.failed", LOG_Z("step", "members"));
	arena_free(&a);
}

static void on_created(void *ctx, const struct node *answer)
{
	(void)answer;			/* a conflict: it is there already */
	ask_members(ctx);
}

struct old_node {
	struct server *srv;
	struct arena *arena;
};

static int old_node_work(struct vault *v, void *ctx)
{
	struct old_node *o = ctx;
	struct str bytes;

	return vault_item_get(v, o->srv->pubsub, ITEM_PUBSUB_NODE, STR(EXCHANGE_NODE), o->arena, &bytes);
}

static void old_node_done(void *ctx, int err)
{
	struct old_node *o = ctx;

	if (err == 0)
		ask_members(o->srv);
	else if (err != ERR_NOT_FOUND)
		log_event(LOG_WARN, "exchange.failed", LOG_Z("step", "members"));
	arena_free(&o->arena);
}

/* Nobody is to read it: whoever could, cannot any more. Mostly there never was a list. */
static void shut(struct server *srv)
{
	struct arena *a = arena_new(NODE_ARENA);
	struct old_node *o = a ? arena_alloc(a, sizeof(*o)) : NULL;

	if (o) {
		*o = (struct old_node){ .srv = srv, .arena = a };
		if (server_store(srv, o, old_node_work, old_node_done) == 0)
			return;
	}
	log_event(LOG_WARN, "exchange.failed", LOG_Z("step", "members"));
	arena_free(&a);
}

void exchange_refresh(struct server *srv)
{
	struct arena *a;
	struct node *iq, *op, *configure;
	struct form f;

	if (guard_policy(srv->guard)->reports.n_share == 0) {
		shut(srv);
		return;
	}
	a = arena_new(EXCHANGE_ARENA);
	op = a ? request(srv, a, "set", NS_PUBSUB, "create", &iq) : NULL;
	configure = op ? node_add(a, node_child(iq, NS_PUBSUB, "pubsub"), NS_PUBSUB, "configure") : NULL;
	if (configure) {
		form_begin(&f, a, configure, "submit", NS_PUBSUB "#node_config");
		form_field(&f, NULL, "pubsub#access_model", NULL, STR("whitelist"));
		form_field(&f, NULL, "pubsub#persist_items", NULL, STR("true"));
		form_field(&f, NULL, "pubsub#max_items", NULL, STR("max"));
		form_field(&f, NULL, "pubsub#notify_retract", NULL, STR("true"));
		form_field(&f, NULL, "pubsub#title", NULL, STR("Threats seen here"));
	}
	if (!configure || form_end(&f) < 0 || ask_send(srv, a, iq, on_created, srv) < 0)
		log_event(LOG_WARN, "exchange.failed", LOG_Z("step", "create"));
	arena_free(&a);
}

/* --- what is told ------------------------------------------------------------------------------------------------------- */

static bool put_threat(struct arena *a, struct node *item, const struct blocklist_entry *e)
{
	struct node *n = node_add(a, item, NS_EXCHANGE, "threat");
	char stamp[CLOCK_STAMP_BYTES];

	if (!n || node_set_attr(a, n, "kind", str_of(blocklist_kind_name(e->kind))) < 0 ||
	    node_set_attr(a, n, "weight", arena_printf(a, "%u", e->weight)) < 0)
		return false;
	if (e->expires_ms) {
		clock_stamp(e->expires_ms, stamp);
		if (node_set_attr(a, n, "expires", str_of(stamp)) < 0)
			return false;
	}
	return e->memory.n == 0 || node_set_attr(a, n, "memory", e->memory) == 0;
}

void exchange_tell(struct server *srv, struct str hash, const struct blocklist_entry *e)
{
	struct arena *a = arena_new(EXCHANGE_ARENA);
	struct node *iq, *op = a ? request(srv, a, "set", NS_PUBSUB, "publish", &iq) : NULL;
	struct node *item = op ? node_add(a, op, NS_PUBSUB, "item") : NULL;

	if (!item || node_set_attr(a, item, "id", hash) < 0 || !put_threat(a, item, e) ||
	    ask_send(srv, a, iq, on_answer, (void *)(uintptr_t)"publish") < 0)
		log_event(LOG_WARN, "exchange.failed", LOG_Z("step", "publish"));
	arena_free(&a);
}

void exchange_effect(struct server *srv, struct str text)
{
	struct blocklist_entry e = { .memory = STR_NONE };
	struct str part[4], rest = text;
	uint64_t weight;

	for (unsigned i = 0; i < ARRAY_SIZE(part); i++) {
		ptrdiff_t space = str_find_char(rest, ' ');

		part[i] = space < 0 ? rest : str_make(rest.p, (size_t)space);
		rest = space < 0 ? STR_NONE : str_cut(rest, (size_t)space + 1);
	}
	if (blocklist_kind_parse(part[0], &e.kind) && str_to_u64(part[2], 100, &weight) && str_to_u64(part[3], UINT64_MAX, &e.expires_ms)) {
		e.weight = (unsigned)weight;
		exchange_tell(srv, part[1], &e);
	}
}

void exchange_withdraw(struct server *srv, struct str hash)
{
	struct arena *a = arena_new(EXCHANGE_ARENA);
	struct node *iq, *op = a ? request(srv, a, "set", NS_PUBSUB, "retract", &iq) : NULL;
	struct node *item = op ? node_add(a, op, NS_PUBSUB, "item") : NULL;

	if (!item || node_set_attr(a, op, "notify", STR("true")) < 0 || node_set_attr(a, item, "id", hash) < 0 ||
	    ask_send(srv, a, iq, on_answer, (void *)(uintptr_t)"retract") < 0)
		log_event(LOG_WARN, "exchange.failed", LOG_Z("step", "retract"));
	arena_free(&a);
}

void exchange_outbreak(struct server *srv, struct str fingerprint, bool contained)
{
	char memory[GUARD_MEMORY], text[GUARD_FINGERPRINT + GUARD_MEMORY], hash[2 * SHA256_DIGEST_LENGTH + 1];
	struct blocklist_entry e = { .kind = BLOCKLIST_TEXT, .weight = OUTBREAK_WEIGHT, .expires_ms = clock_wall_ms() + EXCHANGE_DAYS * DAY_MS };
	uint8_t bin[SHA256_DIGEST_LENGTH];
	int n;

	if (guard_policy(srv->guard)->reports.n_share == 0)
		return;
	guard_memory(srv->guard, fingerprint, memory);
	n = snprintf(text, sizeof(text), "%.*s %s", STR_FMT(fingerprint), memory);
	if (!memory[0] || n < 0 || (size_t)n >= sizeof(text))
		return;				/* known by its name alone: others could find nothing by it */
	e.memory = str_make(text, (size_t)n);
	SHA256((const uint8_t *)fingerprint.p, fingerprint.n, bin);
	b64_hex(bin, sizeof(bin), hash);
	if (contained)
		exchange_tell(srv, str_of(hash), &e);
	else
		exchange_withdraw(srv, str_of(hash));
}
