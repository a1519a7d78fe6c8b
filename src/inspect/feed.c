/* feed.c - see feed.h. */
#include "inspect/feed.h"

#include <arpa/inet.h>
#include <libpsl.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/b64.h"

#define SCRATCH (1024 * 1024)
#define FIRST_ROOM 4096
#define KEY_BYTES (FEED_LINE + 300)

uint64_t feed_key(struct str text)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	uint64_t key = 0;

	SHA256((const uint8_t *)text.p, text.n, hash);
	for (unsigned i = 0; i < 8; i++)
		key = key << 8 | hash[i];
	return key;
}

/* "host[:port]/path", without what stands behind '#', and without the query when asked. */
static struct str page(const struct url *u, bool port, bool query, char text[KEY_BYTES])
{
	struct str p = u->path;
	char number[8] = "";
	size_t n = 0, m;

	for (size_t i = 0; i < p.n; i++)
		if (p.p[i] == '#' || (!query && p.p[i] == '?'))
			p.n = i;
	if (port && u->port) {
		unsigned v = u->port;
		char *at = number + sizeof(number) - 1;

		for (*at = 0; v; v /= 10)
			*--at = (char)('0' + v % 10);
		*--at = ':';
		memmove(number, at, strlen(at) + 1);
	}
	m = strlen(number);
	if (u->host.n + m + p.n + 1 > KEY_BYTES)
		p.n = KEY_BYTES - u->host.n - m - 1;
	memcpy(text, u->host.p, u->host.n);
	n = u->host.n;
	memcpy(text + n, number, m);
	n += m;
	if (p.n == 0 || p.p[0] != '/')
		text[n++] = '/';
	memcpy(text + n, p.p, p.n);
	return str_make(text, n + p.n);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

int feed_begin(struct feed_build *b)
{
	*b = (struct feed_build){ .scratch = arena_new(SCRATCH) };
	return b->scratch ? 0 : ERR_NOMEM;
}

static int put(struct feed_build *b, uint64_t key)
{
	if (b->n == b->room) {
		size_t room = b->room ? b->room * 2 : FIRST_ROOM;
		uint64_t *v;

		if (room > FEED_ENTRIES)
			room = FEED_ENTRIES;
		if (b->n == room)
			return ERR_LIMIT;
		v = realloc(b->v, room * sizeof(*v));
		if (!v)
			return ERR_NOMEM;
		b->v = v;
		b->room = room;
	}
	b->v[b->n++] = key;
	return 0;
}

static int broken(struct feed_build *b, struct str line, const char *why)
{
	if (b->broken < FEED_NAMED) {
		struct feed_broken *x = &b->named[b->broken];
		size_t n = line.n < sizeof(x->text) - 1 ? line.n : sizeof(x->text) - 1;

		x->line = b->lines;
		x->why = why;
		for (size_t i = 0; i < n; i++)
			x->text[i] = line.p[i] > ' ' && line.p[i] < 0x7f ? line.p[i] : ' ';
		x->text[n] = '\0';
	}
	b->broken++;
	return 0;
}

/* ".com", "github.io": below it are sites of anybody. */
static bool too_wide(struct str host)
{
	char z[256];

	if (host.n >= sizeof(z))
		return true;
	memcpy(z, host.p, host.n);
	z[host.n] = '\0';
	return str_find_char(host, '.') < 0 || psl_is_public_suffix(psl_builtin(), z);
}

static int put_host(struct feed_build *b, struct str line, struct str name)
{
	struct url u;

	while (str_starts(name, STR("*.")) || str_starts(name, STR(".")))
		name = str_cut(name, name.p[0] == '*' ? 2 : 1);
	if (!url_parse(name, b->scratch, &u) || u.path.n || u.userinfo)
		return broken(b, line, "no host");
	if (!u.ip && too_wide(u.host))
		return broken(b, line, "it would stand for sites of many");
	return put(b, feed_key(u.host));
}

static int put_url(struct feed_build *b, struct str line, struct str text)
{
	char key[KEY_BYTES];
	struct url u;

	if (!url_parse(text, b->scratch, &u))
		return broken(b, line, "no link");
	if (u.path.n <= 1 && !u.port && !(u.ip || too_wide(u.host)))
		return put(b, feed_key(u.host));
	return put(b, feed_key(page(&u, true, true, key)));
}

static struct str token(struct str *rest)
{
	struct str s;
	size_t n = 0;

