/* links_train.c - trains the model of inspect/lexical.h on ../shared/data/urls and writes src/inspect/lexical_model.c.
 *
 * Use: links_train URLS.tsv OUT.c    (zcat urls.dev.tsv.gz > URLS.tsv before)
 *
 * Registered domains are dealt into five parts by their hash. Part 0 is never trained on: the calibration in ./check
 * measures there. The threshold is the one that one harmless link in a thousand of the other parts exceeds when it is
 * judged by models that have not seen its part. The weights are logistic regression by stochastic gradients, from one
 * seed, in an order that depends on the data alone: the same data give the same file.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/lexical.h"

#define PARTS 5
#define EPOCHS 12
#define RATE 0.05f
#define DECAY 2e-5f
#define ROWS 400000

const char lexical_model[LEXICAL_BUCKETS / LEXICAL_ROW][LEXICAL_ROW + 1];
const float lexical_step, lexical_bias, lexical_threshold_link, lexical_threshold_host;

struct row {
	bool bad, host;
	unsigned part, n;
	float weight, score;
	char source[24];
	uint32_t *bucket;
	float *value;
};

struct model { float w[LEXICAL_BUCKETS], g[LEXICAL_BUCKETS], bias; };

static struct row rows[ROWS];
static unsigned n_rows;

static uint32_t mix(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	h ^= h >> 16;
	h *= 0x7feb352du;
	return h ^ h >> 15;
}

/* How much a row counts: harmless ones more, as a false alarm costs more; no single source rules. */
static float weight_of(const char *source, bool bad, bool host)
{
	if (!bad)
		return host ? 3.0f : 2.1f;
	if (strcmp(source, "discord-phishing-links") == 0 || strcmp(source, "dogino-discord") == 0)
		return 0.8f;
	if (strcmp(source, "urlhaus") == 0 && host)
		return 0.02f;		/* mostly honest sites that were broken into: their names say nothing */
	return 1;
}

static void read_rows(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[8192], *col[6];
	struct arena *a = arena_new(1 << 20);

	if (!f || !fgets(line, sizeof(line), f))
		exit(1);
	while (fgets(line, sizeof(line), f) && n_rows < ROWS) {
		struct row *r = &rows[n_rows];
		static struct lexical l;
		struct url u;
		char *p = line;

		line[strcspn(line, "\n")] = 0;
		for (unsigned i = 0; i < 6; i++)
			col[i] = strsep(&p, "\t");
		if (!col[5] || strcmp(col[0], "defacement") == 0)
			continue;	/* an honest site with a picture on it: its link is an honest one */
		arena_clear(a);
		if (!url_parse(str_of(col[5]), a, &u))
			continue;
		lexical_read(&u, &l);
		r->bad = strcmp(col[0], "benign") != 0;
		r->host = u.path.n <= 1;
		r->part = mix(col[4]) % PARTS;
		r->weight = weight_of(col[2], r->bad, r->host);
		snprintf(r->source, sizeof(r->source), "%s", col[2]);
		r->n = l.n;
		r->bucket = malloc(l.n * sizeof(*r->bucket));
		r->value = malloc(l.n * sizeof(*r->value));
		for (unsigned i = 0; i < l.n; i++) {
			r->bucket[i] = l.f[i].bucket;
			r->value[i] = l.f[i].value;
		}
		n_rows++;
	}
	fclose(f);
	arena_free(&a);
}

static float score(const struct model *m, const struct row *r)
{
	float s = m->bias;

	for (unsigned i = 0; i < r->n; i++)
		s += m->w[r->bucket[i]] * r->value[i];
	return s;
}

/* Adaptive gradients (Duchi et al. 2011) on all rows that keep() allows. */
static void train(struct model *m, bool (*keep)(const struct row *r, unsigned part), unsigned part)
{
	static unsigned order[ROWS];
	uint64_t seed = 88172645463325252ull;
	unsigned n = 0;

	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < n_rows; i++)
		if (keep(&rows[i], part))
			order[n++] = i;
	for (unsigned e = 0; e < EPOCHS; e++) {
		for (unsigned i = n - 1; i > 0; i--) {
			unsigned k, t = order[i];

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			k = (unsigned)(seed % (i + 1));
			order[i] = order[k];
			order[k] = t;
		}
		for (unsigned i = 0; i < n; i++) {
			const struct row *r = &rows[order[i]];
			float p = 1 / (1 + expf(-score(m, r))), d = (p - (float)r->bad) * r->weight;

			m->bias -= 0.01f * d;
			for (unsigned k = 0; k < r->n; k++) {
				uint32_t b = r->bucket[k];
				float g = d * r->value[k] + DECAY * m->w[b];

				m->g[b] += g * g;
				m->w[b] -= RATE * g / sqrtf(m->g[b] + 1e-4f);
			}
		}
	}
}

static bool without(const struct row *r, unsigned part) { return r->part != 0 && r->part != part; }

