/* spim.c - see spim.h. The model's file, and a text's score under it; what else is known of the sender, in spim_verdict(). */
#include "inspect/spim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

#define MAGIC "WRDSPIM"			/* with its NUL */
#define HEADER 64
#define DELTA_PLACES (1u << SPIM_DELTA_BITS)
#define DELTA_UNIT 1000.0f		/* an adjustment is in thousandths */
#define DELTA_EACH 1500			/* and that at most */
#define LEARN_RATE 1.5f
#define LEARN_STEPS 4

struct spim {
	struct normal_table *table;
	struct spim_header h;
	float scale;
	int8_t w[SPIM_BUCKETS];
	int16_t delta[DELTA_PLACES];
	unsigned learnt;
	struct spim_features pad;
	/* Of the text in the pad: sums over its tokens, from the first on. */
	float words[NORMAL_TOKENS + 2], chars[NORMAL_TOKENS + 2], moved[NORMAL_TOKENS + 2];
	uint32_t n_words[NORMAL_TOKENS + 2], n_chars[NORMAL_TOKENS + 2];
};

/* --- the file ------------------------------------------------------------------------------------------------------------ */

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_float(uint8_t *p, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put32(p, bits);
}

static bool get_float(const uint8_t *p, float *ret)
{
	uint32_t bits = get32(p);

	memcpy(ret, &bits, sizeof(*ret));
	return isfinite(*ret) && fabsf(*ret) < 1000;
}

/* Against damage, not against somebody who may write the file. */
static uint64_t checksum(struct str file)
{
	static const uint64_t key[2] = { 0x7370696d, 0x6d6f64656c };

	return map_hash(key, str_make(file.p, HEADER - 8)) ^ map_hash(key, str_cut(file, HEADER));
}

int spim_write(const struct spim_header *h, const float *weights, struct buf *ret)
{
	uint8_t head[HEADER] = { 0 };
	float most = 1e-6f;
	uint64_t sum;

	for (unsigned i = 0; i < SPIM_BUCKETS; i++)
		most = fabsf(weights[i]) > most ? fabsf(weights[i]) : most;
	memcpy(head, MAGIC, 8);
	put32(head + 8, SPIM_VERSION);
	put32(head + 12, SPIM_BITS);
	put32(head + 16, h->date);
	put_float(head + 20, h->bias);
	put_float(head + 24, most / 127);
	put_float(head + 28, h->threshold);
	put_float(head + 32, h->stretch);
	for (unsigned i = 0; i < SPIM_BANDS; i++)
		put_float(head + 36 + 4 * i, h->bands[i]);
	buf_clear(ret);
	if (buf_add(ret, head, HEADER) < 0 || buf_reserve(ret, SPIM_BUCKETS) < 0)
		return ERR_NOMEM;
	for (unsigned i = 0; i < SPIM_BUCKETS; i++)
		ret->p[ret->n++] = (char)(int8_t)lrintf(weights[i] / most * 127);
	sum = checksum(buf_str(ret));
	put32((uint8_t *)ret->p + HEADER - 8, (uint32_t)sum);
	put32((uint8_t *)ret->p + HEADER - 4, (uint32_t)(sum >> 32));
	return 0;
}

static bool read_header(struct str file, struct spim *m)
{
	const uint8_t *p = (const uint8_t *)file.p;
	uint64_t sum;

	if (file.n != SPIM_FILE_BYTES || memcmp(p, MAGIC, 8) != 0 || get32(p + 8) != SPIM_VERSION || get32(p + 12) != SPIM_BITS)
		return false;
	sum = get32(p + HEADER - 8) | (uint64_t)get32(p + HEADER - 4) << 32;
	if (sum != checksum(file))
		return false;
	m->h.date = get32(p + 16);
	for (unsigned i = 0; i < SPIM_BANDS; i++)
		if (!get_float(p + 36 + 4 * i, &m->h.bands[i]) || (i > 0 && m->h.bands[i] < m->h.bands[i - 1]))
			return false;
	return get_float(p + 20, &m->h.bias) && get_float(p + 24, &m->scale) && m->scale > 0 && get_float(p + 28, &m->h.threshold) && m->h.threshold == m->h.bands[0] &&
	       get_float(p + 32, &m->h.stretch) && m->h.stretch >= 0;
}

