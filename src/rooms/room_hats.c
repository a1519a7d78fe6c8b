/* room_hats.c - hats of a room (XEP-0317): what somebody is besides his affiliation, as its owners name it. Owners make
 * and give them with commands (XEP-0050) to the room; everybody sees them in presence.
 *
 * Who is of another domain wears one more that nobody can give or take: everybody sees who is not of this house.
 * A form may be sent at once, without asking for it first: so nothing of a command is remembered between its stages.
 */
#include "rooms/room.h"

#include <stdlib.h>

#include "base/rand.h"
#include "vault/vault_pack.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"

#define FORM "urn:xmpp:hats:commands"
#define EXTERNAL "urn:wardroom:hat:external"
#define TITLE_BYTES 256
#define URI_BYTES 1024
#define HUE_BYTES 16
#define SESSION_BYTES 16

/* --- what there is ------------------------------------------------------------------------------------------------- */

static unsigned n_hats(const struct room *r)
{
	return r->hats ? ROOMS_HATS : 0;
}

static struct room_hat *find(const struct room *r, struct str uri, unsigned *ret_at)
{
	for (unsigned i = 0; i < n_hats(r); i++)
		if (r->hats[i].uri.n && str_eq(r->hats[i].uri, uri)) {
			*ret_at = i;
			return &r->hats[i];
		}
	return NULL;
}

static void hat_free(struct room_hat *h)
{
	room_text_free(&h->uri);
	room_text_free(&h->title);
	room_text_free(&h->hue);
}

static int hat_set(struct room_hat *h, struct str uri, struct str title, struct str hue)
{
	int r = room_text_set(&h->title, title);

	if (r == 0)
		r = room_text_set(&h->hue, hue);
	return r < 0 ? r : room_text_set(&h->uri, uri);
}

static int room_for_hats(struct room *r)
{
	if (!r->hats)
		r->hats = calloc(ROOMS_HATS, sizeof(*r->hats));
	return r->hats ? 0 : ERR_NOMEM;
}

uint32_t room_hats_of(const struct room *r, struct str bare)
{
	const uint32_t *worn = r->wearers ? map_get(r->wearers, bare) : NULL;

	return worn ? *worn : 0;
}

static int wear(struct room *r, struct str bare, uint32_t hats)
{
	uint32_t *worn = r->wearers ? map_get(r->wearers, bare) : NULL;
	int err;

	if (hats == 0) {
		if (worn)
			free(map_take(r->wearers, bare));
		return 0;
	}
	if (!r->wearers)
		r->wearers = map_new(ROOMS_AFFILIATIONS);
	if (worn) {
		*worn = hats;
		return 0;
	}
	worn = r->wearers ? malloc(sizeof(*worn)) : NULL;
	err = worn ? map_put(r->wearers, bare, worn) : ERR_NOMEM;
	if (err == 0)
		*worn = hats;
	else
		free(worn);
	return err;
}

bool room_hats_drop(struct room *r, struct str bare)
{
	bool worn = room_hats_of(r, bare) != 0;

	(void)!wear(r, bare, 0);
	return worn;
}

void room_hats_free(struct room *r)
{
	struct map_iter it = { 0 };
	void *worn;

	for (unsigned i = 0; i < n_hats(r); i++)
		hat_free(&r->hats[i]);
	free(r->hats);
	r->hats = NULL;
	while (r->wearers && map_next(r->wearers, &it, NULL, &worn))
		free(worn);
	map_free(&r->wearers);
}

static int add_hat(struct arena *a, struct node *hats, struct str uri, struct str title, struct str hue)
{
	struct node *hat = node_add(a, hats, NS_HATS, "hat");
	int r = hat ? node_set_attr(a, hat, "title", title) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(a, hat, "uri", uri);
	return r < 0 || hue.n == 0 ? r : node_set_attr(a, hat, "hue", hue);
}

