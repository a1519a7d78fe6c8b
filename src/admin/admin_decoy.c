/* admin_decoy.c - decoy contacts: who they are, and others instead. */
#include "admin/admin_parts.h"

#include "outbreak/decoy.h"

#define LIST_PAGE 500

static int shown(json_t *items, const struct vault_account *acc)
{
	ptrdiff_t at = str_find_char(acc->jid, '@');
	char name[DECOY_NAME];
	json_t *o = json_object();
	int r;

	decoy_name_of(str_make(acc->jid.p, (size_t)at), name);
	if (json_array_append_new(items, o) != 0)
		return ERR_NOMEM;
	r = admin_put(o, "jid", admin_json_str(acc->jid));
	if (r == 0)
		r = admin_put(o, "name", json_string(name));
	if (r == 0)
		r = admin_put(o, "group", admin_json_str(acc->state_reason));
	return r < 0 ? r : admin_put(o, "created", admin_json_time(acc->created_ms));
}

static int each(struct admin_call *call, struct vault *v, int (*fn)(struct admin_call *call, struct vault *v, json_t *items, const struct vault_account *acc),
		json_t *items)
{
	struct str after = STR_NONE;
	size_t n = LIST_PAGE;
	int r = 0;

	while (r == 0 && n == LIST_PAGE) {
		struct vault_account *page;

		r = vault_account_list(v, after, LIST_PAGE, call->arena, &page, &n);
		for (size_t i = 0; r == 0 && i < n; i++) {
			if (page[i].state == ACCOUNT_DECOY)
				r = fn(call, v, items, &page[i]);
			after = page[i].jid;
		}
	}
	return r;
}

static int list_one(struct admin_call *call, struct vault *v, json_t *items, const struct vault_account *acc)
{
	(void)call;
	(void)v;
	return shown(items, acc);
}

static int list(struct admin_call *call, struct vault *v)
{
	json_t *items = json_array();
	int r = admin_put(call->reply, "decoys", items);

	return r < 0 ? r : each(call, v, list_one, items);
}

static int remove_one(struct admin_call *call, struct vault *v, json_t *items, const struct vault_account *acc)
{
	int r = shown(items, acc);

	if (r == 0)
		r = vault_account_remove(v, acc->jid);
	return r < 0 ? r : admin_effect(call, EFFECT_DECOY_REMOVED, acc->jid);
}

/* They go; the server makes others, now or when it starts. */
static int rotate(struct admin_call *call, struct vault *v)
{
	json_t *items = json_array();
	struct vault_account acc;
	int r = admin_put(call->reply, "removed", items);

	if (r == 0 && str_empty(admin_text(call, "jid"))) {
		r = each(call, v, remove_one, items);
	} else if (r == 0) {
		r = admin_account(call, v, &acc);
		if (r == 0 && acc.state != ACCOUNT_DECOY)
			return admin_why(call, ERR_CONFLICT, "%.*s is no decoy; `wardroom decoy list` shows them", STR_FMT(acc.jid));
		if (r == 0)
			r = remove_one(call, v, items, &acc);
	}
	return r < 0 ? r : admin_effect(call, EFFECT_DECOYS_DUE, STR_NONE);
}

const struct admin_command admin_decoy_commands[] = {
	{ "decoy list", list, true },
	{ "decoy rotate", rotate, true },
	{ 0 },
};