int spim_new(struct str file, struct spim **ret)
{
	struct spim *m = calloc(1, sizeof(*m));

	if (!m)
		return ERR_NOMEM;
	if (!read_header(file, m)) {
		free(m);
		return ERR_BAD_FORMAT;
	}
	memcpy(m->w, file.p + HEADER, SPIM_BUCKETS);
	m->table = normal_table_new();
	if (!m->table) {
		free(m);
		return ERR_NOMEM;
	}
	*ret = m;
	return 0;
}

void spim_free(struct spim **m)
{
	if (!*m)
		return;
	normal_table_free(&(*m)->table);
	free(*m);
	*m = NULL;
}

uint32_t spim_date(const struct spim *m)
{
	return m->h.date;
}

/* --- a text's score -------------------------------------------------------------------------------------------------------- */

static int16_t *delta_of(struct spim *m, uint32_t place)
{
	return &m->delta[place & (DELTA_PLACES - 1)];
}

/* Fills the running sums of the text in the pad. */
static void sum_up(struct spim *m)
{
	const struct spim_features *f = &m->pad;
	unsigned n = f->text.n_tokens + 1;

	memset(m->words, 0, (n + 1) * sizeof(m->words[0]));
	memset(m->chars, 0, (n + 1) * sizeof(m->chars[0]));
	memset(m->moved, 0, (n + 1) * sizeof(m->moved[0]));
	memset(m->n_words, 0, (n + 1) * sizeof(m->n_words[0]));
	memset(m->n_chars, 0, (n + 1) * sizeof(m->n_chars[0]));
	for (unsigned i = 0; i < f->n_words; i++) {
		unsigned t = f->word_of[i] + 1u;

		m->words[t] += (float)m->w[f->words[i]];
		m->moved[t] += (float)*delta_of(m, f->words[i]);
		m->n_words[t]++;
	}
	for (unsigned i = 0; i < f->n_chars; i++) {
		unsigned t = f->char_of[i] + 1u;

		m->chars[t] += (float)m->w[f->chars[i]];
		m->n_chars[t]++;
	}
	for (unsigned i = 0; i < n; i++) {
		m->words[i + 1] += m->words[i];
		m->chars[i + 1] += m->chars[i];
		m->moved[i + 1] += m->moved[i];
		m->n_words[i + 1] += m->n_words[i];
		m->n_chars[i + 1] += m->n_chars[i];
	}
}

static float clip(float v, float most)
{
	return v > most ? most : v < -most ? -most : v;
}

/* Of the tokens [from, to). */
static float part(const struct spim *m, unsigned from, unsigned to)
{
	float share = spim_features_share(SPIM_WORDS, m->n_words[to] - m->n_words[from]);
	float words = (m->words[to] - m->words[from]) * m->scale * share, moved = (m->moved[to] - m->moved[from]) / DELTA_UNIT * share;

	return words + clip(moved, SPIM_DELTA_MOST) +
	       (m->chars[to] - m->chars[from]) * m->scale * spim_features_share(SPIM_CHARS, m->n_chars[to] - m->n_chars[from]);
}

static float logit(struct spim *m)
{
	unsigned n = m->pad.text.n_tokens;
	float signs = 0, best, less = m->h.stretch;

	sum_up(m);
	/* Of many stretches one is strong by chance: the longer the text, the more it takes. */
	if (n > SPIM_STRETCH)
		less *= 1 + log2f((float)n / SPIM_STRETCH) / 2;
	for (unsigned i = 0; i < m->pad.n_signs; i++)
		signs += (float)m->w[m->pad.signs[i]];
	signs = m->h.bias + signs * m->scale * spim_features_share(SPIM_SIGNS, m->pad.n_signs);
	best = part(m, 0, n + 1);
	for (unsigned from = 0; n > SPIM_STRETCH + SPIM_STRETCH / 2; from += SPIM_STRETCH / 3) {
		unsigned at = from + SPIM_STRETCH > n ? n - SPIM_STRETCH : from;
		float z = part(m, at, at + SPIM_STRETCH) - less;

		best = z > best ? z : best;
		if (at + SPIM_STRETCH == n)
			break;
	}
	return signs + best;
}

