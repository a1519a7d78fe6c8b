/* room_owner.c - muc#owner (XEP-0045 10.1, 10.2, 10.9): the configuration as a form, and the end of a room.
 *
 * One table names every field: what a client is shown, what it may send, where it is kept.
 */
#include "rooms/room.h"

#include <stddef.h>

#include "base/check.h"
#include "xmpp/jid.h"

#define PEOPLE_MOST 500		/* named in one form as admins, or as owners */

enum field_type { FIELD_TEXT, FIELD_LINES, FIELD_SECRET, FIELD_BOOL, FIELD_CHOICE, FIELD_LIMIT, FIELD_NUMBER };

struct choice { const char *value, *label; };

static const struct choice pm_choices[] = { { "anyone", "Anyone" }, { "participants", "Those who may speak" },
					    { "moderators", "Moderators" }, { "none", "Nobody" }, { 0 } };
static const struct choice whois_choices[] = { { "moderators", "Moderators" }, { "anyone", "Anyone" }, { 0 } };
/* Offered; any other number is taken, too. */
static const struct choice limit_choices[] = { { "10", "10" }, { "20", "20" }, { "50", "50" }, { "100", "100" }, { "200", "200" },
					       { "500", "500" }, { "1000", "1000" }, { "none", "No limit of its own" }, { 0 } };

#define AT(f) offsetof(struct room_config, f)

static const struct field {
	const char *var, *label;
	enum field_type type;
	size_t at;
	const struct choice *choices;
	unsigned max;			/* of a number */
} fields[] = {
	{ "muc#roomconfig_roomname", "Name", FIELD_TEXT, AT(name), NULL, 0 },
	{ "muc#roomconfig_roomdesc", "Description", FIELD_LINES, AT(desc), NULL, 0 },
	{ "muc#roomconfig_lang", "Language", FIELD_TEXT, AT(lang), NULL, 0 },
	{ "muc#roomconfig_persistentroom", "Stays when the last one leaves", FIELD_BOOL, AT(persistent), NULL, 0 },
	{ "muc#roomconfig_publicroom", "Shown in the list of rooms", FIELD_BOOL, AT(listed), NULL, 0 },
	{ "muc#roomconfig_membersonly", "For members only", FIELD_BOOL, AT(members_only), NULL, 0 },
	{ "muc#roomconfig_moderatedroom", "Only those with voice may speak", FIELD_BOOL, AT(moderated), NULL, 0 },
	{ "muc#roomconfig_whois", "Who sees real addresses", FIELD_CHOICE, AT(open_identity), whois_choices, 0 },
	{ "muc#roomconfig_changesubject", "Everybody may change the topic", FIELD_BOOL, AT(change_subject), NULL, 0 },
	{ "muc#roomconfig_allowinvites", "Occupants may invite", FIELD_BOOL, AT(allow_invites), NULL, 0 },
	{ "{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites", "Members may invite others to a room of members", FIELD_BOOL,
	  AT(member_invites), NULL, 0 },
	{ "muc#roomconfig_allowpm", "Who may send private messages", FIELD_CHOICE, AT(pm), pm_choices, 0 },
	{ "muc#roomconfig_maxusers", "Most occupants", FIELD_LIMIT, AT(max_occupants), limit_choices, ROOMS_OCCUPANTS },
	{ "muc#roomconfig_historylength", "Messages shown to newcomers", FIELD_NUMBER, AT(history), NULL, ROOMS_HISTORY },
	{ "muc#roomconfig_roomsecret", "Password", FIELD_SECRET, AT(password), NULL, 0 },
};

static void *place(const struct room_config *c, const struct field *f)
{
	return (char *)(uintptr_t)c + f->at;
}

/* --- the form shown ------------------------------------------------------------------------------------------------- */

static const char *type_name(enum field_type t)
{
	switch (t) {
	case FIELD_SECRET:
		return "text-private";
	case FIELD_BOOL:
		return "boolean";
	case FIELD_CHOICE:
	case FIELD_LIMIT:
		return "list-single";
	case FIELD_TEXT:
	case FIELD_LINES:	/* XEP-0045 registers text-single; aioxmpp refuses a form that says otherwise */
	case FIELD_NUMBER:
		break;
	}
	return "text-single";
}