int room_hats_show(const struct room *r, struct str bare, bool external, struct arena *a, struct node *presence)
{
	uint32_t worn = room_hats_of(r, bare);
	struct node *hats = worn || external ? node_add(a, presence, NS_HATS, "hats") : NULL;
	int err = hats || !(worn || external) ? 0 : ERR_LIMIT;

	if (err == 0 && external)
		err = add_hat(a, hats, STR(EXTERNAL), STR("External"), STR_NONE);
	for (unsigned i = 0; err == 0 && i < n_hats(r); i++)
		if (worn & (1u << i))
			err = add_hat(a, hats, r->hats[i].uri, r->hats[i].title, r->hats[i].hue);
	return err;
}

struct str room_hats_hash(const struct room *r, struct arena *a)
{
	static const uint64_t key[2] = { 0x68617473, 1 };	/* the same for the same list, no secret */
	uint64_t sum = 0;

	for (unsigned i = 0; i < n_hats(r); i++) {
		const struct room_hat *h = &r->hats[i];
		struct str line = h->uri.n ? arena_printf(a, "%.*s\n%.*s\n%.*s", STR_FMT(h->uri), STR_FMT(h->title), STR_FMT(h->hue)) : STR_NONE;

		sum ^= line.n ? map_hash(key, line) : 0;
	}
	return sum ? arena_printf(a, "%016llx", (unsigned long long)sum) : STR_NONE;
}

/* --- kept ---------------------------------------------------------------------------------------------------------- */

void room_hats_pack(const struct room *r, struct buf *b)
{
	struct map_iter it = { 0 };
	struct str bare;
	void *worn;

	vault_pack_u32(b, n_hats(r));
	for (unsigned i = 0; i < n_hats(r); i++) {
		const struct room_hat *h = &r->hats[i];

		vault_pack_str(b, h->uri.n ? h->uri : STR_NONE);
		if (h->uri.n) {
			vault_pack_str(b, h->title);
			vault_pack_str(b, h->hue);
		}
	}
	vault_pack_u32(b, r->wearers ? (uint32_t)map_count(r->wearers) : 0);
	while (r->wearers && map_next(r->wearers, &it, &bare, &worn)) {
		vault_pack_str(b, bare);
		vault_pack_u32(b, *(const uint32_t *)worn);
	}
}

int room_hats_unpack(struct room *r, struct vault_unpack *u)
{
	uint32_t n = vault_unpack_u32(u), known = 0;
	int err = n > ROOMS_HATS ? ERR_CORRUPT : n ? room_for_hats(r) : 0;

	for (uint32_t i = 0; err == 0 && i < n; i++) {
		struct str uri = vault_unpack_str(u), title, hue;

		if (uri.n == 0)
			continue;
		title = vault_unpack_str(u);
		hue = vault_unpack_str(u);
		err = u->bad ? ERR_CORRUPT : hat_set(&r->hats[i], uri, title, hue);
		known |= 1u << i;
	}
	n = vault_unpack_u32(u);
	for (uint32_t i = 0; err == 0 && i < n && !u->bad; i++) {
		struct str bare = vault_unpack_str(u);
		uint32_t worn = vault_unpack_u32(u);

		err = wear(r, bare, worn & known);
	}
	return err;
}

/* --- the forms ------------------------------------------------------------------------------------------------------- */

enum wants { WANTS_TITLE = 1, WANTS_URI = 2, WANTS_HUE = 4, WANTS_JID = 8, WANTS_HAT = 16 };

struct asked {
	struct iq *iq;
	struct room *room;
	struct str title, uri, hue, jid;
	struct room_hat *hat;		/* of the uri; NULL: there is none */
	unsigned at;
};

static struct node *command(struct iq *iq, const char *status)
{
	struct node *c = node_new(iq->arena, NS_COMMANDS, "command");
	struct str session = node_attr(iq->payload, "sessionid");
	char fresh[SESSION_BYTES + 1];

