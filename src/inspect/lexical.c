/* lexical.c - see lexical.h. */
#include "inspect/lexical.h"

#include <stdio.h>

#include "inspect/lookalike.h"

#define TOKENS 24
#define WORD 24
#define REASONS 3

enum kind { SUFFIX, LABEL3, LABEL4, FOLDED4, FOLDED5, WORD_OF_LABEL, SUB, WORD_OF_SUB, WORD_OF_PATH, PATH4, EXTENSION, SHAPE, SUFFIX_SHAPE };

static uint32_t hash(enum kind kind, struct str s)
{
	uint32_t h = 2166136261u ^ ((uint32_t)kind * 0x9e3779b1u);

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 16777619u;
	h ^= h >> 15;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	return h & (LEXICAL_BUCKETS - 1);
}

static void add(struct lexical *l, enum kind kind, struct str s, const char *shape)
{
	if (l->n < LEXICAL_FEATURES)
		l->f[l->n++] = (struct lexical_feature){ .bucket = hash(kind, s), .value = 1, .text = shape ? STR_NONE : s, .shape = shape };
}

static void add_shape(struct lexical *l, const char *name, unsigned value)
{
	char text[48];
	int n = snprintf(text, sizeof(text), "%s=%u", name, value);

	add(l, SHAPE, str_make(text, (size_t)n), name);
}

static float inverse_root(unsigned n)
{
	float x = 1;

	for (unsigned i = 0; i < 20; i++)
		x = (x + (float)n / x) / 2;	/* Newton: the same on every machine's library */
	return 1 / x;
}

/* A group of pieces counts as much for a long name as for a short one. */
static void even(struct lexical *l, unsigned from, float whole)
{
	float each = l->n > from ? whole * inverse_root(l->n - from) : 0;

	for (unsigned i = from; i < l->n; i++)
		l->f[i].value = each;
}

static void grams(struct lexical *l, enum kind kind, struct str s, size_t n, float whole)
{
	unsigned from = l->n;

	for (size_t i = 0; i + n <= s.n; i++)
		add(l, kind, str_make(s.p + i, n), NULL);
	even(l, from, whole);
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (uint8_t)c >= 0x80; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void words(struct lexical *l, enum kind kind, struct str s, float whole)
{
	unsigned from = l->n, count = 0;
	size_t i = 0;

	while (i < s.n && count < TOKENS) {
		size_t end = i;

		while (end < s.n && is_letter(s.p[end]))
			end++;
		if (end - i >= 2 && end - i <= WORD) {
			add(l, kind, str_make(s.p + i, end - i), NULL);
			count++;
		}
		i = end > i ? end : i + 1;
	}
	even(l, from, whole);
}

static unsigned bucket_of(size_t n)
{
	return n < 8 ? (unsigned)n : n < 12 ? 8 : n < 16 ? 9 : n < 24 ? 10 : n < 40 ? 11 : n < 64 ? 12 : 13;
}

static size_t count(struct str s, bool (*is)(char c))
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += is(s.p[i]);
	return n;
}