static struct str value_of(struct arena *a, const struct room_config *c, const struct field *f)
{
	const void *p = place(c, f);
	struct str s;

	switch (f->type) {
	case FIELD_BOOL:
		return *(const bool *)p ? STR("1") : STR("0");
	case FIELD_LIMIT:
		if (*(const unsigned *)p == 0)
			return STR("none");
		return arena_printf(a, "%u", *(const unsigned *)p);
	case FIELD_NUMBER:
		return arena_printf(a, "%u", *(const unsigned *)p);
	case FIELD_CHOICE:
		return str_of(f->choices[f->choices == whois_choices ? (size_t)*(const bool *)p : (size_t)*(const enum room_pm *)p].value);
	case FIELD_TEXT:
	case FIELD_LINES:
	case FIELD_SECRET:
		break;
	}
	s = *(const struct str *)p;
	return s.p ? s : STR_NONE;
}

static struct node *add_field(struct arena *a, struct node *form, const char *var, const char *type, const char *label)
{
	struct node *f = node_add(a, form, NS_XDATA, "field");

	if (!f || node_set_attr(a, f, "var", str_of(var)) < 0 || node_set_attr(a, f, "type", str_of(type)) < 0 ||
	    (label && node_set_attr(a, f, "label", str_of(label)) < 0))
		return NULL;
	return f;
}

static bool add_option(struct arena *a, struct node *f, struct str label, struct str value)
{
	struct node *o = node_add(a, f, NS_XDATA, "option");

	return o && node_set_attr(a, o, "label", label) == 0 && node_add_leaf(a, o, NS_XDATA, "value", value);
}

/* A list-single's value must be among its options (XEP-0004 3.3): a number that we do not offer is added. */
static bool add_options(struct arena *a, struct node *f, const struct choice *c, struct str value)
{
	bool there = !c;

	for (; c && c->value; c++) {
		there = there || str_is(value, c->value);
		if (!add_option(a, f, str_of(c->label), str_of(c->value)))
			return false;
	}
	return there || add_option(a, f, value, value);
}

static bool add_people(struct arena *a, struct node *form, const struct room *r, const char *var, const char *label,
		       enum room_affiliation affiliation)
{
	struct node *f = add_field(a, form, var, "jid-multi", label);
	struct map_iter it = { 0 };
	struct str bare;
	void *g;

	while (f && map_next(r->grants, &it, &bare, &g))
		if (((struct room_grant *)g)->affiliation == affiliation && !node_add_leaf(a, f, NS_XDATA, "value", bare))
			return false;
	return f != NULL;
}

static int show_form(struct iq *iq, const struct room *r)
{
	struct arena *a = iq->arena;
	struct node *q = node_new(a, NS_MUC_OWNER, "query"), *form, *f;

	form = q ? node_add(a, q, NS_XDATA, "x") : NULL;
	if (!form || node_set_attr(a, form, "type", STR("form")) < 0 ||
	    !node_add_leaf(a, form, NS_XDATA, "title", STR("Configuration of the room")))
		return ERR_LIMIT;
	f = add_field(a, form, "FORM_TYPE", "hidden", NULL);
	if (!f || !node_add_leaf(a, f, NS_XDATA, "value", STR(NS_MUC_ROOMCONFIG)))
		return ERR_LIMIT;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct str value = value_of(a, &r->config, &fields[i]);

		f = add_field(a, form, fields[i].var, type_name(fields[i].type), fields[i].label);
		if (!f || !add_options(a, f, fields[i].choices, value) || !node_add_leaf(a, f, NS_XDATA, "value", value))
			return ERR_LIMIT;
		if (fields[i].type == FIELD_SECRET) {
			f = add_field(a, form, "muc#roomconfig_passwordprotectedroom", "boolean", "A password is needed to enter");
			if (!f || !node_add_leaf(a, f, NS_XDATA, "value", r->config.password.n ? STR("1") : STR("0")))
				return ERR_LIMIT;
		}
	}
	if (!add_people(a, form, r, "muc#roomconfig_roomadmins", "Admins", ROOM_ADMIN) ||
	    !add_people(a, form, r, "muc#roomconfig_roomowners", "Owners", ROOM_OWNER))
		return ERR_LIMIT;
	return iq_reply(iq, q);
}