/* Kept ascending, each once; the greatest falls out. */
static void print_add(uint32_t print[SPIM_PRINT], uint32_t h)
{
	unsigned at = SPIM_PRINT;

	while (at > 0 && print[at - 1] > h)
		at--;
	if (at == SPIM_PRINT || (at > 0 && print[at - 1] == h))
		return;
	memmove(&print[at + 1], &print[at], (SPIM_PRINT - 1 - at) * sizeof(*print));
	print[at] = h;
}

/* The least hashes of its words: all of a short text's, and of a long one's a fair sample (bottom-k, Cohen 1997). */
static void print_of(const struct normal *n, struct spim_view *ret)
{
	memset(ret->print, 0xff, sizeof(ret->print));
	for (unsigned i = 0; i < n->n_tokens; i++) {
		const struct normal_token *t = &n->t[i];
		unsigned step = t->kind == NORMAL_HAN ? 2 : t->n;

		if ((t->kind != NORMAL_WORD && t->kind != NORMAL_HAN) || t->n == 0)
			continue;
		for (unsigned at = 0; at < t->n; at += t->kind == NORMAL_HAN ? 1 : step) {
			uint32_t h = 0x811c9dc5;

			for (unsigned k = at; k < at + step && k < t->n; k++)
				h = (h ^ n->c[t->at + k]) * 0x01000193;
			h = (h ^ h >> 16) * 0x7feb352d;
			h = (h ^ h >> 15) * 0x846ca68b;
			print_add(ret->print, h ^ h >> 16);
			ret->n_words++;
		}
	}
}

/* Words of letters alone may be named as evidence; numbers, links and names may not. */
static bool readable(const struct normal *n, const struct normal_token *t)
{
	if (t->kind != NORMAL_WORD || t->n < 3 || t->n > 14)
		return false;
	for (unsigned i = 0; i < t->n; i++)
		if (n->c[t->at + i] < 'a' || (n->c[t->at + i] > 'z' && n->c[t->at + i] < 0xc0))
			return false;
	return true;
}

static void top_words(const struct spim *m, struct spim_view *ret)
{
	const struct spim_features *f = &m->pad;
	int best[SPIM_TOP] = { 0 };
	unsigned at[SPIM_TOP];

	for (unsigned i = 0; i < f->n_words; i++) {
		const struct normal_token *t = &f->text.t[f->word_of[i]];
		int w = m->w[f->words[i]];
		bool twice = false;
		unsigned k = ret->n_top;

		if (!f->word_alone[i] || w <= 2 || !readable(&f->text, t) || (k == SPIM_TOP && w <= best[SPIM_TOP - 1]))
			continue;
		for (unsigned j = 0; j < ret->n_top; j++)
			twice |= f->words[at[j]] == f->words[i];
		if (twice)
			continue;
		k = k == SPIM_TOP ? SPIM_TOP - 1 : k;
		for (; k > 0 && best[k - 1] < w; k--) {
			best[k] = best[k - 1];
			at[k] = at[k - 1];
		}
		best[k] = w;
		at[k] = i;
		ret->n_top += ret->n_top < SPIM_TOP;
	}
	for (unsigned k = 0; k < ret->n_top; k++)
		ret->top[k][normal_put(&f->text, &f->text.t[f->word_of[at[k]]], ret->top[k], sizeof(ret->top[k]) - 1)] = '\0';
}

void spim_look(struct spim *m, struct str text, struct spim_view *ret)
{
	const struct normal *n = &m->pad.text;
	float z;

	*ret = (struct spim_view){ 0 };
	spim_features(m->table, text, &m->pad);
	z = logit(m);
	ret->over = n->n_tokens ? z - m->h.threshold : -99;
	while (n->n_tokens && ret->band < SPIM_BANDS && z >= m->h.bands[ret->band])
		ret->band++;
	ret->hidden = n->invisible > 1 || n->mixed > 1 || n->styled > 5 || n->spaced > 1 || n->defanged > 0;
	ret->reach = n->links || n->phones || n->names;
	for (unsigned i = 0; i < n->n_tokens && !ret->reach; i++)
		ret->reach = n->t[i].kind == NORMAL_MAIL;
	print_of(n, ret);
	if (ret->over >= 0)
		top_words(m, ret);
}

