#include "rooms/room.h"

#include <stdlib.h>

#include "base/b64.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/outward.h"
#include "crypt/seal.h"
#include "xmpp/jid.h"
#include "xmpp/wire.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define ID_BYTES 18		/* of an occupant's id, before Base64 */

/* --- texts -------------------------------------------------------------------------------------------- */

int room_text_set(struct str *s, struct str text)
{
	char *p = malloc(text.n + 1);

	if (!p)
		return ERR_NOMEM;
	memcpy(p, text.p, text.n);
	p[text.n] = 0;
	room_text_free(s);
	*s = str_make(p, text.n);
	return 0;
}

void room_text_free(struct str *s)
{
	free((void *)(uintptr_t)s->p);
	*s = (struct str){ 0 };
}

/* --- names ---------------------------------------------------------------------------------------------- */

static const char *const affiliations[] = { "outcast", "none", "member", "admin", "owner" };
static const char *const roles[] = { "none", "visitor", "participant", "moderator" };

const char *room_affiliation_name(enum room_affiliation a)
{
	return affiliations[a];
}

const char *room_role_name(enum room_role role)
{
	return roles[role];
}

bool room_affiliation_parse(struct str text, enum room_affiliation *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(affiliations); i++)
		if (str_is(text, affiliations[i])) {
			*ret = (enum room_affiliation)i;
			return true;
		}
	return false;
}

bool room_role_parse(struct str text, enum room_role *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (str_is(text, roles[i])) {
			*ret = (enum room_role)i;
			return true;
		}
	return false;
}

/* --- rooms -------------------------------------------------------------------------------------------------- */

struct room *room_find(const struct rooms *rs, struct str local)
{
	return map_get(rs->all, local);
}

static void defaults(struct room_config *c)
{
	c->listed = true;
	c->allow_invites = true;
	c->history = 20;
}

int room_new(struct rooms *rs, struct str local, struct room **ret)
{
	struct room *r = calloc(1, sizeof(*r));
	char *jid = malloc(local.n + 1 + rs->domain.n + 1);
	int err = ERR_NOMEM;

	if (!r || !jid) {
		free(r);
		free(jid);
		return ERR_NOMEM;
	}
	memcpy(jid, local.p, local.n);
	jid[local.n] = '@';
	memcpy(jid + local.n + 1, rs->domain.p, rs->domain.n);
	jid[local.n + 1 + rs->domain.n] = 0;
	r->rooms = rs;
	r->jid = str_of(jid);
	r->local = str_make(jid, local.n);
	r->locked = true;
	r->created_ms = clock_wall_ms();
	defaults(&r->config);
	r->grants = map_new(ROOMS_AFFILIATIONS);
	r->nicks = map_new(ROOMS_OCCUPANTS);
	r->devices = map_new((size_t)ROOMS_OCCUPANTS * 2);
	if (r->grants && r->nicks && r->devices)
		err = map_put(rs->all, r->local, r);
	if (err == 0)
		*ret = r;
	else
		room_free(&r);
	return err;
}

static void grant_free(struct room_grant *g)
{
	room_text_free(&g->nick);
	room_text_free(&g->skeleton);
	room_text_free(&g->reason);
	free(g);
}

void room_free(struct room **ref)
{
	struct room *r = *ref;
	struct map_iter it = { 0 };
	void *g;

	*ref = NULL;
	CHECK(!r->devices || map_count(r->devices) == 0);
	if (map_get(r->rooms->all, r->local) == r)
		map_take(r->rooms->all, r->local);
	while (r->grants && map_next(r->grants, &it, NULL, &g))
		grant_free(g);
	map_free(&r->grants);
	room_hats_free(r);
	map_free(&r->nicks);
	map_free(&r->devices);
	room_message_forget_all(r);
	room_text_free(&r->config.name);
	room_text_free(&r->config.desc);
	room_text_free(&r->config.lang);
	room_text_free(&r->config.password);
	room_text_free(&r->subject);
	room_text_free(&r->subject_by);
	room_text_free(&r->avatar_hash);
	room_text_free(&r->jid);
	free(r);
}

/* --- affiliations -------------------------------------------------------------------------------------------- */

enum room_affiliation room_affiliation_of(const struct room *r, struct str bare)
{
	const struct room_grant *g = map_get(r->grants, bare);

	return g ? g->affiliation : ROOM_STRANGER;
}