static bool is_hyphen(char c) { return c == '-'; }
static bool is_dot(char c) { return c == '.'; }
static bool is_vowel(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y'; }
static bool is_slash(char c) { return c == '/'; }
static bool is_percent(char c) { return c == '%'; }
static bool is_amp(char c) { return c == '&'; }

static unsigned consonants(struct str s)
{
	unsigned run = 0, most = 0;

	for (size_t i = 0; i < s.n; i++) {
		run = is_letter(s.p[i]) && !is_vowel(s.p[i]) ? run + 1 : 0;
		most = run > most ? run : most;
	}
	return most < 9 ? most : 9;
}

static struct str lower(struct str s, char *ret, size_t cap)
{
	size_t n = s.n < cap ? s.n : cap;

	for (size_t i = 0; i < n; i++)
		ret[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	return str_make(ret, n);
}

/* ^label$ as it is and as a hurried eye reads it; the suffix; what stands before. */
static void read_host(const struct url *u, struct lexical *l)
{
	struct str site = u->site, label, suffix, sub, marked, folded;
	ptrdiff_t dot = str_find_char(site, '.');
	char skeleton[LOOKALIKE_SKELETON];

	label = dot < 0 ? site : str_make(site.p, (size_t)dot);
	suffix = dot < 0 ? STR_NONE : str_cut(site, (size_t)dot + 1);
	sub = str_make(u->host.p, u->host.n - site.n);
	if (str_starts(sub, STR("www.")))
		sub = str_cut(sub, 4);
	add(l, SUFFIX, suffix, NULL);
	if (label.n > LEXICAL_HOST)
		label.n = LEXICAL_HOST;
	l->host[0] = '^';
	memcpy(l->host + 1, label.p, label.n);
	l->host[label.n + 1] = '$';
	marked = str_make(l->host, label.n + 2);
	grams(l, LABEL3, marked, 3, 1);
	grams(l, LABEL4, marked, 4, 1);
	words(l, WORD_OF_LABEL, label, 1);
	lookalike_skeleton(str_starts(label, STR("xn--")) ? u->unicode : label, skeleton);
	folded = str_make(l->folded, (size_t)snprintf(l->folded, sizeof(l->folded), "^%.*s$", LEXICAL_HOST - 1, skeleton));
	grams(l, FOLDED4, folded, 4, 1);
	grams(l, FOLDED5, folded, 5, 1);
	grams(l, SUB, sub, 4, 0.7f);
	words(l, WORD_OF_SUB, sub, 0.7f);
	add_shape(l, "length of the name", bucket_of(label.n));
	add_shape(l, "digits in the name", bucket_of(count(label, is_digit)));
	add_shape(l, "hyphens in the name", bucket_of(count(label, is_hyphen)));
	add_shape(l, "depth of the name", bucket_of(count(sub, is_dot)));
	add_shape(l, "length before the name", bucket_of(sub.n));
	add_shape(l, "unpronounceable name", consonants(label));
	add_shape(l, "vowels in the name", label.n ? (unsigned)(count(label, is_vowel) * 8 / label.n) : 0);
	if (str_starts(label, STR("xn--")))
		add_shape(l, "foreign letters", u->mixed_script);
	{
		char text[96];
		int n = snprintf(text, sizeof(text), "%.*s %zu %d", (int)(suffix.n < 60 ? suffix.n : 60), suffix.p,
				 count(label, is_hyphen) < 3 ? count(label, is_hyphen) : 3, count(label, is_digit) > 0);

		add(l, SUFFIX_SHAPE, str_make(text, (size_t)n), "suffix");
	}
}

static void read_path(const struct url *u, struct lexical *l)
{
	struct str p = lower(u->path, l->path, sizeof(l->path)), file, query = STR_NONE;
	ptrdiff_t mark;

	if (p.n <= 1) {
		add_shape(l, "no path", 1);
		return;
	}
	words(l, WORD_OF_PATH, p, 1);
	for (size_t i = 0; i < p.n; i++)
		if (p.p[i] == '?' || p.p[i] == '#') {
			query = str_cut(p, i);
			p.n = i;
		}
	file = p;
	while ((mark = str_find_char(file, '/')) >= 0)
		file = str_cut(file, (size_t)mark + 1);
	mark = -1;
	for (size_t i = 0; i < file.n; i++)
		if (file.p[i] == '.')
			mark = (ptrdiff_t)i;
	if (mark >= 0 && file.n - (size_t)mark <= 8)
		add(l, EXTENSION, str_cut(file, (size_t)mark), NULL);
	add_shape(l, "length of the path", bucket_of(p.n));
	add_shape(l, "depth of the path", bucket_of(count(p, is_slash)));
	add_shape(l, "digits in the path", bucket_of(count(p, is_digit)));
	add_shape(l, "length of the query", bucket_of(query.n));
	add_shape(l, "parts of the query", bucket_of(count(query, is_amp)));
	add_shape(l, "encoded", count(u->path, is_percent) > 0);
	if (p.n && p.p[p.n - 1] == '/')
		add_shape(l, "ends as a folder", 1);
}

void lexical_read(const struct url *u, struct lexical *l)
{
	l->n = 0;
	if (u->ip) {
		add_shape(l, "a bare address", 1);
		if (u->port)
			add_shape(l, "a bare address with a port", 1);
	} else {
		read_host(u, l);
	}
	if (u->port && u->port != 80 && u->port != 443)
		add_shape(l, "an unusual port", 1);
	read_path(u, l);
}

static float weight(uint32_t bucket)
{
	return (float)(lexical_model[bucket / LEXICAL_ROW][bucket % LEXICAL_ROW] - LEXICAL_ZERO) * lexical_step;
}

float lexical_score(const struct lexical *l)
{
	float sum = lexical_bias;

	for (unsigned i = 0; i < l->n; i++)
		sum += weight(l->f[i].bucket) * l->f[i].value;
	return sum;
}

bool lexical_bad(const struct url *u, const struct lexical *l)
{
	return lexical_score(l) > (u->path.n > 1 ? lexical_threshold_link : lexical_threshold_host);
}

/* Pieces are cut anywhere, so of other alphabets they may hold half a letter. */
static bool is_showable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || (uint8_t)s.p[i] >= 0x7f)
			return false;
	return true;
}

/* Is one piece within another that was named already? */
static bool named(const struct lexical_feature *const *top, unsigned n, const struct lexical_feature *f)
{
	for (unsigned i = 0; i < n; i++)
		if ((f->text.n && str_find(top[i]->text, f->text) >= 0) || (top[i]->text.n && str_find(f->text, top[i]->text) >= 0) ||
		    (f->shape && top[i]->shape == f->shape))
			return true;
	return false;
}

struct str lexical_reason(const struct lexical *l, char ret[LEXICAL_REASON])
{
	const struct lexical_feature *top[REASONS];
	unsigned n = 0;
	size_t at = 0;

	while (n < REASONS) {
		const struct lexical_feature *best = NULL;
		float most = 0.05f;

		for (unsigned i = 0; i < l->n; i++) {
			float w = weight(l->f[i].bucket) * l->f[i].value;

			if (w > most && is_showable(l->f[i].text) && !named(top, n, &l->f[i])) {
				best = &l->f[i];
				most = w;
			}
		}
		if (!best)
			break;
		top[n++] = best;
	}
	ret[0] = '\0';
	for (unsigned i = 0; i < n && at + 2 < LEXICAL_REASON; i++) {
		struct str s = top[i]->shape ? str_of(top[i]->shape) : top[i]->text;

		at += (size_t)snprintf(ret + at, LEXICAL_REASON - at, "%s%s%.*s%s", i ? ", " : "", top[i]->shape ? "" : "'", STR_FMT(s), top[i]->shape ? "" : "'");
	}
	if (at >= LEXICAL_REASON)
		at = LEXICAL_REASON - 1;
	return str_make(ret, at);
}
