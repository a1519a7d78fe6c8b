/* room_disco.c - what the service and its rooms say of themselves (XEP-0045 6): hidden rooms only to who is in them. */
#include "rooms/room.h"

#include <stdlib.h>

#include "xmpp/jid.h"

#define PAGE 200		/* rooms in one answer (XEP-0059) */

static int identity(struct iq *iq, struct node *q, struct str name)
{
	struct node *id = node_add(iq->arena, q, NS_DISCO_INFO, "identity");
	int r = id ? node_set_attr(iq->arena, id, "category", STR("conference")) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(iq->arena, id, "type", STR("text"));
	return r < 0 || name.n == 0 ? r : node_set_attr(iq->arena, id, "name", name);
}

static int feature(struct iq *iq, struct node *q, const char *var)
{
	struct node *f = node_add(iq->arena, q, NS_DISCO_INFO, "feature");

	return f ? node_set_attr(iq->arena, f, "var", str_of(var)) : ERR_LIMIT;
}

static int field(struct iq *iq, struct node *form, const char *var, const char *type, struct str value)
{
	struct node *f = node_add(iq->arena, form, NS_XDATA, "field");
	int r = f ? node_set_attr(iq->arena, f, "var", str_of(var)) : ERR_LIMIT;

	if (r == 0 && type)
		r = node_set_attr(iq->arena, f, "type", str_of(type));
	if (r == 0 && !node_add_leaf(iq->arena, f, NS_XDATA, "value", value.p ? value : STR_NONE))
		r = ERR_LIMIT;
	return r;
}

static int about_the_service(struct iq *iq, struct node *q)
{
	static const char *const vars[] = { NS_DISCO_INFO, NS_DISCO_ITEMS, NS_MUC, NS_MUC_UNIQUE, NS_RSM, NS_PING, NS_VCARD };
	int r = identity(iq, q, STR("Rooms"));

	for (size_t i = 0; r == 0 && i < sizeof(vars) / sizeof(vars[0]); i++)
		r = feature(iq, q, vars[i]);
	return r;
}

/* XEP-0045 6.4, 15.3: the configuration as features. */
static int features_of(struct iq *iq, struct node *q, const struct room *r)
{
	const struct room_config *c = &r->config;
	const char *const vars[] = {
		NS_DISCO_INFO, NS_DISCO_ITEMS, NS_MUC, NS_MUC_STABLE_ID, NS_SELF_PING, NS_OCCUPANT_ID, NS_SID, NS_MAM, NS_MAM_EXTENDED,
		NS_MODERATE, NS_MODERATE_0, NS_RETRACT, NS_RETRACT "#tombstone", NS_VCARD, NS_COMMANDS, NS_HATS, NS_MUC_REQUEST, NS_REGISTER, NS_SECLABEL,
		c->persistent ? "muc_persistent" : "muc_temporary", c->listed ? "muc_public" : "muc_hidden",
		c->members_only ? "muc_membersonly" : "muc_open", c->moderated ? "muc_moderated" : "muc_unmoderated",
		c->open_identity ? "muc_nonanonymous" : "muc_semianonymous",
		c->password.n ? "muc_passwordprotected" : "muc_unsecured",
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(vars) / sizeof(vars[0]); i++)
		err = feature(iq, q, vars[i]);
	return err;
}

static int room_form(struct iq *iq, struct node *q, const struct room *r)
{
	const struct room_config *c = &r->config;
	struct node *form = node_add(iq->arena, q, NS_XDATA, "x");
	struct str n = arena_printf(iq->arena, "%zu", room_occupants(r));
	int err = form && n.p ? node_set_attr(iq->arena, form, "type", STR("result")) : ERR_LIMIT;

	if (err == 0)
		err = field(iq, form, "FORM_TYPE", "hidden", STR(NS_MUC_ROOMINFO));
	if (err == 0)
		err = field(iq, form, "muc#roominfo_description", "text-single", c->desc);
	if (err == 0)
		err = field(iq, form, "muc#roominfo_subject", "text-single", r->subject);
	if (err == 0)
		err = field(iq, form, "muc#roominfo_occupants", "text-single", n);
	if (err == 0)
		err = field(iq, form, "muc#roominfo_lang", "text-single", c->lang);
	if (err == 0)
		err = field(iq, form, "muc#roominfo_changesubject", "boolean", c->change_subject ? STR("1") : STR("0"));
	if (err == 0)
		err = field(iq, form, "muc#roomconfig_roomname", "text-single", c->name);
	if (err == 0)
		err = field(iq, form, "{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites", "boolean",
			    c->member_invites ? STR("1") : STR("0"));
	if (err == 0 && r->avatar_hash.n)
		err = field(iq, form, "muc#roominfo_avatarhash", "text-multi", r->avatar_hash);
	if (err == 0 && room_hats_hash(r, iq->arena).n)
		err = field(iq, form, "hats#hash", "text-single", room_hats_hash(r, iq->arena));
	return err;
}

/* XEP-0045 6.6 7.12: the nick that is kept for who asks. */
static int reserved_nick(struct iq *iq, struct node *q, const struct room *r)
{
	const struct room_grant *g = map_get(r->grants, iq->trip->from.bare);
	struct node *id;

	if (!g || g->nick.n == 0)
		return 0;
	id = node_add(iq->arena, q, NS_DISCO_INFO, "identity");
	if (!id || node_set_attr(iq->arena, id, "category", STR("conference")) < 0 ||
	    node_set_attr(iq->arena, id, "type", STR("text")) < 0)
		return ERR_LIMIT;
	return node_set_attr(iq->arena, id, "name", g->nick);
}

