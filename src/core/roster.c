/* roster.c - see roster.h. Stored form: version byte, roster version, items; lengths before every text. */
#include "core/roster.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"

#define FORMAT 1
#define ITEM_LISTED 1
#define ITEM_ASK 2
#define ITEM_PENDING 4
#define ITEM_APPROVED 8
/* Contacts, and as many requests of people who are none. */
#define ITEMS_MOST (LIMIT_ROSTER * 2)

static void drop(struct str *s)
{
	free((void *)(uintptr_t)s->p);
	*s = STR_NONE;
	s->p = NULL;
}

static int own(struct str s, struct str *ret)
{
	char *p = malloc(s.n + 1);

	if (!p)
		return ERR_NOMEM;
	memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	*ret = str_make(p, s.n);
	return 0;
}

static void drop_groups(struct roster_item *it)
{
	for (size_t i = 0; i < it->n_groups; i++)
		drop(&it->groups[i]);
	free(it->groups);
	it->groups = NULL;
	it->n_groups = 0;
}

static void drop_shared(struct roster_item *it)
{
	for (size_t i = 0; i < it->n_shared; i++)
		drop(&it->shared[i]);
	free(it->shared);
	it->shared = NULL;
	it->n_shared = 0;
	drop(&it->shared_name);
}

static void item_free(struct roster_item *it)
{
	drop_groups(it);
	drop_shared(it);
	drop(&it->jid);
	drop(&it->name);
	drop(&it->request);
	free(it);
}

void roster_init(struct roster *r)
{
	*r = (struct roster){ 0 };
}

void roster_release(struct roster *r)
{
	struct map_iter it = { 0 };
	void *v;

	while (r->items && map_next(r->items, &it, NULL, &v))
		item_free(v);
	map_free(&r->items);
	roster_init(r);
}

struct roster_item *roster_find(const struct roster *r, struct str bare)
{
	return r->items ? map_get(r->items, bare) : NULL;
}

bool roster_shows(const struct roster *r, struct str bare)
{
	const struct roster_item *it = roster_find(r, bare);

	return it && (it->sub == SUB_FROM || it->sub == SUB_BOTH);
}

int roster_get(struct roster *r, struct str bare, struct roster_item **ret)
{
	struct roster_item *it = roster_find(r, bare);
	int e;

	if (it) {
		*ret = it;
		return 0;
	}
	if (!r->items)
		r->items = map_new(ITEMS_MOST);
	it = r->items ? calloc(1, sizeof(*it)) : NULL;
	if (!it)
		return ERR_NOMEM;
	e = own(bare, &it->jid);
	if (e == 0)
		e = map_put(r->items, it->jid, it);
	if (e < 0) {
		item_free(it);
		return e;
	}
	*ret = it;
	return 0;
}

int roster_item_set(struct roster_item *it, struct str name, const struct str *groups, size_t n_groups)
{
	struct roster_item fresh = { 0 };
	int e;

	if (name.n > LIMIT_ROSTER_NAME || n_groups > LIMIT_ROSTER_GROUPS)
		return ERR_LIMIT;
	e = own(name, &fresh.name);
	fresh.groups = n_groups ? calloc(n_groups, sizeof(*fresh.groups)) : NULL;
	if (n_groups && !fresh.groups)
		e = ERR_NOMEM;
	for (size_t i = 0; e == 0 && i < n_groups; i++) {
		e = own(groups[i], &fresh.groups[i]);
		fresh.n_groups += e == 0;
	}
	if (e < 0) {
		drop(&fresh.name);
		drop_groups(&fresh);
		return e;
	}
	drop(&it->name);
	drop_groups(it);
	it->name = fresh.name;
	it->groups = fresh.groups;
	it->n_groups = fresh.n_groups;
	return 0;
}

int roster_item_set_request(struct roster_item *it, struct str xml)
{
	struct str copy = { 0 };

	if (xml.n) {
		int e = own(xml, &copy);

		if (e < 0)
			return e;
	}
	drop(&it->request);
	it->request = copy;
	return 0;
}

