#include "inspect/lookalike.h"

#include <unicode/uspoof.h>

#include "inspect/url.h"

#define LONG_NAME 12
#define LABEL_WORDS 8			/* of a label that are looked at */
#define LONG_WRONG 3

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Pairs and single characters that fonts draw alike. In place; never longer. */
static size_t fold_ascii(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i], next = i + 1 < n ? p[i + 1] : 0;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c == 'r' && next == 'n') {
			c = 'm';
			i++;
		} else if (c == 'v' && next == 'v') {
			c = 'w';
			i++;
		} else if (c == '0') {
			c = 'o';
		} else if (c == '1' || c == '|' || c == 'i') {
			c = 'l';
		} else if (c == '5') {
			c = 's';
		} else if (c == '3') {
			c = 'e';
		} else if (c == '-' || c == '_') {
			continue;
		}
		p[out++] = c;
	}
	return out;
}

void lookalike_skeleton(struct str text, char ret[LOOKALIKE_SKELETON])
{
	size_t n = text.n < LOOKALIKE_SKELETON - 1 ? text.n : LOOKALIKE_SKELETON - 1;

	if (is_ascii(text)) {
		memcpy(ret, text.p, n);
	} else {
		UErrorCode e = U_ZERO_ERROR;
		USpoofChecker *sc = uspoof_open(&e);
		int32_t m = U_SUCCESS(e) ? uspoof_getSkeletonUTF8(sc, 0, text.p, (int32_t)text.n, ret, LOOKALIKE_SKELETON - 1, &e) : 0;

		uspoof_close(sc);
		n = U_SUCCESS(e) ? (size_t)m : 0;
	}
	ret[fold_ascii(ret, n)] = 0;
}

static bool public_part(struct str label)
{
	static const char *const parts[] = { "co", "com", "org", "net", "gov", "edu", "ac" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (str_is(label, parts[i]))
			return true;
	return false;
}

/* The last label that is not a suffix: good enough for "example.com", "example.co.uk", "example.test". */
struct str lookalike_label(struct str domain)
{
	ptrdiff_t dot = str_find_char(domain, '.');
	struct str first = dot < 0 ? domain : str_make(domain.p, (size_t)dot), rest;

	if (dot < 0)
		return first;
	rest = str_cut(domain, (size_t)dot + 1);
	dot = str_find_char(rest, '.');
	if (dot < 0 || public_part(str_make(rest.p, (size_t)dot)))
		return first;
	return lookalike_label(rest);
}

void lookalike_init(struct lookalike_name *n, struct str domain)
{
	*n = (struct lookalike_name){ .domain = domain };
	n->label = lookalike_label(domain);
	lookalike_skeleton(n->label, n->skeleton);
}

/* One character too many, missing, changed, or two exchanged. Of short names a stranger's may differ by one letter by
 * chance ("hicloud"): of them one must be doubled, missing or exchanged. */
static bool near(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), i = 0;
	bool small = m < 7;

	if (n < 5 || m < 6 || n > m + 1 || m > n + 1)
		return false;
	while (i < n && i < m && a[i] == b[i])
		i++;
	if (n > m && small && (i == 0 || a[i] != a[i - 1]))
		return false;
	if (n == m) {
		if (strcmp(a + i + 1, b + i + 1) == 0)
			return i < n && !small;
		return i + 1 < n && a[i] == b[i + 1] && a[i + 1] == b[i] && strcmp(a + i + 2, b + i + 2) == 0;
	}
	return n > m ? strcmp(a + i + 1, b + i) == 0 : strcmp(a + i, b + i + 1) == 0;
}

/* A long name stays recognisable with more than one thing wrong: "steancomnumity". Of those of this length few are a
 * step or two away by chance. Levenshtein's distance, two rows of it. */
static bool near_long(const char *a, const char *b)
{
	unsigned row[LOOKALIKE_SKELETON];
	size_t n = strlen(a), m = strlen(b);

	if (m < LONG_NAME || n + LONG_WRONG < m || n > m + LONG_WRONG)
		return false;
	for (size_t k = 0; k <= m; k++)
		row[k] = (unsigned)k;
	for (size_t i = 1; i <= n; i++) {
		unsigned before = row[0], best;

		best = row[0] = (unsigned)i;
		for (size_t k = 1; k <= m; k++) {
			unsigned keep = before + (a[i - 1] != b[k - 1]);

			before = row[k];
			row[k] = keep < row[k] + 1 ? keep : row[k] + 1;
			row[k] = row[k] < row[k - 1] + 1 ? row[k] : row[k - 1] + 1;
			best = row[k] < best ? row[k] : best;
		}
		if (best > LONG_WRONG)
			return false;
	}
	return row[m] <= LONG_WRONG;
}