	if (session.n == 0) {
		rand_text(fresh, SESSION_BYTES);
		session = str_make(fresh, SESSION_BYTES);
	}
	if (!c || session.n > URI_BYTES || node_set_attr(iq->arena, c, "node", node_attr(iq->payload, "node")) < 0 ||
	    node_set_attr(iq->arena, c, "sessionid", session) < 0 || node_set_attr(iq->arena, c, "status", str_of(status)) < 0)
		return NULL;
	return c;
}

static int completed(struct iq *iq)
{
	struct node *c = command(iq, "completed");

	return c ? iq_reply(iq, c) : ERR_LIMIT;
}

static void hat_options(struct form *f, const struct room *r)
{
	for (unsigned i = 0; i < n_hats(r); i++)
		if (r->hats[i].uri.n)
			form_option(f, r->hats[i].title.p, r->hats[i].uri.p);
}

static int ask(struct iq *iq, const struct room *r, const char *title, unsigned wants)
{
	struct node *c = command(iq, "executing"), *actions = c ? node_add(iq->arena, c, NS_COMMANDS, "actions") : NULL;
	struct form f;
	int err;

	if (!actions || !node_add(iq->arena, actions, NS_COMMANDS, "complete"))
		return ERR_LIMIT;
	form_begin(&f, iq->arena, c, "form", FORM);
	form_text(&f, "title", title);
	if (wants & WANTS_JID) {
		form_field(&f, "jid-single", "hats#jid", "Address", (struct str){ 0 });
		form_required(&f);
	}
	if (wants & WANTS_TITLE) {
		form_field(&f, "text-single", "hats#title", "Title", (struct str){ 0 });
		form_required(&f);
	}
	if (wants & WANTS_URI) {
		form_field(&f, "text-single", "hats#uri", "URI, which names the hat for programs", (struct str){ 0 });
		form_required(&f);
	}
	if (wants & WANTS_HAT) {
		form_field(&f, "list-single", "hats#uri", "Hat", (struct str){ 0 });
		form_required(&f);
		hat_options(&f, r);
	}
	if (wants & WANTS_HUE)
		form_field(&f, "text-single", "hats#hue", "Colour, an angle of 0 to 360", (struct str){ 0 });
	err = form_end(&f);
	return err < 0 ? err : iq_reply(iq, c);
}

/* XEP-0392: degrees, with or without a fraction. */
static bool is_hue(struct str s)
{
	size_t dots = 0;
	unsigned whole = 0;

	if (s.n > HUE_BYTES || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && dots++ == 0)
			continue;
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (dots == 0)
			whole = whole * 10 + (unsigned)(s.p[i] - '0');
		if (whole > 360)
			return false;
	}
	return true;
}

static int read(struct iq *iq, struct room *r, const struct node *form, struct asked *ret)
{
	struct str jid = form_get(iq->arena, form, "hats#jid");
	struct jid who;

	*ret = (struct asked){ .iq = iq, .room = r, .title = form_get(iq->arena, form, "hats#title"),
			       .uri = form_get(iq->arena, form, "hats#uri"), .hue = form_get(iq->arena, form, "hats#hue"), .jid = STR_NONE };
	if (ret->uri.n == 0 || ret->uri.n > URI_BYTES || ret->title.n > TITLE_BYTES)
		return ERR_BAD_REQUEST;
	if (str_is(ret->uri, EXTERNAL))
		return ERR_NOT_ALLOWED;
	if (ret->hue.n && !is_hue(ret->hue))
		return ERR_BAD_REQUEST;
	if (jid.n && jid_parse(iq->arena, jid, &who) < 0)
		return ERR_JID;
	if (jid.n)
		ret->jid = who.bare;
	ret->hat = find(r, ret->uri, &ret->at);
	return 0;
}

/* --- what they do ---------------------------------------------------------------------------------------------------- */

static void show(struct room *r, struct str bare, uint32_t hats)
{
	struct map_iter it = { 0 };
	void *v;

	while (map_next(r->nicks, &it, NULL, &v)) {
		struct occupant *o = v;

		if (bare.n ? str_eq(o->bare, bare) : (room_hats_of(r, o->bare) & hats) != 0)
			room_presence_show(o, NULL);
	}
}