/* Of the words up to the greatest that both prints would show: of those each print knows all. */
unsigned spim_overlap(const uint32_t a[SPIM_PRINT], const uint32_t b[SPIM_PRINT])
{
	uint32_t end = a[SPIM_PRINT - 1] < b[SPIM_PRINT - 1] ? a[SPIM_PRINT - 1] : b[SPIM_PRINT - 1];
	unsigned same = 0, all = 0, i = 0, k = 0;

	while ((i < SPIM_PRINT && a[i] <= end && a[i] != UINT32_MAX) || (k < SPIM_PRINT && b[k] <= end && b[k] != UINT32_MAX)) {
		uint32_t x = i < SPIM_PRINT ? a[i] : UINT32_MAX, y = k < SPIM_PRINT ? b[k] : UINT32_MAX;

		same += x == y;
		all++;
		i += x <= y;
		k += y <= x;
	}
	return all ? same * 100 / all : 0;
}

/* --- what a site learns -------------------------------------------------------------------------------------------------------- */

static void count_learnt(struct spim *m)
{
	m->learnt = 0;
	for (unsigned i = 0; i < DELTA_PLACES; i++)
		m->learnt += m->delta[i] != 0;
}

void spim_fade(struct spim *m)
{
	for (unsigned i = 0; i < DELTA_PLACES; i++) {
		int16_t by = (int16_t)(m->delta[i] / 16);

		m->delta[i] = (int16_t)(by ? m->delta[i] - by : m->delta[i] > 0 ? m->delta[i] - 1 : m->delta[i] < 0 ? m->delta[i] + 1 : 0);
	}
	count_learnt(m);
}

/* Towards a margin of one on the right side of the threshold; words and pairs alone, for runs of characters are shared by too
 * many texts. */
void spim_learn(struct spim *m, struct str text, bool is_spim, float weight)
{
	weight = weight < 0 || !isfinite(weight) ? 0 : weight > 1 ? 1 : weight;
	for (unsigned step = 0; step < LEARN_STEPS && weight > 0; step++) {
		float z, error, share;

		spim_features(m->table, text, &m->pad);
		z = logit(m) - m->h.threshold;
		if (is_spim ? z > 1 : z < -1)
			break;
		error = (is_spim ? 1.0f : 0.0f) - 1 / (1 + expf(-z));
		share = spim_features_share(SPIM_WORDS, m->pad.n_words);
		for (unsigned i = 0; i < m->pad.n_words; i++) {
			int16_t *d = delta_of(m, m->pad.words[i]);

			*d = (int16_t)clip((float)*d + error * weight * LEARN_RATE * share * DELTA_UNIT, DELTA_EACH);
		}
	}
	count_learnt(m);
	while (m->learnt > SPIM_PLACES)
		spim_fade(m);
}

unsigned spim_learnt(const struct spim *m)
{
	return m->learnt;
}

void spim_delta_write(const struct spim *m, struct buf *ret)
{
	uint8_t v[8];

	put32(v, SPIM_VERSION);
	put32(v + 4, m->learnt);
	buf_add(ret, v, 8);
	for (unsigned i = 0; i < DELTA_PLACES; i++)
		if (m->delta[i]) {
			put32(v, i | (uint32_t)(uint16_t)m->delta[i] << 16);
			buf_add(ret, v, 4);
		}
}

int spim_delta_read(struct spim *m, struct str delta)
{
	const uint8_t *p = (const uint8_t *)delta.p;
	uint32_t n, last = 0;

	if (delta.n < 8 || get32(p) != SPIM_VERSION)
		return ERR_BAD_FORMAT;
	n = get32(p + 4);
	if (n > SPIM_PLACES || delta.n != 8 + (size_t)n * 4)
		return ERR_BAD_FORMAT;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = get32(p + 8 + 4 * i) & 0xffff;
		int16_t v = (int16_t)(get32(p + 8 + 4 * i) >> 16);

		if (v == 0 || v > DELTA_EACH || v < -DELTA_EACH || (i > 0 && place <= last))
			return ERR_BAD_FORMAT;
		last = place;
	}
	memset(m->delta, 0, sizeof(m->delta));
	for (uint32_t i = 0; i < n; i++)
		m->delta[get32(p + 8 + 4 * i) & 0xffff] = (int16_t)(get32(p + 8 + 4 * i) >> 16);
	m->learnt = n;
	return 0;
}