int room_disco_info(struct iq *iq)
{
	struct str node = node_attr(iq->payload, "node");
	struct node *q = node_new(iq->arena, NS_DISCO_INFO, "query");
	const struct room *r = rooms_addressed(iq);
	int err;

	if (!q || (node.n && node_set_attr(iq->arena, q, "node", node) < 0))
		return ERR_LIMIT;
	if (iq->target == TO_SERVICE) {
		err = node.n ? ERR_NOT_FOUND : about_the_service(iq, q);
	} else if (!r) {
		return ERR_NOT_FOUND;
	} else if (str_is(node, "x-roomuser-item")) {
		err = reserved_nick(iq, q, r);
	} else if (node.n) {
		return ERR_NOT_FOUND;
	} else {
		err = identity(iq, q, r->config.name.n ? r->config.name : r->local);
		if (err == 0)
			err = features_of(iq, q, r);
		if (err == 0)
			err = room_form(iq, q, r);
	}
	return err < 0 ? err : iq_reply(iq, q);
}

/* --- items --------------------------------------------------------------------------------------------------- */

static bool shown_to(const struct room *r, const struct jid *who)
{
	return !r->locked && (r->config.listed || room_device(r, who->full) || room_affiliation_of(r, who->bare) >= ROOM_MEMBER);
}

static int by_name(const void *x, const void *y)
{
	return str_cmp((*(const struct room *const *)x)->local, (*(const struct room *const *)y)->local);
}

static int item(struct iq *iq, struct node *q, struct str jid, struct str name)
{
	struct node *i = node_add(iq->arena, q, NS_DISCO_ITEMS, "item");
	int r = i ? node_set_attr(iq->arena, i, "jid", jid) : ERR_LIMIT;

	return r < 0 || name.n == 0 ? r : node_set_attr(iq->arena, i, "name", name);
}

static int rsm_end(struct iq *iq, struct node *q, const struct room *const *v, size_t from, size_t n, size_t total)
{
	struct node *set = node_add(iq->arena, q, NS_RSM, "set"), *first;
	struct str count = arena_printf(iq->arena, "%zu", total), index = arena_printf(iq->arena, "%zu", from);

	if (!set || !count.p || !index.p)
		return ERR_LIMIT;
	if (n) {
		first = node_add_leaf(iq->arena, set, NS_RSM, "first", v[from]->local);
		if (!first || node_set_attr(iq->arena, first, "index", index) < 0 ||
		    !node_add_leaf(iq->arena, set, NS_RSM, "last", v[from + n - 1]->local))
			return ERR_LIMIT;
	}
	return node_add_leaf(iq->arena, set, NS_RSM, "count", count) ? 0 : ERR_LIMIT;
}

static size_t behind(const struct room *const *v, size_t n, struct str after)
{
	size_t i = 0;

	while (i < n && str_cmp(v[i]->local, after) <= 0)
		i++;
	return i;
}

static int list_rooms(struct iq *iq, struct node *q)
{
	const struct rooms *rs = rooms_of(iq->server);
	const struct node *set = node_child(iq->payload, NS_RSM, "set"), *after, *max;
	const struct room **v = arena_alloc(iq->arena, (map_count(rs->all) + 1) * sizeof(*v));
	struct map_iter it = { 0 };
	size_t n = 0, from = 0, page = PAGE;
	uint64_t wanted;
	void *r;
	int err = 0;

	if (!v)
		return ERR_LIMIT;
	while (map_next(rs->all, &it, NULL, &r))
		if (shown_to(r, &iq->trip->from))
			v[n++] = r;
	qsort(v, n, sizeof(*v), by_name);
	after = set ? node_child(set, NS_RSM, "after") : NULL;
	max = set ? node_child(set, NS_RSM, "max") : NULL;
	if (max && str_to_u64(node_text(iq->arena, max), PAGE, &wanted))
		page = (size_t)wanted;
	if (after)
		from = behind((const struct room *const *)v, n, node_text(iq->arena, after));
	if (page > n - from)
		page = n - from;
	for (size_t i = 0; err == 0 && i < page; i++)
		err = item(iq, q, v[from + i]->jid, v[from + i]->config.name.n ? v[from + i]->config.name : v[from + i]->local);
	if (err == 0 && (set || page < n))
		err = rsm_end(iq, q, (const struct room *const *)v, from, page, n);
	return err;
}

/* Who is in it: for those who are in it, too. */
static int list_occupants(struct iq *iq, struct node *q, const struct room *r)
{
	struct map_iter it = { 0 };
	void *o;
	int err = 0;

	if (!room_device(r, iq->trip->from.full))
		return 0;
	while (err == 0 && map_next(r->nicks, &it, NULL, &o))
		err = item(iq, q, ((struct occupant *)o)->address, STR_NONE);
	return err;
}

int room_disco_items(struct iq *iq)
{
	struct node *q = node_new(iq->arena, NS_DISCO_ITEMS, "query");
	const struct room *r = rooms_addressed(iq);
	int err;

	if (!q)
		return ERR_LIMIT;
	if (iq->target == TO_ROOM && !r)
		return ERR_NOT_FOUND;
	if (r && str_is(node_attr(iq->payload, "node"), NS_COMMANDS)) {
		err = node_set_attr(iq->arena, q, "node", STR(NS_COMMANDS));
		if (err == 0)
			err = room_hats_items(iq, q, r);
		return err < 0 ? err : iq_reply(iq, q);
	}
	if (node_attr(iq->payload, "node").n)
		return ERR_NOT_FOUND;
	err = r ? list_occupants(iq, q, r) : list_rooms(iq, q);
	return err < 0 ? err : iq_reply(iq, q);
}