static int create(struct asked *k)
{
	struct room_hat *h = k->hat;
	int err = k->title.n ? room_for_hats(k->room) : ERR_BAD_REQUEST;

	if (err < 0)
		return err;
	for (unsigned i = 0; !h && i < ROOMS_HATS; i++)
		if (k->room->hats[i].uri.n == 0)
			h = &k->room->hats[i];
	if (!h)
		return ERR_LIMIT;
	err = hat_set(h, k->uri, k->title, k->hue);
	if (err == 0 && k->hat)
		show(k->room, STR_NONE, 1u << k->at);
	return err;
}

static int destroy(struct asked *k)
{
	struct room *r = k->room;
	uint32_t bit = 1u << k->at;
	struct map_iter it = { 0 };
	struct str bare;
	void *worn;

	if (!k->hat)
		return ERR_NOT_FOUND;
	hat_free(k->hat);
	while (r->wearers && map_next(r->wearers, &it, &bare, &worn)) {
		uint32_t *w = worn;
		struct str who = arena_str(k->iq->arena, bare);

		if (!(*w & bit) || !who.p)
			continue;
		if (wear(r, who, *w & ~bit) < 0)
			return ERR_NOMEM;
		show(r, who, 0);
		it = (struct map_iter){ 0 };
	}
	return 0;
}

static int give(struct asked *k, bool on)
{
	uint32_t worn = room_hats_of(k->room, k->jid), bit;
	int err;

	if (k->jid.n == 0)
		return ERR_BAD_REQUEST;
	if (!k->hat)
		return ERR_NOT_FOUND;
	bit = 1u << k->at;
	if (!on && !(worn & bit))
		return ERR_NOT_FOUND;
	err = wear(k->room, k->jid, on ? worn | bit : worn & ~bit);
	if (err == 0)
		show(k->room, k->jid, 0);
	return err;
}

static int assign(struct asked *k)
{
	return give(k, true);
}

static int unassign(struct asked *k)
{
	return give(k, false);
}

/* --- lists ------------------------------------------------------------------------------------------------------------ */

static bool add_value(struct arena *a, struct node *item, const char *var, struct str value)
{
	struct node *f = node_add(a, item, NS_XDATA, "field");

	return f && node_set_attr(a, f, "var", str_of(var)) == 0 && node_add_leaf(a, f, NS_XDATA, "value", value.p ? value : STR_NONE);
}

static bool add_row(struct arena *a, struct node *x, struct str jid, const struct room_hat *h)
{
	struct node *i = node_add(a, x, NS_XDATA, "item");

	return i && (jid.n == 0 || add_value(a, i, "hats#jid", jid)) && add_value(a, i, "hats#uri", h->uri) &&
	       add_value(a, i, "hats#title", h->title) && add_value(a, i, "hats#hue", h->hue);
}

static bool add_worn(struct iq *iq, const struct room *r, struct node *x)
{
	struct map_iter it = { 0 };
	struct str bare;
	void *worn;

	while (r->wearers && map_next(r->wearers, &it, &bare, &worn))
		for (unsigned i = 0; i < n_hats(r); i++)
			if ((*(const uint32_t *)worn & (1u << i)) && !add_row(iq->arena, x, bare, &r->hats[i]))
				return false;
	return true;
}

