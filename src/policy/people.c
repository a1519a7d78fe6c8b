/* people.c - see people.h. */
#include "policy/people.h"

#include "xmpp/jid.h"

static const struct { const char *word; uint64_t bit; } words[] = {
	{ "everybody", PEOPLE_EVERYBODY }, { "colleagues", PEOPLE_COLLEAGUES },	   { "outsiders", PEOPLE_OUTSIDERS },
	{ "strangers", PEOPLE_STRANGERS }, { "contacts", PEOPLE_CONTACTS },	   { "gateways", PEOPLE_GATEWAYS },
	{ "peers", PEOPLE_PEERS },	   { "low_trust", PEOPLE_LOW_TRUST },	   { "normal_trust", PEOPLE_NORMAL_TRUST },
	{ "high_trust", PEOPLE_HIGH_TRUST },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

_Static_assert(PEOPLE_FIRST_GROUP + PEOPLE_GROUPS <= 64, "every group has a bit");

const char *people_word(unsigned n)
{
	return n < WORDS ? words[n].word : NULL;
}

int people_init(struct people *p, struct arena *a, const char *domain)
{
	struct jid jid;

	*p = (struct people){ .arena = a, .domain = STR_NONE };
	p->domain = jid_parse(a, str_of(domain), &jid) == 0 ? jid.domain : arena_str(a, str_of(domain));
	p->members = map_new(PEOPLE_MEMBERS);
	return p->domain.p && p->members ? 0 : ERR_NOMEM;
}

void people_release(struct people *p)
{
	map_free(&p->members);
}

bool people_may_be_group(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (unsigned char)c >= 0x80))
			return false;
	}
	for (size_t i = 0; i < WORDS; i++)
		if (str_is(name, words[i].word))
			return false;
	return name.n > 0 && name.n <= 64;
}

static int group_add(struct people *p, struct str name, unsigned line, bool unnamed, uint64_t *ret)
{
	struct people_group *g = &p->v[p->n];

	if (p->n == PEOPLE_GROUPS)
		return ERR_LIMIT;
	*g = (struct people_group){ .name = arena_str(p->arena, name), .line = line, .unnamed = unnamed };
	if (!g->name.p)
		return ERR_NOMEM;
	*ret = 1ull << (PEOPLE_FIRST_GROUP + p->n++);
	return 0;
}

static int group_find(const struct people *p, struct str name, bool unnamed)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->v[i].unnamed == unnamed && str_eq(p->v[i].name, name))
			return (int)i;
	return -1;
}

int people_add(struct people *p, struct str name, unsigned line, uint64_t *ret_bit)
{
	return group_find(p, name, false) >= 0 ? ERR_CONFLICT : group_add(p, name, line, false, ret_bit);
}

/* "*@firm.example" is the domain. What has a resource is nobody's address. */
static int member_key(struct people *p, struct str member, struct str *ret)
{
	struct jid jid;
	int r;

	if (str_starts(member, STR("*@")))
		member = str_cut(member, 2);
	r = jid_parse(p->arena, member, &jid);
	if (r == 0 && (jid.resource.n || str_find_char(jid.domain, '.') < 0))
		r = jid.resource.n || !str_eq(jid.domain, p->domain) ? ERR_JID : 0;	/* a domain without a dot is a slip, but for our own */
	if (r < 0)
		return r == ERR_JID ? ERR_BAD_FORMAT : r;
	*ret = jid.bare;
	return 0;
}

int people_join(struct people *p, uint64_t bit, struct str member)
{
	struct str key;
	uint64_t *bits;
	int r = member_key(p, member, &key);

	if (r < 0)
		return r;
	bits = map_get(p->members, key);
	if (!bits) {
		bits = arena_alloc(p->arena, sizeof(*bits));
		r = bits ? map_put(p->members, key, bits) : ERR_NOMEM;
		if (r < 0)
			return r;
	}
	if (*bits & bit)
		return ERR_CONFLICT;
	*bits |= bit;
	for (unsigned i = 0; i < p->n; i++)
		p->v[i].n_members += bit == 1ull << (PEOPLE_FIRST_GROUP + i);
	return 0;
}

int people_named(struct people *p, struct str word, unsigned line, uint64_t *ret)
{
	int at = group_find(p, word, false);
	int r;

	for (size_t i = 0; i < WORDS; i++)
		if (str_is(word, words[i].word)) {
			*ret = words[i].bit;
			return 0;
		}
	if (at < 0 && (str_find_char(word, '@') >= 0 || str_find_char(word, '.') >= 0 || str_eq(word, p->domain))) {
		struct str key;

		r = member_key(p, word, &key);
		if (r < 0)
			return r;
		at = group_find(p, key, true);
		if (at < 0) {
			r = group_add(p, key, line, true, ret);
			return r < 0 ? r : people_join(p, *ret, key);
		}
	}
	if (at < 0)
		return ERR_NOT_FOUND;
	*ret = 1ull << (PEOPLE_FIRST_GROUP + at);
	return 0;
}

uint64_t people_of(const struct people *p, struct str bare)
{
	ptrdiff_t at = str_find_char(bare, '@');
	struct str domain = at < 0 ? bare : str_cut(bare, (size_t)at + 1);
	const uint64_t *one = map_count(p->members) ? map_get(p->members, bare) : NULL, *all = NULL;
	uint64_t bits = PEOPLE_EVERYBODY | (str_eq(domain, p->domain) ? PEOPLE_COLLEAGUES : PEOPLE_OUTSIDERS);

	if (at >= 0 && map_count(p->members))
		all = map_get(p->members, domain);
	return bits | (one ? *one : 0) | (all ? *all : 0);
}

static uint64_t by_link(const struct subject *s, bool gateway, bool known)
{
	uint64_t bits = (gateway ? PEOPLE_GATEWAYS : PEOPLE_PEERS) | (known ? PEOPLE_CONTACTS : PEOPLE_STRANGERS);

	return bits | (s->trust == TRUST_LOW ? PEOPLE_LOW_TRUST : s->trust == TRUST_HIGH ? PEOPLE_HIGH_TRUST : PEOPLE_NORMAL_TRUST);
}

struct people_pair people_pair_of(const struct people *p, const struct subject *s)
{
	struct people_pair ret = { .from = people_of(p, s->from), .to = people_of(p, s->to) };

	if (s->via == VIA_ROOM)
		ret.to &= ~PEOPLE_OUTSIDERS;		/* a room of ours; who sits in it is another question */
	if (ret.from & PEOPLE_OUTSIDERS)
		ret.from |= by_link(s, s->via == VIA_GATEWAY, s->known);
	if (ret.to & PEOPLE_OUTSIDERS)
		ret.to |= by_link(s, s->to_gateway, s->to_known);
	return ret;
}

struct str people_text(const struct people *p, uint64_t who, struct arena *a)
{
	struct str v[WORDS + PEOPLE_GROUPS], text = STR_NONE;
	unsigned n = 0;

	for (size_t i = 0; i < WORDS; i++)
		if (who & words[i].bit)
			v[n++] = str_of(words[i].word);
	for (unsigned i = 0; i < p->n; i++)
		if (who & 1ull << (PEOPLE_FIRST_GROUP + i))
			v[n++] = p->v[i].name;
	for (unsigned i = 0; text.p && i < n; i++)
		text = arena_printf(a, "%.*s%s%.*s", STR_FMT(text), i == 0 ? "" : i == n - 1 ? " and " : ", ", STR_FMT(v[i]));
	return text;
}
