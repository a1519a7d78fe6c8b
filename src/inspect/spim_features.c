/* spim_features.c - from a text to the places of its features in the model's table.
 *
 * A feature is hashed with its kind; nothing is looked up, so a text's cost is its length. Names of people, sites and codes
 * that one campaign used are worth little for the next: digits are blurred, links count by their parts.
 */
#include "inspect/spim_features.h"

#include <math.h>

enum feature { F_WORD = 1, F_PAIR, F_SKIP, F_GRAM, F_HOST, F_SUFFIX, F_PATH, F_LINK, F_SIGN };

static uint32_t mix(uint32_t h, uint32_t v)
{
	h = (h ^ v) * 0x9e3779b1u;
	return h ^ (h >> 15);
}

static uint32_t place(uint32_t h)
{
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	return (h * 0xc2b2ae35u) >> (32 - SPIM_BITS);
}

static void add_word(struct spim_features *f, uint32_t h, unsigned token, bool alone)
{
	if (f->n_words == SPIM_FEATURE_WORDS)
		return;
	f->word_alone[f->n_words] = alone;
	f->word_of[f->n_words] = (uint16_t)token;
	f->words[f->n_words++] = place(h);
}

static void add_sign(struct spim_features *f, uint32_t what, uint32_t value)
{
	if (f->n_signs < SPIM_FEATURE_SIGNS)
		f->signs[f->n_signs++] = place(mix(mix(F_SIGN, what), value));
}

/* --- words --------------------------------------------------------------------------------------------------------------- */

static uint32_t hash_token(const struct normal *n, const struct normal_token *t)
{
	uint32_t h = mix(F_WORD, t->kind);

	switch ((enum normal_kind)t->kind) {
	case NORMAL_MONEY:
		return mix(h, t->n > 4);
	case NORMAL_NUMBER:
		if (t->n > 6)
			return mix(h, 0x1000);
		break;
	case NORMAL_LINK:
	case NORMAL_MAIL:
	case NORMAL_NAME:
	case NORMAL_PHONE:
		return h;
	case NORMAL_WORD:
	case NORMAL_HAN:
	case NORMAL_SIGN:
	case NORMAL_EMOJI:
		break;
	}
	for (unsigned i = 0; i < t->n && i < 24; i++)
		h = mix(h, n->c[t->at + i]);
	return h;
}

static bool between(uint32_t c, uint32_t low, uint32_t high) { return c >= low && c <= high; }
static bool plain(uint32_t c) { return between(c, 'a', 'z') || between(c, '0', '9') || c >= 0x80; }

/* A link: the labels of its host, its suffix, the words of its path, and how it looks. */
static void link_words(struct spim_features *f, const struct normal_token *t, unsigned token)
{
	const uint32_t *c = f->text.c + t->at;
	unsigned host = 0, labels = 0, digits = 0, hyphens = 0, last = 0, parts = 0;
	uint32_t h = F_HOST;

	while (host < t->n && c[host] != '/' && c[host] != '?' && c[host] != '#')
		host++;
	for (unsigned i = 0; i <= host; i++) {
		if (i == host || c[i] == '.' || c[i] == ':') {
			if (i > last) {
				add_word(f, i == host ? mix(h, F_SUFFIX) : h, token, false);
				labels++;
			}
			last = i + 1;
			h = F_HOST;
			continue;
		}
		digits += between(c[i], '0', '9');
		hyphens += c[i] == '-';
		h = mix(h, c[i]);
	}
	h = F_PATH;
	last = host;
	for (unsigned i = host; i <= t->n && parts < 12; i++) {
		if (i < t->n && plain(c[i])) {
			h = mix(h, between(c[i], '0', '9') ? '0' : c[i]);
			continue;
		}
		if (i > last && i - last <= 12) {
			add_word(f, h, token, false);
			parts++;
		}
		last = i + 1;
		h = F_PATH;
	}
	add_sign(f, 40, labels > 5 ? 5 : labels);
	add_sign(f, 41, digits > 0);
	add_sign(f, 42, hyphens > 2 ? 2 : hyphens);
	add_sign(f, 43, host > 30 ? 3 : host > 20 ? 2 : host > 10);
	add_sign(f, 44, t->n == host ? 0 : t->n == host + 1 ? 1 : t->n < host + 12 ? 2 : 3);
	add_sign(f, 45, digits + labels >= host - 3 && digits >= 4);
}

static void words(struct spim_features *f)
{
	uint32_t last = mix(F_WORD, 0xffff), before = last;

	for (unsigned i = 0; i < f->text.n_tokens; i++) {
		const struct normal_token *t = &f->text.t[i];
		uint32_t h = hash_token(&f->text, t);

		add_word(f, h, i, true);
		add_word(f, mix(mix(F_PAIR, last), h), i, false);
		if (i > 1)
			add_word(f, mix(mix(F_SKIP, before), h), i, false);
		if (t->kind == NORMAL_LINK)
			link_words(f, t, i);
		before = last;
		last = h;
	}
}