static int list(struct iq *iq, const struct room *r, bool assigned)
{
	static const char *const vars[] = { "hats#jid", "hats#uri", "hats#title", "hats#hue" };
	struct node *c = command(iq, "completed"), *x = c ? node_add(iq->arena, c, NS_XDATA, "x") : NULL, *reported;
	bool fits = x && node_set_attr(iq->arena, x, "type", STR("result")) == 0;

	reported = fits ? node_add(iq->arena, x, NS_XDATA, "reported") : NULL;
	fits = reported;
	for (size_t i = assigned ? 0 : 1; fits && i < sizeof(vars) / sizeof(vars[0]); i++) {
		struct node *f = node_add(iq->arena, reported, NS_XDATA, "field");

		fits = f && node_set_attr(iq->arena, f, "var", str_of(vars[i])) == 0;
	}
	for (unsigned i = 0; fits && !assigned && i < n_hats(r); i++)
		fits = r->hats[i].uri.n == 0 || add_row(iq->arena, x, STR_NONE, &r->hats[i]);
	if (fits && assigned)
		fits = add_worn(iq, r, x);
	return fits ? iq_reply(iq, c) : ERR_LIMIT;
}

/* --- the commands -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *node, *name;
	unsigned wants;
	int (*run)(struct asked *k);	/* NULL: a list */
} commands[] = {
	{ FORM ":create", "Make or change a hat", WANTS_TITLE | WANTS_URI | WANTS_HUE, create },
	{ FORM ":destroy", "Take a hat away for good", WANTS_HAT, destroy },
	{ FORM ":assign", "Give somebody a hat", WANTS_JID | WANTS_HAT, assign },
	{ FORM ":unassign", "Take somebody's hat", WANTS_JID | WANTS_HAT, unassign },
	{ FORM ":list", "Hats of this room", 0, NULL },
	{ FORM ":list-assigned", "Who wears which", 0, NULL },
};

int room_hats_items(struct iq *iq, struct node *query, const struct room *r)
{
	int err = 0;

	if (room_account_rank(iq->trip, r) != ROOM_OWNER)
		return 0;
	for (size_t i = 0; err == 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct node *n = node_add(iq->arena, query, NS_DISCO_ITEMS, "item");

		err = n ? node_set_attr(iq->arena, n, "jid", r->jid) : ERR_LIMIT;
		if (err == 0)
			err = node_set_attr(iq->arena, n, "node", str_of(commands[i].node));
		if (err == 0)
			err = node_set_attr(iq->arena, n, "name", str_of(commands[i].name));
	}
	return err;
}

static int change_done(struct iq *iq, int err)
{
	struct room_save *s = iq->data;

	room_store_end(&s, err);
	return err < 0 ? err : completed(iq);
}

static int change_work(struct vault *v, struct iq *iq)
{
	return room_store_put(v, iq->data);
}

static int change(struct iq *iq, struct room *r, int (*run)(struct asked *k), const struct node *form)
{
	struct room_save *s = NULL;
	struct asked k;
	int err = read(iq, r, form, &k);

	if (err == 0)
		err = run(&k);
	if (err == 0)
		err = room_store_begin(r, false, &s);
	if (err < 0)
		return err;
	room_owner_tell(iq, r);
	iq->data = s;
	err = iq_store(iq, change_work, change_done);
	if (err < 0)
		room_store_end(&s, 0);
	return err;
}

int room_hats_on(struct iq *iq)
{
	struct room *r = rooms_addressed(iq);
	struct str node = node_attr(iq->payload, "node");
	const struct node *form = node_child(iq->payload, NS_XDATA, "x");
	size_t i = 0;

	if (!r)
		return ERR_NOT_FOUND;
	if (room_account_rank(iq->trip, r) != ROOM_OWNER)
		return ERR_FORBIDDEN;
	while (i < sizeof(commands) / sizeof(commands[0]) && !str_is(node, commands[i].node))
		i++;
	if (i == sizeof(commands) / sizeof(commands[0]))
		return ERR_NOT_FOUND;
	if (str_is(node_attr(iq->payload, "action"), "cancel")) {
		struct node *c = command(iq, "canceled");

		return c ? iq_reply(iq, c) : ERR_LIMIT;
	}
	if (!commands[i].run)
		return list(iq, r, i == 5);
	if (form && str_is(node_attr(form, "type"), "submit"))
		return change(iq, r, commands[i].run, form);
	return ask(iq, r, commands[i].name, commands[i].wants);
}