static int by_score(const void *x, const void *y)
{
	float a = *(const float *)x, b = *(const float *)y;

	return a < b ? 1 : a > b ? -1 : 0;
}

/* Noisy: many of its "harmless" are pages that imitate a sign-in and were gone by the time somebody looked. */
static bool counts(const struct row *r, bool host, bool zero)
{
	return !r->bad && r->host == host && (r->part == 0) == zero && strcmp(r->source, "hannousse2021") != 0;
}

/* The score that one in a thousand of the harmless exceeds, whole hosts and links with a path apart. */
static void thresholds(bool zero, float ret[2])
{
	static float v[ROWS];

	for (int host = 0; host < 2; host++) {
		unsigned n = 0;

		for (unsigned i = 0; i < n_rows; i++)
			if (counts(&rows[i], host, zero))
				v[n++] = rows[i].score;
		qsort(v, n, sizeof(*v), by_score);
		fprintf(stderr, "harmless %s: %u, 0.1 %%: %.2f, 0.3 %%: %.2f, 1 %%: %.2f\n", host ? "hosts" : "links", n, (double)v[n / 1000],
			(double)v[n * 3 / 1000], (double)v[n / 100]);
		ret[host] = v[host ? n * 7 / 10000 : n / 1000];	/* with what other rules say of hosts it is to stay below 1 in 1000 */
	}
}

static void table(const float at[2], bool zero)
{
	char done[64][24];
	unsigned n_done = 0;

	for (unsigned i = 0; i < n_rows; i++) {
		unsigned n[2][2] = { 0 }, hit[2][2] = { 0 };
		bool seen = false;

		for (unsigned k = 0; k < n_done; k++)
			seen = seen || strcmp(done[k], rows[i].source) == 0;
		if (seen || n_done == 64)
			continue;
		memcpy(done[n_done++], rows[i].source, sizeof(done[0]));
		for (unsigned k = 0; k < n_rows; k++)
			if (strcmp(rows[k].source, rows[i].source) == 0 && (rows[k].part == 0) == zero) {
				n[rows[k].bad][rows[k].host]++;
				hit[rows[k].bad][rows[k].host] += rows[k].score > at[rows[k].host];
			}
		for (int bad = 0; bad < 2; bad++)
			for (int host = 0; host < 2; host++)
				if (n[bad][host])
					fprintf(stderr, "%-24s %-8s %-5s %6u %7.2f %%\n", rows[i].source, bad ? "bad" : "harmless", host ? "host" : "link",
						n[bad][host], 100.0 * hit[bad][host] / n[bad][host]);
	}
}

static void write_model(const char *path, const struct model *m, const float at[2])
{
	FILE *f = fopen(path, "w");
	float most = 0, step;

	if (!f)
		exit(1);
	for (unsigned i = 0; i < LEXICAL_BUCKETS; i++)
		most = fabsf(m->w[i]) > most ? fabsf(m->w[i]) : most;
	step = (most < 8 ? most : 8) / 44;
	fprintf(f, "/* lexical_model.c - the weights of lexical.h. Made by tests/calibration/links_train.c; not written by hand. */\n"
		"#include \"inspect/lexical.h\"\n\nconst float lexical_step = %.6ff, lexical_bias = %.4ff, lexical_threshold_link = %.4ff, lexical_threshold_host = %.4ff;\n\n"
		"const char lexical_model[LEXICAL_BUCKETS / LEXICAL_ROW][LEXICAL_ROW + 1] = {\n", (double)step, (double)m->bias, (double)at[0], (double)at[1]);
	for (unsigned i = 0; i < LEXICAL_BUCKETS; i += LEXICAL_ROW) {
		fputs("\t\"", f);
		for (unsigned k = 0; k < LEXICAL_ROW; k++) {
			int q = (int)lroundf(m->w[i + k] / step) + LEXICAL_ZERO;

			q = q < 36 ? 36 : q > 125 ? 125 : q;
			if (q == '"' || q == '\\' || q == '?')
				q++;		/* no escapes, no trigraphs */
			fputc(q, f);
		}
		fputs("\",\n", f);
	}
	fputs("};\n", f);
	fclose(f);
}

int main(int argc, char **argv)
{
	static struct model m;
	float at[2], none[2];

	if (argc != 3)
		return 2;
	read_rows(argv[1]);
	for (unsigned part = 1; part < PARTS; part++) {
		train(&m, without, part);
		for (unsigned i = 0; i < n_rows; i++)
			if (rows[i].part == part)
				rows[i].score = score(&m, &rows[i]);
	}
	thresholds(false, at);
	table(at, false);
	train(&m, without, 0);
	for (unsigned i = 0; i < n_rows; i++)
		rows[i].score = score(&m, &rows[i]);
	fprintf(stderr, "--- part 0, thresholds %.2f and %.2f\n", (double)at[0], (double)at[1]);
	thresholds(true, none);
	table(at, true);
	write_model(argv[2], &m, at);
	return 0;
}