enum room_role room_default_role(const struct room *r, enum room_affiliation a)
{
	switch (a) {
	case ROOM_OWNER:
	case ROOM_ADMIN:
		return ROOM_MODERATOR;
	case ROOM_MEMBER:
		return ROOM_PARTICIPANT;
	case ROOM_STRANGER:
		return r->config.moderated ? ROOM_VISITOR : ROOM_PARTICIPANT;
	case ROOM_OUTCAST:
		break;
	}
	return ROOM_NOBODY;
}

static int reserve(struct room_grant *g, struct str nick)
{
	struct arena *a = arena_new(64 * 1024);
	struct str skeleton;
	int r = a ? jid_skeleton(a, nick, &skeleton) : ERR_NOMEM;

	if (r == 0)
		r = room_text_set(&g->skeleton, skeleton);
	if (r == 0)
		r = room_text_set(&g->nick, nick);
	arena_free(&a);
	return r;
}

int room_grant(struct room *r, struct str bare, enum room_affiliation a, struct str nick, struct str reason)
{
	struct room_grant *g = map_get(r->grants, bare);
	int err = 0;

	if (a == ROOM_STRANGER && nick.n == 0) {
		g = map_take(r->grants, bare);
		if (g)
			grant_free(g);
		return 0;
	}
	if (!g) {
		g = calloc(1, sizeof(*g));
		err = g ? map_put(r->grants, bare, g) : ERR_NOMEM;
		if (err < 0) {
			free(g);
			return err;
		}
	}
	if (g->affiliation != a)
		room_text_free(&g->reason);	/* of what he was before */
	g->affiliation = a;
	if (nick.n)
		err = reserve(g, nick);
	if (err == 0 && reason.n)
		err = room_text_set(&g->reason, reason);
	return err;
}

void room_unreserve(struct room *r, struct str bare)
{
	struct room_grant *g = map_get(r->grants, bare);

	if (!g)
		return;
	room_text_free(&g->nick);
	room_text_free(&g->skeleton);
	if (g->affiliation == ROOM_STRANGER)
		grant_free(map_take(r->grants, bare));
}

unsigned room_owners(const struct room *r)
{
	struct map_iter it = { 0 };
	unsigned n = 0;
	void *g;

	while (map_next(r->grants, &it, NULL, &g))
		n += ((struct room_grant *)g)->affiliation == ROOM_OWNER;
	return n;
}

bool room_nick_fits(struct str nick)
{
	return nick.n && nick.n <= ROOMS_NICK && nick.p[0] != ' ' && nick.p[nick.n - 1] != ' ';
}

unsigned room_owned_by(const struct rooms *rs, struct str bare)
{
	struct map_iter it = { 0 };
	unsigned n = 0;
	void *r;

	while (map_next(rs->all, &it, NULL, &r))
		n += room_affiliation_of(r, bare) == ROOM_OWNER;
	return n;
}

/* --- who is in it ------------------------------------------------------------------------------------------------ */

struct occupant *room_lookalike(const struct room *r, struct arena *a, struct str nick)
{
	struct str skeleton;

	return jid_skeleton(a, nick, &skeleton) == 0 ? map_get(r->nicks, skeleton) : NULL;
}

struct occupant *room_by_nick(const struct room *r, struct arena *a, struct str nick)
{
	struct occupant *o = room_lookalike(r, a, nick);

	return o && str_eq(o->nick, nick) ? o : NULL;
}

bool room_nick_taken(const struct room *r, struct arena *a, struct str nick, struct str bare)
{
	struct map_iter it = { 0 };
	const struct occupant *o;
	struct str skeleton, whose;
	void *v;

	if (jid_skeleton(a, nick, &skeleton) < 0)
		return true;
	o = map_get(r->nicks, skeleton);
	if (o && !str_eq(o->bare, bare))
		return true;
	while (map_next(r->grants, &it, &whose, &v)) {
		const struct room_grant *g = v;

		if (g->nick.n && str_eq(g->skeleton, skeleton) && !str_eq(whose, bare))
			return true;
	}
	return false;
}

struct occupant *room_by_bare(const struct room *r, struct str bare)
{
	struct map_iter it = { 0 };
	void *o;

	while (map_next(r->nicks, &it, NULL, &o))
		if (str_eq(((struct occupant *)o)->bare, bare))
			return o;
	return NULL;
}