/* "paypal-login", "login-paypal", "smith-sons-login": the name as one word, or some that stand together, among others. */
static bool has_word(struct str label, const char *skeleton)
{
	size_t from[LABEL_WORDS + 1] = { 0 };
	unsigned n = 1;

	if (strlen(skeleton) < 5 || str_find_char(label, '-') < 0)
		return false;
	for (size_t i = 0; i < label.n && n < LABEL_WORDS; i++)
		if (label.p[i] == '-')
			from[n++] = i + 1;
	from[n] = label.n + 1;
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = i + 1; k <= n && k - i < n; k++) {
			char words[LOOKALIKE_SKELETON];

			lookalike_skeleton(str_make(label.p + from[i], from[k] - 1 - from[i]), words);
			if (strcmp(words, skeleton) == 0)
				return true;
		}
	return false;
}

/* "paypal.com.evil.example": the genuine domain stands before the real one. */
static bool stands_before(const struct url *u, const struct lookalike_name *n)
{
	struct str before = str_make(u->host.p, u->host.n > u->site.n ? u->host.n - u->site.n : 0);

	if (before.n && before.p[before.n - 1] == '.')
		before.n--;
	return before.n >= n->domain.n && (str_ends(before, n->domain) || str_starts(before, n->domain));
}

static bool genuine(const struct url *u, const struct lookalike_name *n)
{
	if (str_eq(u->site, n->domain) || str_eq(u->host, n->domain))
		return true;
	return str_ends(u->host, n->domain) && u->host.n > n->domain.n && u->host.p[u->host.n - n->domain.n - 1] == '.';
}

static bool imitates(const struct url *u, struct str label, const char *skeleton, const struct lookalike_name *n)
{
	if (n->label.n < 4)
		return false;
	if (strcmp(skeleton, n->skeleton) == 0)
		return true;		/* the same name under another suffix, or drawn alike */
	return near(skeleton, n->skeleton) || near_long(skeleton, n->skeleton) || has_word(label, n->skeleton) || stands_before(u, n);
}

/* What the site's owner has chosen, as the reader sees it: the first U-label of the registrable domain. */
static struct str site_label(const struct url *u)
{
	size_t dots = 0, i = u->unicode.n;
	ptrdiff_t end;
	struct str s;

	for (size_t k = 0; k < u->site.n; k++)
		dots += u->site.p[k] == '.';
	while (i > 0 && (u->unicode.p[i - 1] != '.' || dots-- > 0))
		i--;
	s = str_cut(u->unicode, i);
	end = str_find_char(s, '.');
	return end < 0 ? s : str_make(s.p, (size_t)end);
}

/* Where a known brand has registered its own name: countries, .net, .org. Not where names are given away. */
static bool everywhere(const struct url *u)
{
	static const char *const given_away[] = { "tk", "ml", "ga", "cf", "gq", "cc", "ws", "pw", "su" };
	size_t i = u->host.n;
	struct str tld;

	while (i > 0 && u->host.p[i - 1] != '.')
		i--;
	tld = str_cut(u->host, i);
	for (size_t k = 0; k < sizeof(given_away) / sizeof(given_away[0]); k++)
		if (str_is(tld, given_away[k]))
			return false;
	return tld.n == 2 || str_is(tld, "net") || str_is(tld, "org");
}

/* RFC 2606: reserved, nobody's; and what the owners of brands have registered besides, their name one word among others. */
static const char *const genuine_too[] = {
	"example.com", "example.net", "example.org",
	"google-analytics.com", "amazon-adsystem.com", "media-amazon.com", "images-amazon.com", "ssl-images-amazon.com", "assoc-amazon.com",
	"assoc-amazon.co.uk", "assoc-amazon.de", "apple-dns.net", "apple-cloudkit.com", "apple-mapkit.com", "cdn-apple.com", "dropbox-dns.com",
	"steam-chat.com", "paypal-community.com", "paypal-communication.com", "paypal-prepaid.com", "paypal-media.com", "microsoft-ppe.com",
	"linkedin-ei.com", "github-cloud.com", "facebook-hardware.com", "github.blog", "payments-amazon.com", "telegra.ph", "star-telegram.com",
};

bool lookalike_genuine(const struct url *u, const struct lookalike_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (genuine(u, &names[i]))
			return true;
	return false;
}

const struct lookalike_name *lookalike_find(const struct url *u, const struct lookalike_name *names, size_t n)
{
	char skeleton[LOOKALIKE_SKELETON];
	struct str label;

	if (u->ip || n == 0)
		return NULL;
	if (lookalike_genuine(u, names, n))
		return NULL;
	for (size_t i = 0; i < sizeof(genuine_too) / sizeof(genuine_too[0]); i++)
		if (str_is(u->site, genuine_too[i]))
			return NULL;
	label = site_label(u);
	lookalike_skeleton(label, skeleton);
	for (size_t i = 0; i < n; i++)
		if (!(names[i].countries && str_eq(label, names[i].label) && everywhere(u)) && imitates(u, label, skeleton, &names[i]))
			return &names[i];
	return NULL;
}
