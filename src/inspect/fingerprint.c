#include "inspect/fingerprint.h"

#include <stdio.h>

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53u;
	return x ^ (x >> 33);
}

/* FNV-1a: not keyed, so that a fingerprint is the same on every server and after a restart. */
static uint64_t hash(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
	return mix(h);
}

#define HASH_START 0xcbf29ce484222325u

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (uint8_t)c >= 0x80 || c == '\'';
}

static struct str local_of(struct str jid)
{
	ptrdiff_t at = str_find_char(jid, '@');

	return at < 0 ? STR_NONE : str_make(jid.p, (size_t)at);
}

/* "novak" of "dana.novak": where a name begins. */
static bool part_of_name(struct str word, struct str local)
{
	for (size_t i = 0; i + word.n <= local.n; i++)
		if ((i == 0 || !word_char(local.p[i - 1])) && str_eq_nocase(str_make(local.p + i, word.n), word))
			return true;
	return false;
}

/* A name that the worm fills in: the receiver's or the sender's. */
static bool is_name(struct str word, const struct subject *s)
{
	struct str to = local_of(s->to), from = local_of(s->from);

	return word.n >= 3 && (part_of_name(word, to) || part_of_name(word, from));
}

static void add_word(struct fingerprint *f, struct str word)
{
	uint64_t h = HASH_START;
	uint32_t w;
	unsigned i;

	for (size_t k = 0; k < word.n; k++) {
		char c = word.p[k];

		h = (h ^ (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c)) * 0x100000001b3u;
	}
	w = (uint32_t)mix(h);
	for (i = 0; i < f->n_words && f->words[i] < w; i++)
		;
	if (i < f->n_words && f->words[i] == w)
		return;
	if (f->n_words == FINGERPRINT_WORDS) {
		/* The smallest hashes are kept: of two long texts the same sample is compared. */
		if (i == FINGERPRINT_WORDS)
			return;
		f->n_words--;
	}
	memmove(&f->words[i + 1], &f->words[i], (f->n_words - i) * sizeof(f->words[0]));
	f->words[i] = w;
	f->n_words++;
}

/* A piece without blanks that is a link, a number or has one in it is no word. */
static bool is_word_token(struct str token)
{
	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];

		if ((c >= '0' && c <= '9') || c == '/' || c == '@')
			return false;
		if (c == '.' && i + 1 < token.n && word_char(token.p[i + 1]))
			return false;
	}
	return true;
}

static void add_text(struct fingerprint *f, struct str text, const struct subject *s)
{
	size_t i = 0;

	if (text.n > 4096)
		text.n = 4096;
	while (i < text.n) {
		size_t from, end;
		struct str token;

		while (i < text.n && (uint8_t)text.p[i] <= ' ')
			i++;
		from = i;
		while (i < text.n && (uint8_t)text.p[i] > ' ')
			i++;
		token = str_make(text.p + from, i - from);
		if (!is_word_token(token))
			continue;
		for (from = 0; from < token.n; from = end) {
			while (from < token.n && !word_char(token.p[from]))
				from++;
			for (end = from; end < token.n && word_char(token.p[end]); end++)
				;
			if (end > from && !is_name(str_make(token.p + from, end - from), s))
				add_word(f, str_make(token.p + from, end - from));
		}
	}
}

/* How deep the path is, how it ends and whether something is asked: what a worm's generator keeps. */
static uint32_t shape_of(struct str path)
{
	uint32_t depth = 0;
	size_t end = 0, dot = 0;
	uint64_t h = HASH_START;

	for (; end < path.n && path.p[end] != '?' && path.p[end] != '#'; end++) {
		if (path.p[end] == '/' && end + 1 < path.n) {
			depth++;
			dot = 0;
		}
		if (path.p[end] == '.')
			dot = end;
	}
	if (dot && end - dot <= 6)
		h = hash(h, str_make(path.p + dot, end - dot));
	return (uint32_t)mix(h + depth * 2 + (end < path.n && path.p[end] == '?'));
}

void fingerprint_of(const struct subject *s, const struct url *risky, bool everyday, struct fingerprint *ret)
{
	*ret = (struct fingerprint){ 0 };
	if (risky) {
		ret->has_link = true;
		ret->everyday = everyday;
		ret->shape = shape_of(risky->path);
		ret->site = hash(HASH_START, risky->site);
		ret->link = hash(hash(HASH_START, risky->host), risky->path);
	}
	add_text(ret, s->body, s);
	add_text(ret, s->topic, s);
}

static unsigned common_words(const struct fingerprint *a, const struct fingerprint *b)
{
	unsigned i = 0, j = 0, common = 0;

	while (i < a->n_words && j < b->n_words) {
		if (a->words[i] == b->words[j]) {
			common++;
			i++;
			j++;
		} else if (a->words[i] < b->words[j]) {
			i++;
		} else {
			j++;
		}
	}
	return common;
}

unsigned fingerprint_overlap(const struct fingerprint *a, const struct fingerprint *b)
{
	unsigned common = common_words(a, b), all = a->n_words + b->n_words - common;

	return all ? common * 100 / all : 100;
}

/* Short texts: a name or two filled in is all that differs. */
static bool names_apart(const struct fingerprint *a, const struct fingerprint *b)
{
	unsigned common = common_words(a, b);

	return a->n_words - common <= 2 && b->n_words - common <= 2;
}

bool fingerprint_alike(const struct fingerprint *a, const struct fingerprint *b)
{
	unsigned overlap, least = a->n_words < b->n_words ? a->n_words : b->n_words;

	if (a->has_link != b->has_link)
		return false;
	if (a->has_link && a->link == b->link)
		return true;
	overlap = fingerprint_overlap(a, b);
	if (a->has_link && a->site == b->site && !a->everyday)
		return overlap >= 50 || (a->shape == b->shape && names_apart(a, b));
	if (a->has_link && a->site == b->site)
		return least >= 4 && overlap >= 75;
	/* Another site each time: the text must carry it alone. */
	return least >= 6 && overlap >= 75;
}

unsigned fingerprint_keys(const struct fingerprint *f, uint64_t ret[FINGERPRINT_KEYS])
{
	unsigned n = 0;

	if (f->has_link)
		ret[n++] = mix(f->link ^ 1);
	if (f->has_link && !f->everyday)
		ret[n++] = mix(f->site ^ 2);
	for (uint64_t order = 3; order < 7 && f->n_words; order++) {
		uint64_t least = UINT64_MAX;

		for (unsigned i = 0; i < f->n_words; i++) {
			uint64_t h = mix(f->words[i] * 0x9e3779b97f4a7c15u + order);

			least = h < least ? h : least;
		}
		ret[n++] = mix(least ^ order);
	}
	return n;
}

void fingerprint_id(const struct fingerprint *f, char ret[17])
{
	uint64_t h = f->has_link ? f->site : 0;

	for (unsigned i = 0; i < f->n_words; i++)
		h = mix(h ^ f->words[i]);
	if (f->has_link)
		h = mix(h ^ (f->everyday ? f->link : f->n_words < 3 ? f->shape : 0));
	snprintf(ret, 17, "%016llx", (unsigned long long)h);
}