/* --- what the server puts there ------------------------------------------------------------------------------ */

static uint64_t sum_bytes(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;
}

/* Of one item; that of the roster is their sum, so the order does not matter. */
static uint64_t sum_of(const struct roster_item *it)
{
	uint64_t h = 0xcbf29ce484222325u;

	if (it->n_shared == 0)
		return 0;
	h = sum_bytes(sum_bytes(h, it->jid), it->shared_name);
	for (size_t i = 0; i < it->n_shared; i++)
		h = sum_bytes(h, it->shared[i]);
	return (h ^ h >> 29) | 1;
}

static bool same_shared(const struct roster_item *it, struct str name, const struct str *groups, size_t n)
{
	if (it->n_shared != n || !str_eq(it->shared_name, name))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(it->shared[i], groups[i]))
			return false;
	return true;
}

static int set_shared(struct roster_item *it, struct str name, const struct str *groups, size_t n)
{
	struct roster_item fresh = { .shared = calloc(n, sizeof(struct str)) };
	int e = fresh.shared ? own(name, &fresh.shared_name) : ERR_NOMEM;

	for (size_t i = 0; e == 0 && i < n; i++) {
		e = own(groups[i], &fresh.shared[i]);
		fresh.n_shared += e == 0;
	}
	if (e < 0) {
		drop_shared(&fresh);
		return e;
	}
	if (it->n_shared == 0) {
		it->own_sub = it->sub;
		it->own_listed = it->listed;
	}
	drop_shared(it);
	it->shared = fresh.shared;
	it->n_shared = n;
	it->shared_name = fresh.shared_name;
	it->sub = SUB_BOTH;
	it->listed = true;
	return 0;
}

static void end_shared(struct roster *r, struct roster_item *it)
{
	drop_shared(it);
	it->sub = it->own_sub;
	it->listed = it->own_listed;
	if (!it->listed && !it->pending_in && it->sub == SUB_NONE && !it->ask && !it->approved)
		roster_remove(r, it->jid);
}

int roster_share(struct roster *r, struct str bare, struct str name, const struct str *groups, size_t n, bool *ret_changed)
{
	struct roster_item *it = roster_find(r, bare);
	int e = 0;

	*ret_changed = false;
	if (it ? same_shared(it, name, groups, n) || (n == 0 && it->n_shared == 0) : n == 0)
		return 0;
	if (!it)
		e = roster_get(r, bare, &it);
	if (e < 0)
		return e;
	r->shared_sum -= sum_of(it);
	if (n)
		e = set_shared(it, name, groups, n);
	r->shared_sum += n ? sum_of(it) : 0;
	if (n == 0)
		end_shared(r, it);
	*ret_changed = e == 0;
	return e;
}

void roster_version(const struct roster *r, char ret[ROSTER_VERSION])
{
	if (r->shared_sum)
		snprintf(ret, ROSTER_VERSION, "%llu-%llx", (unsigned long long)r->ver, (unsigned long long)r->shared_sum);
	else
		snprintf(ret, ROSTER_VERSION, "%llu", (unsigned long long)r->ver);
}

size_t roster_listed(const struct roster *r)
{
	struct map_iter it = { 0 };
	void *v;
	size_t n = 0;

	while (r->items && map_next(r->items, &it, NULL, &v))
		n += roster_is_shared(v) ? ((const struct roster_item *)v)->own_listed : ((const struct roster_item *)v)->listed;
	return n;
}

void roster_remove(struct roster *r, struct str bare)
{
	struct roster_item *it = r->items ? map_take(r->items, bare) : NULL;

	if (it)
		item_free(it);
}

const char *roster_sub_text(enum roster_sub sub)
{
	switch (sub) {
	case SUB_NONE:
		return "none";
	case SUB_TO:
		return "to";
	case SUB_FROM:
		return "from";
	case SUB_BOTH:
		return "both";
	}
	return "none";
}