/* --- the form sent --------------------------------------------------------------------------------------------------- */

static const struct node *sent(const struct node *form, const char *var)
{
	for (const struct node *f = node_child(form, NS_XDATA, "field"); f; f = node_child_next(f, NS_XDATA, "field"))
		if (str_is(node_attr(f, "var"), var))
			return f;
	return NULL;
}

/* Several values are lines of one text. */
static int text_of(struct arena *a, const struct node *field, bool lines, struct str *ret)
{
	const struct node *v = node_child(field, NS_XDATA, "value");
	struct str text = v ? node_text(a, v) : STR_NONE;

	while (lines && v && (v = node_child_next(v, NS_XDATA, "value")) != NULL)
		text = arena_printf(a, "%.*s\n%.*s", STR_FMT(text), STR_FMT(node_text(a, v)));
	if (!text.p)
		return ERR_LIMIT;
	if (text.n > ROOMS_TEXT)
		return ERR_NOT_ACCEPTABLE;
	*ret = text;
	return 0;
}

static bool read_bool(struct str s, bool *ret)
{
	if (str_is(s, "1") || str_is(s, "true")) {
		*ret = true;
		return true;
	}
	*ret = false;
	return str_is(s, "0") || str_is(s, "false");
}

/* config is a copy whose texts lie in the arena. */
static int read_field(struct arena *a, const struct field *f, const struct node *n, struct room_config *config)
{
	void *p = place(config, f);
	struct str text;
	uint64_t number;
	int r = text_of(a, n, f->type == FIELD_LINES, &text);

	if (r < 0)
		return r;
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_LINES:
	case FIELD_SECRET:
		*(struct str *)p = text;
		return 0;
	case FIELD_BOOL:
		return read_bool(text, p) ? 0 : ERR_BAD_REQUEST;
	case FIELD_LIMIT:
	case FIELD_NUMBER:
		if (text.n == 0 || str_is(text, "none"))
			text = STR("0");
		if (!str_to_u64(text, UINT32_MAX, &number))
			return ERR_BAD_REQUEST;
		*(unsigned *)p = number > f->max ? f->max : (unsigned)number;
		return 0;
	case FIELD_CHOICE:
		for (size_t i = 0; f->choices[i].value; i++) {
			if (!str_is(text, f->choices[i].value))
				continue;
			if (f->choices == whois_choices)
				*(bool *)p = i == 1;
			else
				*(enum room_pm *)p = (enum room_pm)i;
			return 0;
		}
		return ERR_NOT_ACCEPTABLE;
	}
	return ERR_BAD_REQUEST;
}

/* Replaces what the room keeps by what was read; all or nothing as far as memory allows. */
static int take_config(struct room *r, const struct room_config *n)
{
	struct room_config *c = &r->config;
	struct { struct str *to, from; } texts[] = { { &c->name, n->name }, { &c->desc, n->desc }, { &c->lang, n->lang },
						     { &c->password, n->password } };
	struct room_config flags = *n;
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(texts); i++)
		if (texts[i].from.p != texts[i].to->p)
			err = room_text_set(texts[i].to, texts[i].from);
	flags.name = c->name;
	flags.desc = c->desc;
	flags.lang = c->lang;
	flags.password = c->password;
	*c = flags;
	return err;
}

/* "muc#roomconfig_roomadmins" and owners: each the whole list as it is to be (10.5, 10.8, the notes). */
struct room_people {
	struct str v[PEOPLE_MOST];
	size_t n;
	bool given;
};

static int read_people(struct arena *a, const struct node *form, const char *var, struct room_people *ret)
{
	const struct node *f = sent(form, var);

	ret->n = 0;
	ret->given = f;
	for (const struct node *v = f ? node_child(f, NS_XDATA, "value") : NULL; v; v = node_child_next(v, NS_XDATA, "value")) {
		struct str text = node_text(a, v);
		struct jid jid;

		if (text.n == 0)
			continue;
		if (ret->n == PEOPLE_MOST)
			return ERR_NOT_ACCEPTABLE;
		if (jid_parse(a, text, &jid) < 0)
			return ERR_JID;
		ret->v[ret->n++] = jid.bare;
	}
	return 0;
}