struct device *room_device(const struct room *r, struct str full)
{
	return map_get(r->devices, full);
}

size_t room_occupants(const struct room *r)
{
	return map_count(r->nicks);
}

/* XEP-0421: the same for the same account in this room, and nothing to anybody else: a keyed hash. */
static int give_id(struct occupant *o)
{
	const struct rooms *rs = o->room->rooms;
	uint8_t mac[EVP_MAX_MD_SIZE];
	char text[B64_LEN(ID_BYTES) + 1];
	struct buf b;
	unsigned n = 0;

	buf_init(&b, LIMIT_JID * 2 + 2);
	buf_str_add(&b, o->room->jid);
	buf_char(&b, 0);
	buf_str_add(&b, o->bare);
	if (b.failed || !HMAC(EVP_sha256(), rs->id_key, sizeof(rs->id_key), (const uint8_t *)b.p, b.n, mac, &n)) {
		buf_release(&b);
		return ERR_NOMEM;
	}
	buf_release(&b);
	b64_encode(mac, ID_BYTES, text);
	return room_text_set(&o->id, str_of(text));
}

static void occupant_free(struct occupant *o)
{
	if (o->skeleton.p && map_get(o->room->nicks, o->skeleton) == o)
		map_take(o->room->nicks, o->skeleton);
	room_text_free(&o->nick);
	room_text_free(&o->skeleton);
	room_text_free(&o->bare);
	room_text_free(&o->address);
	room_text_free(&o->id);
	free(o);
}

static int set_nick(struct occupant *o, struct arena *a, struct str nick)
{
	struct str skeleton, address = arena_printf(a, "%.*s/%.*s", STR_FMT(o->room->jid), STR_FMT(nick));
	int r = jid_skeleton(a, nick, &skeleton);

	if (r == 0)
		r = address.p ? room_text_set(&o->nick, nick) : ERR_LIMIT;
	if (r == 0)
		r = room_text_set(&o->skeleton, skeleton);
	return r < 0 ? r : room_text_set(&o->address, address);
}

static int occupant_new(struct room *r, struct arena *a, struct str nick, const struct jid *who, struct occupant **ret)
{
	struct occupant *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return ERR_NOMEM;
	o->room = r;
	list_init(&o->devices);
	err = room_text_set(&o->bare, who->bare);
	if (err == 0)
		err = set_nick(o, a, nick);
	if (err == 0)
		err = give_id(o);
	if (err == 0)
		err = map_put(r->nicks, o->skeleton, o);
	if (err < 0) {
		occupant_free(o);
		return err;
	}
	o->role = room_default_role(r, room_affiliation_of(r, who->bare));
	*ret = o;
	return 0;
}

static int client_get(struct rooms *rs, struct str full, struct client **ret)
{
	struct client *c = map_get(rs->clients, full);
	int r;

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return ERR_NOMEM;
		list_init(&c->devices);
		r = map_put(rs->clients, full, c);
		if (r < 0) {
			free(c);
			return r;
		}
	}
	if (c->n >= ROOMS_OF_DEVICE)
		return ERR_LIMIT;
	*ret = c;
	return 0;
}

static void client_settle(struct rooms *rs, struct str full)
{
	struct client *c = map_get(rs->clients, full);

	if (c && c->n == 0) {
		map_take(rs->clients, full);
		free(c);
	}
}

static int device_new(struct occupant *o, struct str full, uint64_t session_id, struct device **ret)
{
	struct rooms *rs = o->room->rooms;
	struct client *c;
	struct device *d;
	int r = client_get(rs, full, &c);

	if (r < 0)
		return r;
	d = calloc(1, sizeof(*d));
	r = d ? room_text_set(&d->full, full) : ERR_NOMEM;
	if (r == 0)
		r = map_put(o->room->devices, d->full, d);
	if (r < 0) {
		if (d)
			room_text_free(&d->full);
		free(d);
		client_settle(rs, full);
		return r;
	}
	list_init(&d->of_stale);
	d->occupant = o;
	d->session_id = session_id;
	d->entry = ++o->room->entries;
	list_append(&o->devices, &d->of_occupant);
	o->n_devices++;
	list_append(&c->devices, &d->of_client);
	c->n++;
	*ret = d;
	return 0;
}