/* --- stored form ------------------------------------------------------------------------------------------- */

static void put_u64(struct buf *b, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		buf_char(b, (char)(v >> (8 * i)));
}

static void put_str(struct buf *b, struct str s)
{
	for (int i = 0; i < 4; i++)
		buf_char(b, (char)(s.n >> (8 * i)));
	buf_str_add(b, s);
}

int roster_encode(const struct roster *r, struct buf *b)
{
	struct map_iter it = { 0 };
	void *v;

	buf_char(b, FORMAT);
	put_u64(b, r->ver);
	while (r->items && map_next(r->items, &it, NULL, &v)) {
		const struct roster_item *i = v;
		bool listed = i->n_shared ? i->own_listed : i->listed;
		enum roster_sub sub = i->n_shared ? i->own_sub : i->sub;

		if (!listed && sub == SUB_NONE && !i->ask && !i->pending_in && !i->approved)
			continue;		/* there by the server's word alone */
		put_str(b, i->jid);
		buf_char(b, (char)((listed ? ITEM_LISTED : 0) | (i->ask ? ITEM_ASK : 0) | (i->pending_in ? ITEM_PENDING : 0) |
				   (i->approved ? ITEM_APPROVED : 0)));
		buf_char(b, (char)sub);
		put_u64(b, i->ver);
		put_str(b, i->name);
		put_str(b, i->request);
		buf_char(b, (char)i->n_groups);
		for (size_t g = 0; g < i->n_groups; g++)
			put_str(b, i->groups[g]);
	}
	return b->failed ? ERR_LIMIT : 0;
}

struct cursor { struct str left; bool bad; };

static uint8_t take_u8(struct cursor *c)
{
	uint8_t v;

	if (c->left.n < 1) {
		c->bad = true;
		return 0;
	}
	v = (uint8_t)c->left.p[0];
	c->left = str_cut(c->left, 1);
	return v;
}

static uint64_t take_number(struct cursor *c, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)take_u8(c) << (8 * i);
	return v;
}

static struct str take_str(struct cursor *c)
{
	uint64_t n = take_number(c, 4);
	struct str s;

	if (c->bad || n > c->left.n) {
		c->bad = true;
		return STR_NONE;
	}
	s = str_make(c->left.p, (size_t)n);
	c->left = str_cut(c->left, (size_t)n);
	return s;
}

static int take_item(struct cursor *c, struct roster *r)
{
	struct str jid = take_str(c), name, request, groups[LIMIT_ROSTER_GROUPS];
	uint8_t flags = take_u8(c), sub = take_u8(c), n;
	uint64_t ver = take_number(c, 8);
	struct roster_item *it;
	int e;

	name = take_str(c);
	request = take_str(c);
	n = take_u8(c);
	if (n > LIMIT_ROSTER_GROUPS || sub > SUB_BOTH)
		c->bad = true;
	for (uint8_t i = 0; !c->bad && i < n; i++)
		groups[i] = take_str(c);
	if (c->bad || str_empty(jid))
		return ERR_CORRUPT;
	e = roster_get(r, jid, &it);
	if (e < 0)
		return e;
	it->listed = flags & ITEM_LISTED;
	it->ask = flags & ITEM_ASK;
	it->pending_in = flags & ITEM_PENDING;
	it->approved = flags & ITEM_APPROVED;
	it->sub = (enum roster_sub)sub;
	it->ver = ver;
	e = roster_item_set(it, name, groups, n);
	return e < 0 ? e : roster_item_set_request(it, request);
}

int roster_decode(struct roster *r, struct str bytes)
{
	struct cursor c = { .left = bytes };
	int e = 0;

	if (str_empty(bytes))
		return 0;		/* never stored */
	if (take_u8(&c) != FORMAT)
		return ERR_CORRUPT;
	r->ver = take_number(&c, 8);
	while (e == 0 && !c.bad && c.left.n)
		e = take_item(&c, r);
	return e < 0 ? e : c.bad ? ERR_CORRUPT : 0;
}