static bool is_listed(const struct room_people *p, struct str bare)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->v[i], bare))
			return true;
	return false;
}

/* What somebody is by the lists. Who is on both is an owner; who is left out is nothing. */
static enum room_affiliation wanted_of(struct str bare, enum room_affiliation is, const struct room_people *owners, const struct room_people *admins)
{
	if (owners->given ? is_listed(owners, bare) : is == ROOM_OWNER)
		return ROOM_OWNER;
	if (admins->given ? is_listed(admins, bare) : is == ROOM_ADMIN)
		return ROOM_ADMIN;
	return is >= ROOM_ADMIN ? ROOM_STRANGER : is;
}

static bool owners_left(const struct room *r, const struct room_people *owners)
{
	return owners->given ? owners->n > 0 : room_owners(r) > 0;
}

static int take_one(struct room *r, struct str bare, enum room_affiliation a)
{
	struct room_change why = { 0 };
	int err;

	if (a == room_affiliation_of(r, bare))
		return 0;
	if (r->config.members_only && a < ROOM_MEMBER)
		why.statuses[why.n_statuses++] = 321;
	err = room_grant(r, bare, a, STR_NONE, STR_NONE);
	if (err == 0)
		room_presence_changed(r, bare, &why);
	return err;
}

/* First who comes, then who goes: the room is never without an owner. */
static int take_people(struct iq *iq, struct room *r, const struct room_people *owners, const struct room_people *admins)
{
	struct str *out = arena_alloc(iq->arena, (map_count(r->grants) + 1) * sizeof(*out)), bare;
	struct map_iter it = { 0 };
	size_t n = 0;
	int err = out ? 0 : ERR_LIMIT;
	void *g;

	for (size_t i = 0; err == 0 && i < owners->n; i++)
		err = take_one(r, owners->v[i], ROOM_OWNER);
	for (size_t i = 0; err == 0 && i < admins->n; i++)
		err = take_one(r, admins->v[i], wanted_of(admins->v[i], room_affiliation_of(r, admins->v[i]), owners, admins));
	while (err == 0 && map_next(r->grants, &it, &bare, &g)) {
		enum room_affiliation is = ((struct room_grant *)g)->affiliation;

		if (is < ROOM_ADMIN || wanted_of(bare, is, owners, admins) == is)
			continue;
		out[n] = arena_str(iq->arena, bare);
		err = out[n++].p ? 0 : ERR_LIMIT;
	}
	for (size_t i = 0; err == 0 && i < n; i++)
		err = take_one(r, out[i], ROOM_STRANGER);
	return err;
}

static void tell_changes(struct iq *iq, struct room *r, const struct room_config *old)
{
	struct node *m = node_new(iq->arena, NS_CLIENT, "message"), *x, *s;
	unsigned codes[2], n = 0;

	codes[n++] = 104;
	if (old->open_identity != r->config.open_identity)
		codes[n++] = r->config.open_identity ? 172 : 173;
	x = m ? node_add(iq->arena, m, NS_MUC_USER, "x") : NULL;
	for (unsigned i = 0; x && i < n; i++) {
		struct str text = arena_printf(iq->arena, "%u", codes[i]);

		s = node_add(iq->arena, x, NS_MUC_USER, "status");
		if (!s || !text.p || node_set_attr(iq->arena, s, "code", text) < 0)
			return;
	}
	if (x)
		room_message_all(r, iq->arena, m);
}

void room_owner_tell(struct iq *iq, struct room *r)
{
	tell_changes(iq, r, &r->config);
}

/* A room that has become one of members loses the others (322); one that is moderated now takes no voice away. */
static void put_out_strangers(struct room *r)
{
	static const struct room_change why = { .statuses = { 322 }, .n_statuses = 1 };
	struct map_iter it = { 0 };
	void *o;

	while (r->config.members_only && map_next(r->nicks, &it, NULL, &o)) {
		if (room_affiliation_of(r, ((struct occupant *)o)->bare) >= ROOM_MEMBER)
			continue;
		room_presence_remove(o, &why);
		it = (struct map_iter){ 0 };
	}
}