int room_enter(struct room *r, struct arena *a, struct str nick, const struct jid *who, uint64_t session_id,
	       struct device **ret)
{
	struct occupant *o = room_by_nick(r, a, nick);
	int err = 0;

	if (o && !str_eq(o->bare, who->bare))
		return ERR_CONFLICT;
	if (o && o->n_devices >= ROOMS_DEVICES)
		return ERR_LIMIT;
	if (!o)
		err = occupant_new(r, a, nick, who, &o);
	if (err < 0)
		return err;
	err = device_new(o, who->full, session_id, ret);
	if (err < 0 && o->n_devices == 0)
		occupant_free(o);
	return err;
}

void room_leave(struct device *d, bool *ret_last)
{
	struct occupant *o = d->occupant;
	struct rooms *rs = o->room->rooms;
	struct client *c = map_get(rs->clients, d->full);

	list_remove(&d->of_occupant);
	list_remove(&d->of_client);
	list_remove(&d->of_stale);
	map_take(o->room->devices, d->full);
	if (c && c->n > 0)
		c->n--;
	client_settle(rs, d->full);
	*ret_last = --o->n_devices == 0;
	if (*ret_last)
		occupant_free(o);
	room_text_free(&d->presence);
	room_text_free(&d->full);
	free(d);
}

int room_rename(struct occupant *o, struct arena *a, struct str nick)
{
	int r;

	map_take(o->room->nicks, o->skeleton);
	r = set_nick(o, a, nick);
	return r < 0 ? r : map_put(o->room->nicks, o->skeleton, o);
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

/* A post looks everybody's up: the table of all sessions is larger than a processor's cache. */
struct session *room_session(struct device *d)
{
	struct server *srv = d->occupant->room->rooms->server;

	if (!d->found || d->found_id != d->session_id || d->ends != srv->session_ends) {
		d->found = session_find(srv, d->session_id);
		d->found_id = d->session_id;
		d->ends = srv->session_ends;
	}
	return d->found;
}

int room_write(struct buf *b, const struct node *n)
{
	return wire_write(b, n, STR(NS_CLIENT));
}

static void send_outward(struct rooms *rs, struct arena *a, const struct device *d, struct node *n)
{
	struct jid from, to;
	int r = jid_parse(a, node_attr(n, "from"), &from);

	if (r == 0)
		r = jid_parse(a, d->full, &to);
	if (r == 0)
		r = outward_send(rs->server, &from, &to, n);
	if (r < 0)
		log_event(LOG_DEBUG, "rooms.not_sent", LOG_Z("why", err_text(r)));
}

void room_send_node(struct rooms *rs, struct arena *a, const struct device *d, struct node *n)
{
	struct session *s = session_find(rs->server, d->session_id);

	if (node_set_attr(a, n, "to", d->full) < 0)
		return;
	if (s && !s->ending)
		session_send(s, n);
	else if (d->session_id == 0)
		send_outward(rs, a, d, n);
}

/* Where attributes begin: behind "<message", "<presence", "<iq". */
static size_t head_of(struct str bytes)
{
	size_t n = 1;

	while (n < bytes.n && bytes.p[n] >= 'a' && bytes.p[n] <= 'z')
		n++;
	return n;
}

static void send_bytes(struct session *s, const struct device *d, struct str bytes)
{
	size_t head = head_of(bytes);
	struct buf b;

	buf_init(&b, ROOMS_STANZA_BYTES + LIMIT_JID * 6);
	buf_add(&b, bytes.p, head);
	buf_printf(&b, " to='");
	if (wire_escape(&b, d->full) == 0) {
		buf_char(&b, '\'');
		buf_add(&b, bytes.p + head, bytes.n - head);
		if (!b.failed)
			session_send_bytes(s, buf_str(&b));
	}
	buf_release(&b);
}

void room_send(struct rooms *rs, const struct device *d, struct str bytes)
{
	struct session *s = session_find(rs->server, d->session_id);
	struct arena *a;
	struct node *n;

	if (s && !s->ending && !s->inactive) {
		send_bytes(s, d, bytes);
		return;
	}
	if ((d->session_id && !s) || (s && s->ending))
		return;
	/* Another domain, or a client that nobody looks at: somebody has to see the tree. */
	a = arena_new(LIMIT_STANZA_BYTES_MAX * 8);
	if (a && wire_parse(a, bytes, &n) == 0)
		room_send_node(rs, a, d, n);
	arena_free(&a);
}
