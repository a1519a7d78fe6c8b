/* admin_breaker.c - breakers of links to other networks: which are open, and an operator's word.
 *
 * A row is there while one is open: when since, and "automatic", or "operator" with his reason.
 */
#include "admin/admin_parts.h"

#include "base/clock.h"
#include "xmpp/jid.h"

#define WHEN_TEXT 24

bool admin_breaker_is_automatic(struct str value)
{
	ptrdiff_t blank = str_find_char(value, ' ');

	return blank > 0 && str_is(str_cut(value, (size_t)blank + 1), "automatic");
}

/* Rows belong to our own domain. */
static struct str own_domain(struct admin_call *call)
{
	struct jid jid;

	return jid_parse(call->arena, str_of(call->domain), &jid) == 0 ? jid.domain : str_of(call->domain);
}

static int describe(struct admin_call *call, json_t *o, const struct vault_item *it)
{
	ptrdiff_t blank = str_find_char(it->value, ' ');
	struct str how = blank > 0 ? str_cut(it->value, (size_t)blank + 1) : STR_NONE, why = STR_NONE;
	uint64_t since = 0;
	bool automatic = admin_breaker_is_automatic(it->value);
	int r = admin_put(o, "link", admin_json_str(it->key));

	(void)call;
	if (blank > 0 && !str_to_u64(str_make(it->value.p, (size_t)blank), UINT64_MAX, &since))
		return ERR_CORRUPT;
	if (!automatic && str_starts(how, STR("operator ")))
		why = str_cut(how, sizeof("operator ") - 1);
	if (r == 0)
		r = admin_put(o, "since", admin_json_time(since));
	if (r == 0)
		r = admin_put(o, "by", json_string(automatic ? "itself" : "an operator"));
	if (r == 0)
		r = admin_put(o, "reason", automatic ? json_string("several of its people send something that spreads") : admin_json_str(why));
	return r;
}

static int list(struct admin_call *call, struct vault *v)
{
	json_t *items = json_array();
	struct vault_item *it;
	size_t n = 0;
	int r = admin_put(call->reply, "breakers", items);

	if (r == 0)
		r = vault_item_list(v, own_domain(call), ITEM_BREAKER, call->arena, &it, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_object();

		if (json_array_append_new(items, o) != 0)
			return ERR_NOMEM;
		r = describe(call, o, &it[i]);
	}
	return r;
}

static int link_of(struct admin_call *call, struct str *ret)
{
	struct str text = admin_text(call, "link");
	struct jid jid;
	int r = jid_parse(call->arena, text, &jid);

	if (r == ERR_JID || (r == 0 && (jid.local.n || jid.resource.n)))
		return admin_why(call, ERR_BAD_REQUEST, "'%.*s' is not the domain of another server or a gateway", STR_FMT(text));
	if (r == 0 && str_eq(jid.domain, own_domain(call)))
		return admin_why(call, ERR_BAD_REQUEST, "%s is this server itself; what spreads here is contained by `wardroom outbreak contain`", call->domain);
	if (r == 0)
		*ret = jid.domain;
	return r;
}

static int open_one(struct admin_call *call, struct vault *v)
{
	struct str domain, value, reason = admin_text(call, "reason");
	struct vault_item it;
	int r = link_of(call, &domain);

	if (r < 0)
		return r;
	r = vault_item_get(v, own_domain(call), ITEM_BREAKER, domain, call->arena, &value);
	if (r == 0 && !admin_breaker_is_automatic(value))
		return admin_why(call, ERR_CONFLICT, "the breaker of %.*s is open already", STR_FMT(domain));
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	value = arena_printf(call->arena, "%llu operator %.*s", (unsigned long long)clock_wall_ms(), STR_FMT(reason));
	if (!value.n)
		return ERR_NOMEM;
	it = (struct vault_item){ domain, value };
	r = vault_item_put(v, own_domain(call), ITEM_BREAKER, domain, value);
	if (r == 0)
		r = describe(call, call->reply, &it);
	return r < 0 ? r : admin_effect(call, EFFECT_BREAKER_OPENED, domain);
}

static int close_one(struct admin_call *call, struct vault *v)
{
	struct str domain, value;
	int r = link_of(call, &domain);

	if (r == 0)
		r = vault_item_get(v, own_domain(call), ITEM_BREAKER, domain, call->arena, &value);
	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "the breaker of %.*s is not open; `wardroom breaker list` shows those that are", STR_FMT(domain));
	if (r == 0)
		r = vault_item_remove(v, own_domain(call), ITEM_BREAKER, domain);
	if (r == 0)
		r = admin_put(call->reply, "link", admin_json_str(domain));
	return r < 0 ? r : admin_effect(call, EFFECT_BREAKER_CLOSED, domain);
}

const struct admin_command admin_breaker_commands[] = {
	{ "breaker list", list, true },
	{ "breaker open", open_one, true },
	{ "breaker close", close_one, true },
	{ 0 },
};