	*rest = str_trim(*rest);
	while (n < rest->n && (uint8_t)rest->p[n] > ' ' && rest->p[n] != '#')
		n++;
	s = str_make(rest->p, n);
	*rest = str_cut(*rest, n);
	return s;
}

static bool is_url(struct str s)
{
	static const char *const schemes[] = { "http://", "https://", "ftp://", "hxxp://", "hxxps://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (s.n > strlen(schemes[i]) && str_eq_nocase(str_make(s.p, strlen(schemes[i])), str_of(schemes[i])))
			return true;
	return false;
}

/* The first field of a CSV line that is a link; fields may be quoted. */
static struct str csv_link(struct str s)
{
	while (s.n) {
		bool quoted = s.p[0] == '"';
		struct str rest = quoted ? str_cut(s, 1) : s, field;
		ptrdiff_t end = str_find_char(rest, quoted ? '"' : ',');

		field = end < 0 ? rest : str_make(rest.p, (size_t)end);
		if (is_url(field))
			return field;
		if (end < 0)
			break;
		s = str_cut(rest, (size_t)end + 1);
		if (quoted && s.n && s.p[0] == ',')
			s = str_cut(s, 1);
	}
	return STR_NONE;
}

static bool is_address(struct str s)
{
	char z[64];
	uint8_t bin[16];

	if (s.n >= sizeof(z))
		return false;
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return inet_pton(AF_INET, z, bin) == 1 || inet_pton(AF_INET6, z, bin) == 1;
}

/* What every hosts file has for the machine itself. */
static bool is_self(struct str name)
{
	static const char *const names[] = { "localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback",
					     "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts", "0.0.0.0" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

static int put_hosts(struct feed_build *b, struct str line, struct str rest)
{
	struct str name;
	int r = 0;

	for (name = token(&rest); name.n && r == 0; name = token(&rest))
		if (!is_self(name))
			r = put_host(b, line, name);
	return r;
}

static int put_hash(struct feed_build *b, struct str line, struct str hex)
{
	uint8_t bin[SHA256_DIGEST_LENGTH];
	uint64_t key = 0;
	size_t n;

	if (b64_unhex(hex, bin, sizeof(bin), &n) < 0 || n != sizeof(bin))
		return broken(b, line, "no SHA-256");
	for (unsigned i = 0; i < 8; i++)
		key = key << 8 | bin[i];
	return put(b, key);
}

int feed_line(struct feed_build *b, struct str line)
{
	struct str s = str_trim(line), first, rest;

	b->lines++;
	if (str_starts(s, STR("\xef\xbb\xbf")))
		s = str_cut(s, 3);
	if (s.n == 0 || s.p[0] == '#' || s.p[0] == '!' || s.p[0] == ';' || str_starts(s, STR("//")))
		return 0;
	if (s.n > FEED_LINE)
		return broken(b, s, "too long");
	arena_clear(b->scratch);
	if (is_url(s)) {
		rest = s;
		return put_url(b, s, str_starts(s, STR("http")) && str_find_char(s, ' ') < 0 ? s : token(&rest));
	}
	first = csv_link(s);
	if (first.n)
		return put_url(b, s, first);
	if (str_starts(s, STR("||"))) {
		ptrdiff_t end = str_find_char(s, '^');

		return put_host(b, s, end < 0 ? str_cut(s, 2) : str_make(s.p + 2, (size_t)end - 2));
	}
	rest = s;
	first = token(&rest);
	rest = str_trim(rest);
	if (is_address(first) && rest.n && rest.p[0] != '#')
		return put_hosts(b, s, rest);
	if (first.n == 2 * SHA256_DIGEST_LENGTH && str_find_char(first, '.') < 0)
		return put_hash(b, s, first);
	if (rest.n && rest.p[0] != '#')
		return broken(b, s, "neither a link nor a host");
	return is_address(first) || str_find_char(first, '/') < 0 ? put_host(b, s, first) : put_url(b, s, first);
}

int feed_text(struct feed_build *b, struct str text)
{
	int r = 0;

	while (text.n && r == 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		r = feed_line(b, str_make(text.p, n));
		text = str_cut(text, end ? n + 1 : n);
	}
	return r;
}

static int by_key(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

void feed_finish(struct feed_build *b)
{
	size_t n = 0;

	if (b->n)
		qsort(b->v, b->n, sizeof(*b->v), by_key);
	for (size_t i = 0; i < b->n; i++)
		if (n == 0 || b->v[n - 1] != b->v[i])
			b->v[n++] = b->v[i];
	b->n = n;
	arena_free(&b->scratch);
}

void feed_free(struct feed_build *b)
{
	arena_free(&b->scratch);
	free(b->v);
	b->v = NULL;
	b->n = b->room = 0;
}

/* --- asking --------------------------------------------------------------------------------------------------------- */

static bool has(const struct feed_set *s, uint64_t key)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid] == key)
			return true;
		if (s->v[mid] < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

void feed_hash(const struct url *u, bool host, char ret[FEED_HASH])
{
	uint8_t bin[SHA256_DIGEST_LENGTH];
	char text[KEY_BYTES];
	struct str s = host ? u->host : page(u, true, true, text);

	SHA256((const uint8_t *)s.p, s.n, bin);
	b64_hex(bin, sizeof(bin), ret);
}

bool feed_has(const struct feed_set *s, const struct url *u, bool wide)
{
	struct str host = u->host;
	char text[KEY_BYTES];

	if (s->n == 0 || u->host.n > 253)
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (has(s, feed_key(page(u, i & 1, i & 2, text))))
			return true;
	while (wide && host.n >= u->site.n) {
		ptrdiff_t dot = str_find_char(host, '.');

		if (has(s, feed_key(host)))
			return true;
		if (dot < 0)
			break;
		host = str_cut(host, (size_t)dot + 1);
	}
	return false;
}
