/* admin_report.c - what people have reported: an officer says whether they were right; and whether a message is proven. */
#include <stdlib.h>

#include "admin/admin_parts.h"
#include "base/limits.h"
#include "vault/vault_frank.h"
#include "xmpp/jid.h"
#include "xmpp/wire.h"

#define REPORTER_MOST 1000		/* confirmed or rejected reports that are counted for one account */

static struct str box(struct admin_call *call)
{
	return arena_printf(call->arena, "guard@%s", call->domain);
}

/* --- proof ------------------------------------------------------------------------------------------------------ */

static int verify(struct admin_call *call, struct vault *v)
{
	struct str text = admin_text(call, "stanza");
	struct vault_frank *f;
	struct node *message;
	struct jid to;
	uint64_t id;
	int r = wire_parse(call->arena, text, &message);

	if (r == 0)
		r = jid_parse(call->arena, node_attr(message, "to"), &to);
	if (r < 0)
		return admin_why(call, r, "this is not a <message/> with an address it is for, as a client shows it");
	r = vault_frank_new(v, &f);
	if (r < 0)
		return r;
	r = vault_frank_verify(f, call->arena, message, to.bare, &id);
	vault_frank_free(&f);
	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "the message carries no mark: it was not delivered by this server, or somebody took the mark out");
	if (r == 0)
		return admin_why(call, ERR_FORBIDDEN, "forged: this server has not delivered this text from this sender to this receiver");
	if (r > 0)
		r = admin_put(call->reply, "proven", json_true());
	if (r == 0)
		r = admin_put(call->reply, "id", admin_json_id(id));
	if (r == 0)
		r = admin_put(call->reply, "from", admin_json_str(node_attr(message, "from")));
	if (r == 0)
		r = admin_put(call->reply, "to", admin_json_str(to.bare));
	return r < 0 ? r : admin_put(call->reply, "when", admin_json_time(id >> 20));
}

/* --- reports ------------------------------------------------------------------------------------------------------ */

static int get(struct admin_call *call, struct vault *v, json_t **ret)
{
	struct str id = admin_text(call, "id"), text;
	int r = vault_item_get(v, box(call), ITEM_REPORT, id, call->arena, &text);

	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "there is no report '%.*s'; `wardroom report list` shows all", STR_FMT(id));
	*ret = r == 0 ? json_loadb(text.p, text.n, 0, NULL) : NULL;
	return r < 0 ? r : json_is_object(*ret) ? 0 : ERR_CORRUPT;
}

static int list(struct admin_call *call, struct vault *v)
{
	json_t *items = json_array();
	struct vault_item *found;
	bool all = json_is_true(json_object_get(call->args, "all"));
	size_t n = 0;
	int r = admin_put(call->reply, "reports", items);

	if (r == 0)
		r = vault_item_list(v, box(call), ITEM_REPORT, call->arena, &found, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_loadb(found[i].value.p, found[i].value.n, 0, NULL);
		const char *state = json_string_value(json_object_get(o, "state"));

		if (state && (all || strcmp(state, "open") == 0)) {
			json_object_set_new(o, "evidence", json_integer((json_int_t)json_array_size(json_object_get(o, "evidence"))));
			r = json_array_append(items, o) == 0 ? 0 : ERR_NOMEM;
		}
		json_decref(o);
	}
	return r;
}

static int show(struct admin_call *call, struct vault *v)
{
	json_t *o;
	int r = get(call, v, &o);

	if (r < 0)
		return r;
	json_decref(call->reply);
	call->reply = o;
	return 0;
}

/* How often an officer agreed with an account, and how often not. */
static int count(struct admin_call *call, struct vault *v, const char *by, bool confirmed)
{
	struct str text, who = str_of(by);
	json_t *o = NULL;
	json_int_t n;
	char *out;
	int r = vault_item_get(v, who, ITEM_REPORTER, STR_NONE, call->arena, &text);

	if (r == 0)
		o = json_loadb(text.p, text.n, 0, NULL);
	else if (r != ERR_NOT_FOUND)
		return r;
	o = json_is_object(o) ? o : json_object();
	n = json_integer_value(json_object_get(o, confirmed ? "confirmed" : "rejected"));
	r = admin_put(o, confirmed ? "confirmed" : "rejected", json_integer(n < REPORTER_MOST ? n + 1 : n));
	out = r == 0 ? json_dumps(o, JSON_COMPACT) : NULL;
	r = out ? vault_item_put(v, who, ITEM_REPORTER, STR_NONE, str_of(out)) : ERR_NOMEM;
	free(out);
	json_decref(o);
	return r;
}

static int settle(struct admin_call *call, struct vault *v, bool confirmed)
{
	const char *state, *by;
	json_t *o;
	char *out;
	int r = get(call, v, &o);

	if (r < 0)
		return r;
	state = json_string_value(json_object_get(o, "state"));
	by = json_string_value(json_object_get(o, "by"));
	if (!state || !by || strcmp(state, "open") != 0) {
		r = admin_why(call, ERR_CONFLICT, "this report has been %s already", state ? state : "settled");
	} else {
		r = count(call, v, by, confirmed);
		if (r == 0)
			r = admin_put(o, "state", json_string(confirmed ? "confirmed" : "rejected"));
		out = r == 0 ? json_dumps(o, JSON_COMPACT) : NULL;
		if (r == 0)
			r = out ? vault_item_put(v, box(call), ITEM_REPORT, admin_text(call, "id"), str_of(out)) : ERR_NOMEM;
		free(out);
		if (r == 0 && json_object_update(call->reply, o) != 0)
			r = ERR_NOMEM;
	}
	json_decref(o);
	return r;
}

static int confirm(struct admin_call *call, struct vault *v)
{
	return settle(call, v, true);
}

static int reject(struct admin_call *call, struct vault *v)
{
	return settle(call, v, false);
}

const struct admin_command admin_report_commands[] = {
	{ "report list", list, true },	     { "report show", show, true }, { "report confirm", confirm, true },
	{ "report reject", reject, true }, { "frank verify", verify, true }, { 0 },
};
