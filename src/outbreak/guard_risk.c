/* guard_risk.c - what of a message can carry a worm: a link that nobody vouches for, a program that is attached, a number to call.
 *
 * Whatever it is becomes a struct url, so that all that follows compares it alike. A picture or a document that is attached to one's own
 * server is none: only what runs.
 */
#include <stdio.h>

#include "outbreak/guard_parts.h"

#define DIGITS_LEAST 9			/* of a number that can be called from elsewhere */
#define DIGITS_MOST 15			/* E.164 */
#define NAME_BYTES 128

/* The first that policy does not trust, rather not one of an everyday site (a decoy). Where there are more links than are looked at, none
 * is trusted. */
const struct url *guard_risk_link(const struct guard *g, const struct links *l)
{
	const struct url *decoy = l->more && l->n ? &l->v[0] : NULL;
	bool any = false;

	for (unsigned i = 0; i < l->n; i++) {
		if (links_trusted(&l->v[i], &g->policy->links))
			continue;
		if (!links_everyday(&l->v[i], &g->policy->links))
			return &l->v[i];
		decoy = any ? decoy : &l->v[i];
		any = true;
	}
	return decoy;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What runs, or what such things come packed in. */
static bool runs(const struct url *u)
{
	static const char *const packed[] = { ".zip", ".rar", ".7z", ".iso", ".img", ".cab", ".docm", ".xlsm", ".pptm", ".one" };

	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		struct str end = str_of(packed[i]);

		if (u->path.n > end.n && str_eq_nocase(str_make(u->path.p + u->path.n - end.n, end.n), end))
			return true;
	}
	return url_is_program(u);
}

/* What is no link, as one that leads to a site of its own. */
static bool place(struct str name, struct url *ret)
{
	*ret = (struct url){ .host = name, .unicode = name, .site = name, .path = STR_NONE, .shown = STR_NONE };
	return name.p != NULL;
}

/* The name of the file with its numbers taken out: "video_1234.zip" and "video_77.zip" are one. */
static bool file_of(const struct url *u, struct arena *a, struct url *ret)
{
	char name[NAME_BYTES];
	size_t n = 0, from = u->path.n;

	while (from > 0 && u->path.p[from - 1] != '/')
		from--;
	for (size_t i = from; i < u->path.n && n + 1 < sizeof(name); i++) {
		bool digit = is_digit(u->path.p[i]);

		if (!digit || n == 0 || name[n - 1] != '#')
			name[n++] = digit ? '#' : u->path.p[i];
	}
	return place(arena_printf(a, "file:%.*s", (int)n, name), ret);
}

/* Attached to the message, or the message is nothing else. */
static bool attached(const struct guard *g, const struct subject *s, const struct links *l, struct arena *a, struct url *ret)
{
	bool alone = s->body.n > 0;

	for (size_t i = 0; i < s->body.n && alone; i++)
		alone = (uint8_t)s->body.p[i] > ' ';
	if (!alone && s->n_links == 0)
		return false;
	for (unsigned i = 0; i < l->n; i++)
		if (links_trusted(&l->v[i], &g->policy->links) && (s->decoy || runs(&l->v[i])))
			return file_of(&l->v[i], a, ret);
	return false;
}

/* "+44 700 900123", "(+49) 30-1234567": digits of an international number, apart by little. 0: none here. */
static size_t number_at(struct str text, size_t at, char digits[DIGITS_MOST + 1])
{
	size_t n = 0;

	for (size_t i = at + 1, apart = 0; i < text.n && apart < 3; i++) {
		char c = text.p[i];

		if (is_digit(c) && n < DIGITS_MOST) {
			digits[n++] = c;
			apart = 0;
		} else if (c == ' ' || c == '-' || c == '/' || c == '.' || c == '(' || c == ')') {
			apart++;
		} else {
			break;
		}
	}
	digits[n] = '\0';
	return n >= DIGITS_LEAST ? n : 0;
}

static bool number(struct str text, struct arena *a, struct url *ret)
{
	char digits[DIGITS_MOST + 1];

	for (ptrdiff_t next = str_find_char(text, '+'), at = next; next >= 0; at += next) {
		if (number_at(text, (size_t)at, digits)) {
			return place(arena_printf(a, "tel:+%s", digits), ret);
		}
		at++;
		next = str_find_char(str_make(text.p + at, text.n - (size_t)at), '+');
	}
	return false;
}

bool guard_risk_named(const struct guard *g, const struct subject *s, struct verdict *v, struct judgement *j)
{
	struct fingerprint print;
	char id[CLUSTER_ID];
	const struct cluster *c;

	if (!g->mem->names || !s->body.n)
		return false;
	fingerprint_of(s, NULL, false, &print);
	if (print.n_words < GUARD_TEXT_WORDS)
		return false;
	fingerprint_id(&print, id);
	c = cluster_get(&g->mem->clusters, str_of(id));
	if (!c || !c->contained)
		return false;
	inspect_add(v, WORM_OUTBREAK, str_of(c->id));
	memcpy(j->fingerprint, c->id, sizeof(j->fingerprint));
	j->risky = j->outbreak = j->first_hold = true;
	return true;
}

bool guard_risk_of(const struct guard *g, const struct subject *s, const struct links *links, struct arena *a, struct url *ret, bool *ret_everyday)
{
	const struct url *link = guard_risk_link(g, links);

	*ret_everyday = false;
	if (link) {
		*ret = *link;
		*ret_everyday = links_everyday(link, &g->policy->links);
		return true;
	}
	return attached(g, s, links, a, ret) || number(s->body, a, ret);
}