/* --- runs of characters --------------------------------------------------------------------------------------------------------- */

#define GRAM_LEAST 3
#define GRAM_MOST 5

static void add_gram(struct spim_features *f, uint32_t h, unsigned token)
{
	if (f->n_chars == SPIM_FEATURE_CHARS)
		return;
	f->char_of[f->n_chars] = (uint16_t)token;
	f->chars[f->n_chars++] = place(h);
}

static void grams_of(struct spim_features *f, const uint32_t *c, const uint16_t *of, unsigned n)
{
	for (unsigned i = 0; i + 1 < n; i++) {
		uint32_t h = F_GRAM;
		bool dense = c[i] >= 0x3000;

		for (unsigned k = 0; k < GRAM_MOST && i + k < n; k++) {
			h = mix(h, c[i + k]);
			if (k + 1 >= GRAM_LEAST || (dense && k < 3))
				add_gram(f, mix(h, k), of[i]);
		}
	}
}

/* Over the words with one blank between them; what stands for itself (links, numbers) divides. */
static void chars(struct spim_features *f)
{
	uint32_t line[NORMAL_CHARS];
	uint16_t of[NORMAL_CHARS];
	unsigned n = 0;

	of[0] = 0;
	line[n++] = ' ';
	for (unsigned i = 0; i < f->text.n_tokens; i++) {
		const struct normal_token *t = &f->text.t[i];

		if (t->kind != NORMAL_WORD && t->kind != NORMAL_HAN && t->kind != NORMAL_NUMBER)
			continue;
		for (unsigned k = 0; k < t->n && n < NORMAL_CHARS - 1; k++) {
			of[n] = (uint16_t)i;
			line[n++] = f->text.c[t->at + k];
		}
		if (n < NORMAL_CHARS - 1) {
			of[n] = (uint16_t)(i + 1);
			line[n++] = ' ';
		}
	}
	grams_of(f, line, of, n);
}

/* --- signs --------------------------------------------------------------------------------------------------------------------------- */

static uint32_t steps(unsigned v)		/* 0 1 2 3 4: none, one, two or three, up to seven, more */
{
	return v == 0 ? 0 : v == 1 ? 1 : v < 4 ? 2 : v < 8 ? 3 : 4;
}

static uint32_t share(unsigned part, unsigned whole)	/* 0 to 4 */
{
	return whole == 0 || part == 0 ? 0 : part * 20 < whole ? 1 : part * 5 < whole ? 2 : part * 2 < whole ? 3 : 4;
}

static void signs(struct spim_features *f)
{
	const struct normal *n = &f->text;
	uint32_t length = 0, links = n->links > 3 ? 3 : n->links, reach = (n->phones > 0) + 2 * (n->money > 0);

	for (unsigned k = n->n; k > 8; k /= 2)
		length++;
	add_sign(f, 1, length);
	add_sign(f, 2, links);
	add_sign(f, 3, n->phones > 2 ? 2 : n->phones);
	add_sign(f, 4, n->money > 2 ? 2 : n->money);
	add_sign(f, 5, n->names > 2 ? 2 : n->names);
	add_sign(f, 6, share(n->digits, n->n));
	add_sign(f, 7, n->letters >= 10 ? share(n->upper, n->letters) : 5);
	add_sign(f, 8, steps(n->exclaim));
	add_sign(f, 9, steps(n->emoji));
	add_sign(f, 10, share(n->mixed, n->n_tokens) + 8 * (n->mixed > 1));
	add_sign(f, 11, share(n->invisible, n->n));
	add_sign(f, 12, steps(n->lines));
	add_sign(f, 13, n->leet < 2 ? 0 : share(n->leet, n->n_tokens));
	add_sign(f, 14, n->spaced > 2 ? 2 : n->spaced);
	add_sign(f, 15, n->defanged > 0);
	add_sign(f, 20, 16 * length + links);
	add_sign(f, 21, 16 * links + reach);
	add_sign(f, 22, 16 * length + reach);
}

void spim_features(const struct normal_table *t, struct str text, struct spim_features *ret)
{
	ret->n_words = ret->n_chars = ret->n_signs = 0;
	normal_text(t, text, &ret->text);
	words(ret);
	chars(ret);
	signs(ret);
}

float spim_features_share(enum spim_group group, unsigned n)
{
	switch (group) {
	case SPIM_WORDS:
		return 1.0f / sqrtf((float)n + 12);
	case SPIM_CHARS:
		return 1.0f / sqrtf((float)n + 60);
	case SPIM_SIGNS:
		return 0.15f;
	case SPIM_GROUPS:
		break;
	}
	return 0;
}