/* The switch beside the password: on without one protects nothing, off takes it away. */
static int read_protection(struct arena *a, const struct node *n, struct room_config *config)
{
	struct str text;
	bool secret;
	int r = n ? text_of(a, n, false, &text) : 0;

	if (r < 0 || !n)
		return r;
	if (!read_bool(text, &secret))
		return ERR_BAD_REQUEST;
	if (secret && config->password.n == 0)
		return ERR_NOT_ACCEPTABLE;
	if (!secret)
		config->password = STR_NONE;
	return 0;
}

static int read_form(struct arena *a, const struct node *form, struct room_config *config)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fields); i++) {
		const struct node *f = sent(form, fields[i].var);

		if (f)
			r = read_field(a, &fields[i], f, config);
	}
	return r < 0 ? r : read_protection(a, sent(form, "muc#roomconfig_passwordprotectedroom"), config);
}

static int submit(struct iq *iq, struct room *r, const struct node *form)
{
	struct room_config config = r->config, old = r->config;
	struct room_people *owners = arena_alloc(iq->arena, sizeof(*owners)), *admins = arena_alloc(iq->arena, sizeof(*admins));
	int err = owners && admins ? read_form(iq->arena, form, &config) : ERR_LIMIT;

	if (err == 0)
		err = read_people(iq->arena, form, "muc#roomconfig_roomowners", owners);
	if (err == 0)
		err = read_people(iq->arena, form, "muc#roomconfig_roomadmins", admins);
	if (err == 0 && !owners_left(r, owners)) {
		trip_refuse_cond(iq->trip, "cancel", "conflict", NULL);
		return IQ_LATER;
	}
	if (err == 0)
		err = take_config(r, &config);
	if (err == 0)
		err = take_people(iq, r, owners, admins);
	if (err < 0)
		return err;
	if (!r->locked)
		tell_changes(iq, r, &old);
	r->locked = false;
	put_out_strangers(r);
	err = room_store_answer(iq, r);
	rooms_settle(r);
	return err;
}

/* --- destruction --------------------------------------------------------------------------------------------------------- */

static int destroy(struct iq *iq, struct room *r, const struct node *wanted)
{
	struct node *d = node_new(iq->arena, NS_MUC_USER, "destroy");
	const struct node *reason = node_child(wanted, NS_MUC_OWNER, "reason");
	struct str why = reason ? node_text(iq->arena, reason) : STR_NONE;
	struct jid to;
	struct buf b;
	int err = d && why.n <= ROOMS_TEXT ? 0 : ERR_LIMIT;

	if (err == 0 && node_has_attr(wanted, "jid")) {
		err = jid_parse(iq->arena, node_attr(wanted, "jid"), &to);
		if (err == 0)
			err = node_set_attr(iq->arena, d, "jid", to.full);
	}
	if (err == 0 && why.n && !node_add_leaf(iq->arena, d, NS_MUC_USER, "reason", why))
		err = ERR_LIMIT;
	buf_init(&b, ROOMS_STANZA_BYTES);
	if (err == 0)
		err = room_write(&b, d);
	if (err == 0)
		err = rooms_destroy(iq, r, buf_str(&b));
	buf_release(&b);
	return err;
}

static int on_set(struct iq *iq, struct room *r)
{
	const struct node *form = node_child(iq->payload, NS_XDATA, "x"), *end = node_child(iq->payload, NS_MUC_OWNER, "destroy");
	struct str type = form ? node_attr(form, "type") : STR_NONE;

	if (end)
		return destroy(iq, r, end);
	if (!form || !(str_is(type, "submit") || str_is(type, "cancel")))
		return ERR_BAD_REQUEST;
	if (str_is(type, "submit"))
		return submit(iq, r, form);
	/* XEP-0045 10.1.3: he does not want a new one after all. */
	return r->locked ? rooms_destroy(iq, r, STR_NONE) : iq_reply(iq, NULL);
}

int room_owner_on(struct iq *iq)
{
	struct room *r = rooms_addressed(iq);

	if (!r)
		return ERR_NOT_FOUND;
	if (room_account_rank(iq->trip, r) != ROOM_OWNER)
		return ERR_FORBIDDEN;
	return iq->type == IQ_GET ? show_form(iq, r) : on_set(iq, r);
}
