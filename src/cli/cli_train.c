/* cli_train.c - `wardroom train`: labelled texts in, a spim model out, and how good it is on what it was not trained on.
 *
 * Texts are cut into folds by what belongs together: near-duplicates (column 'cluster'), a family of worms, a community's year.
 * Each fold is judged by a model that has seen none of it; on these judgements the threshold is calibrated: the least one at
 * which no limit on false positives is passed, with a margin. The model that is written has then learnt from everything.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/map.h"
#include "cli/cli.h"
#include "inspect/spim.h"
#include "inspect/spim_trainer.h"

#define FILE_BYTES (200 * 1024 * 1024)
#define FOLDS_MOST 20u
#define ALWAYS 0xfffeu			/* a fold that is never held out: made-up examples */
#define COPIES 4			/* of a text with {url} and the like to fill in */
#define COLUMNS 24
#define TEXT_MOST 16384u
#define GROUPS_MOST 4000
#define STRETCH 0.5f
#define MARGIN 0.9			/* of every limit on false positives is used */
#define SPAM_WEIGHT 0.3f		/* false positives cost more */

struct row {
	struct str text, lang, source, trick;
	uint16_t fold;
	float weight, score;
	bool spim, phish, lure, chat, machine, noisy;	/* chat: of a community, not of a labelled set */
};

struct training {
	struct cli *c;
	struct row *rows;
	size_t n, room;
	unsigned folds;
	uint64_t random;
	struct spim_train_conf conf;
	struct spim_trainer *trainer;
	struct normal_table *table;
	struct spim_features *pad;
	struct spim_weights *weights;
	struct buf file;
	struct spim_header header;
	json_t *report;
};

static const uint64_t group_key[2] = { 0x666f6c64, 0x73706c6974 };

static bool starts(struct str s, const char *z)
{
	return str_starts(s, str_of(z));
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

static uint32_t random_to(struct training *t, uint32_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 20) % below;
}

static size_t some_letters(struct training *t, char *ret, unsigned least, unsigned most)
{
	unsigned n = least + random_to(t, most - least + 1);

	for (unsigned i = 0; i < n; i++)
		ret[i] = (char)('a' + random_to(t, 26));
	return n;
}

/* A made-up value for a {name}; ret has 128 bytes. */
static size_t filler(struct training *t, struct str name, char ret[128])
{
	static const char *const schemes[] = { "http://", "https://", "http://www.", "www.", "" };
	static const char *const ends[] = { ".com", ".net", ".org", ".ru", ".info", ".xyz", ".co", ".me", ".cc", ".top", ".site", ".io", ".tk" };
	static const char *const short_ones[] = { "http://bit.ly/", "https://tinyurl.com/", "https://goo.gl/", "https://t.me/" };
	static const char *const paths[] = { "/", "/img.php?id=%u", "/photo%u.jpg", "/view/%u", "/?u=%u", "/a/%u/get" };
	static const char *const work[] = { "https://wiki.example.org/%s", "https://git.example.com/team/%s", "https://drive.google.com/file/d/%s",
					    "https://docs.google.com/document/d/%s", "https://github.com/org/%s/pull/7", "https://meet.google.com/%s",
					    "https://ci.example.org/job/%s", "https://www.youtube.com/watch?v=%s", "https://xkcd.com/%s",
					    "https://jira.example.com/browse/%s", "http://pastebin.com/%s", "http://%s.org/docs" };
	static const char *const money[] = { "$%u", "%u\xe2\x82\xac", "$%u,000", "%u USD", "\xc2\xa3%u" };
	static const char *const people[] = { "anna", "bob", "maria", "ivan", "li", "chen", "sara", "tom", "olga" };
	char word[16], path[40];
	size_t n = 0;
	unsigned number = 1 + random_to(t, 9000);

	word[some_letters(t, word, 4, 11)] = '\0';
	if (str_is(name, "url") && random_to(t, 5) == 0) {
		n = (size_t)snprintf(ret, 128, "%s%s", short_ones[random_to(t, ARRAY_SIZE(short_ones))], word);
	} else if (str_is(name, "url")) {
		const char *scheme = schemes[random_to(t, ARRAY_SIZE(schemes))], *form = paths[random_to(t, ARRAY_SIZE(paths))];

		size_t lead = strcspn(form, "%");

		memcpy(path, form, lead);
		snprintf(path + lead, sizeof(path) - lead, "%u", number);
		n = (size_t)snprintf(ret, 128, "%s%s%s%s", scheme, word, ends[random_to(t, ARRAY_SIZE(ends))],
				     *scheme && random_to(t, 4) == 0 ? "" : strchr(form, '%') ? path : "/");
	} else if (str_is(name, "worklink")) {
		const char *form = work[random_to(t, ARRAY_SIZE(work))], *hole = strstr(form, "%s");

		n = (size_t)snprintf(ret, 128, "%.*s%s%s", (int)(hole - form), form, word, hole + 2);
	} else if (str_is(name, "money")) {
		const char *form = money[random_to(t, ARRAY_SIZE(money))], *hole = strstr(form, "%u");

		n = (size_t)snprintf(ret, 128, "%.*s%u%s", (int)(hole - form), form, number, hole + 2);
	} else if (str_is(name, "phone")) {
		n = (size_t)snprintf(ret, 128, "%s%u%05u", random_to(t, 2) ? "+44" : "0", 70000 + random_to(t, 29999), random_to(t, 99999));
	} else if (str_is(name, "workphone")) {
		n = (size_t)snprintf(ret, 128, "%s%03u", random_to(t, 2) ? "+44 20 7946 0" : "+1 202 555 0", random_to(t, 999));
	} else if (str_is(name, "handle")) {
		n = (size_t)snprintf(ret, 128, "@%s%s", word, random_to(t, 3) ? "" : "_bot");
	} else if (str_is(name, "mail")) {
		n = (size_t)snprintf(ret, 128, "%s@%s", word, random_to(t, 2) ? "gmail.com" : "example.com");
	} else if (str_is(name, "short")) {
		n = (size_t)snprintf(ret, 128, "%u", 80000 + number);
	} else if (str_is(name, "name")) {
		n = (size_t)snprintf(ret, 128, "%s", people[random_to(t, ARRAY_SIZE(people))]);
	} else if (str_is(name, "n")) {
		n = (size_t)snprintf(ret, 128, "%u", number);
	}
	return n;
}

/* Every {name} that filler() knows is filled in. .p NULL without memory. */
static struct str filled(struct training *t, struct str text)
{
	struct buf b;
	struct str ret;

	buf_init(&b, TEXT_MOST);
	for (size_t i = 0; i < text.n;) {
		ptrdiff_t end = text.p[i] == '{' ? str_find_char(str_cut(text, i), '}') : -1;
		char value[128];
		size_t n = end > 1 ? filler(t, str_make(text.p + i + 1, (size_t)end - 1), value) : 0;

		if (n == 0) {
			buf_char(&b, text.p[i++]);
			continue;
		}
		buf_add(&b, value, n);
		i += (size_t)end + 1;
	}
	ret = arena_str(t->c->arena, buf_str(&b));
	buf_release(&b);
	return ret;
}

static int add_row(struct training *t, const struct row *r)
{
	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 4096;
		struct row *v = room <= SPIM_TRAIN_TEXTS * 2ull ? realloc(t->rows, room * sizeof(*v)) : NULL;

		if (!v)
			return cli_fail(CLI_NOT, "too many texts, or out of memory");
		t->rows = v;
		t->room = room;
	}
	t->rows[t->n++] = *r;
	return CLI_OK;
}

/* What belongs together and is held out together. */
static uint16_t fold_of(const struct training *t, struct str cluster, const struct row *r, struct str date)
{
	char group[256];
	int dashes = 0, n = 0;

	if (str_empty(r->source))
		return ALWAYS;
	if (cluster.n) {
		n = snprintf(group, sizeof(group), "%.*s", STR_FMT(cluster));
	} else {
		/* "dialog-sgd-banks" is of the community "dialog-sgd"; a community of many years is one for each. */
		while ((size_t)n < r->source.n && n < 100 && (dashes += r->source.p[n] == '-') < 2) {
			group[n] = r->source.p[n];
			n++;
		}
		n += snprintf(group + n, sizeof(group) - (size_t)n, " %.*s %.*s", STR_FMT(r->lang), (int)(date.n < 4 ? date.n : 4), date.p);
	}
	return (uint16_t)(map_hash(group_key, str_make(group, (size_t)n)) % t->folds);
}

static struct str column(const struct str *names, const struct str *values, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (str_is(names[i], name))
			return values[i];
	return STR_NONE;
}

static float weight_of(const struct row *r)
{
	float w = r->noisy ? 0.5f : 1;

	if (r->machine)
		w *= r->spim ? 0.4f : 1;
	if (r->trick.n)
		w *= r->spim ? 0.6f : 1;
	if (starts(r->source, "youtube"))	/* comments under videos: half of them are what nobody would call spim in a chat */
		w *= 0.3f;
	if (str_empty(r->source))
		w *= 0.7f;
	return r->spim ? w * SPAM_WEIGHT : w;
}

static int read_line(struct training *t, const struct str *names, const struct str *values, unsigned n)
{
	struct str label = column(names, values, n, "label"), lure = column(names, values, n, "lure_text"), quality = column(names, values, n, "quality");
	struct str cluster = column(names, values, n, "cluster"), date = column(names, values, n, "date");
	struct row r = { .text = column(names, values, n, "text"), .lang = column(names, values, n, "lang"), .source = column(names, values, n, "source"),
			 .trick = column(names, values, n, "transform") };
	unsigned copies;

	if (column(names, names, n, "lure_text").n) {
		r.text = lure;
		r.lure = true;
		r.source = STR("im-worms");
		cluster = column(names, values, n, "family");
	}
	r.spim = r.lure || !(str_empty(label) || str_is(label, "ham"));
	r.phish = str_is(label, "phish");
	r.machine = str_is(quality, "mt");
	r.noisy = str_is(quality, "noisy");
	r.chat = !r.spim && str_empty(cluster) && r.source.n;
	r.fold = fold_of(t, cluster, &r, date);
	r.weight = weight_of(&r);
	copies = str_find_char(r.text, '{') < 0 ? 1 : r.fold == ALWAYS ? COPIES : 1;
	for (unsigned i = 0; i < copies && r.text.n; i++) {
		struct row one = r;

		if (str_find_char(r.text, '{') >= 0)
			one.text = filled(t, r.text);
		if (!one.text.p)
			return cli_fail(CLI_NOT, "out of memory");
		if (add_row(t, &one) != CLI_OK)
			return CLI_NOT;
	}
	return CLI_OK;
}

static unsigned split(struct str line, struct str *ret)
{
	unsigned n = 0;

	while (n < COLUMNS) {
		ptrdiff_t tab = str_find_char(line, '\t');

		ret[n++] = tab < 0 ? line : str_make(line.p, (size_t)tab);
		if (tab < 0)
			break;
		line = str_cut(line, (size_t)tab + 1);
	}
	return n;
}

static int read_table(struct training *t, const char *path)
{
	struct str names[COLUMNS], values[COLUMNS], text;
	unsigned n_names = 0, line_number = 0;

	if (cli_read(t->c, path, FILE_BYTES, &text) != CLI_OK)
		return CLI_NOT;
	while (text.n) {
		ptrdiff_t end = str_find_char(text, '\n');
		struct str line = str_make(text.p, end < 0 ? text.n : (size_t)end);
		unsigned n;

		text = str_cut(text, line.n + 1);
		line_number++;
		if (str_empty(line))
			continue;
		n = split(line, values);
		if (n_names == 0) {
			n_names = n;
			memcpy(names, values, sizeof(names));
			if (!column(names, names, n, "text").n && !column(names, names, n, "lure_text").n)
				return cli_fail(CLI_USAGE, "%s: expected a first line that names tab-separated columns, 'text' among them", path);
		} else if (n != n_names) {
			return cli_fail(CLI_USAGE, "%s:%u: expected %u columns, found %u", path, line_number, n_names, n);
		} else if (read_line(t, names, values, n) != CLI_OK) {
			return CLI_NOT;
		}
	}
	return CLI_OK;
}

/* --- learning ------------------------------------------------------------------------------------------------------------------ */

static int feed(struct training *t)
{
	for (size_t i = 0; i < t->n; i++) {
		spim_features(t->table, t->rows[i].text, t->pad);
		if (spim_trainer_add(t->trainer, t->pad, t->rows[i].spim, t->rows[i].weight, t->rows[i].fold) < 0)
			return cli_fail(CLI_NOT, "too many texts, or out of memory");
	}
	return CLI_OK;
}

/* A model from all but one fold, as it would be shipped. */
static int learn(struct training *t, unsigned without, struct spim **ret)
{
	int r = spim_trainer_run(t->trainer, without, t->weights);

	t->header.bias = t->weights->bias;
	if (r == 0)
		r = spim_write(&t->header, t->weights->w, &t->file);
	if (r == 0 && ret)
		r = spim_new(buf_str(&t->file), ret);
	return r < 0 ? cli_fail(CLI_NOT, "training: %s", err_text(r)) : CLI_OK;
}

static int judge_folds(struct training *t)
{
	for (unsigned k = 0; k < t->folds; k++) {
		struct spim *m;

		cli_progress("folds", k, t->folds);
		if (learn(t, k, &m) != CLI_OK)
			return CLI_NOT;
		for (size_t i = 0; i < t->n; i++) {
			struct spim_view view;

			if (t->rows[i].fold != k)
				continue;
			spim_look(m, t->rows[i].text, &view);
			t->rows[i].score = view.over;
		}
		spim_free(&m);
	}
	cli_progress("folds", t->folds, t->folds);
	return CLI_OK;
}

/* --- calibration ------------------------------------------------------------------------------------------------------------------ */

/* Which group a text counts to, for one way of grouping; .n 0: none. */
typedef struct str group_fn(const struct row *r);

static bool tested(const struct row *r) { return r->fold != ALWAYS; }
static bool honest(const struct row *r) { return tested(r) && !r->spim && str_empty(r->trick); }

static struct str community(const struct row *r)
{
	return starts(r->source, "dialog-sgd") ? STR("dialog-sgd") : r->source;
}

static struct str by_work(const struct row *r) { return honest(r) && starts(r->source, "irc-") ? STR("workplace chat") : STR_NONE; }
static struct str by_chat(const struct row *r) { return honest(r) && r->chat ? STR("all chat, meetings and dialogues") : STR_NONE; }
static struct str by_community(const struct row *r) { return honest(r) && r->chat ? community(r) : STR_NONE; }
static struct str by_language(const struct row *r) { return honest(r) ? r->lang : STR_NONE; }
static struct str by_ham_source(const struct row *r) { return honest(r) && !r->chat ? r->source : STR_NONE; }
static struct str by_ham_trick(const struct row *r) { return tested(r) && !r->spim ? r->trick : STR_NONE; }
static struct str by_trick(const struct row *r) { return tested(r) && r->spim ? r->trick : STR_NONE; }

static struct str by_kind(const struct row *r)
{
	bool sms = starts(r->source, "uci-sms") || starts(r->source, "mendeley");

	if (!tested(r) || !r->spim || r->trick.n)
		return STR_NONE;
	if (r->lure)
		return STR("lures of worms");
	if (sms)
		return r->machine ? (r->phish ? STR("smishing, machine translated") : STR("SMS spam, machine translated")) : r->phish ? STR("smishing") : STR("SMS spam");
	if (starts(r->source, "tg-"))
		return r->noisy ? STR("Telegram spam, the noisy list") : STR("Telegram spam");
	return STR("comments under videos");
}

static struct str by_spim_language(const struct row *r) { return tested(r) && r->spim && str_empty(r->trick) ? r->lang : STR_NONE; }

static const struct limit {
	const char *table, *about;
	group_fn *group;
	double most;			/* share of false positives; 0: a table of what is found */
	size_t least;			/* smaller groups say too little to bind the threshold */
	bool machine;			/* whether machine translations are in it */
} limits[] = {
	{ "work", "Harmless: workplace chat", by_work, 0.001, 1, false },
	{ "chat", "Harmless: all of it", by_chat, 0.001, 1, false },
	{ "community", "Harmless: by community, each held out whole or by its years", by_community, 0.003, 1000, false },
	{ "language", "Harmless: by language (private SMS and their machine translations are in it)", by_language, 0.005, 1000, true },
	{ "ham_source", "Harmless: other sources", by_ham_source, 1, 1, true },
	{ "ham_trick", "Harmless, but written oddly", by_ham_trick, 1, 1, true },
	{ "kind", "Found: by kind", by_kind, 0, 1, true },
	{ "spim_language", "Found: by language", by_spim_language, 0, 1, true },
	{ "trick", "Found: by the trick that hides it", by_trick, 0, 1, true },
};

struct tally {
	struct str name;
	float *scores;
	size_t n, hits;
};

struct tallies {
	struct tally *v;
	size_t n;
};

static void tallies_free(struct tallies *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i].scores);
	free(a->v);
	*a = (struct tallies){ 0 };
}

static int order_names(const void *a, const void *b) { return str_cmp(((const struct tally *)a)->name, ((const struct tally *)b)->name); }
static int order_down(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x > y ? -1 : x < y;
}

static int tally(const struct training *t, group_fn *group, struct tallies *ret)
{
	*ret = (struct tallies){ .v = calloc(GROUPS_MOST, sizeof(*ret->v)) };
	for (size_t i = 0; ret->v && i < t->n; i++) {
		struct str name = group(&t->rows[i]);
		size_t k = 0;

		if (str_empty(name))
			continue;
		while (k < ret->n && !str_eq(ret->v[k].name, name))
			k++;
		if (k == GROUPS_MOST)
			continue;
		if (k == ret->n)
			ret->v[ret->n++].name = name;
		if (!ret->v[k].scores)
			ret->v[k].scores = calloc(t->n, sizeof(float));
		if (!ret->v[k].scores)
			break;
		ret->v[k].scores[ret->v[k].n++] = t->rows[i].score;
		ret->v[k].hits += t->rows[i].score >= t->header.threshold;
	}
	for (size_t k = 0; k < ret->n; k++)
		if (ret->v[k].scores)
			qsort(ret->v[k].scores, ret->v[k].n, sizeof(float), order_down);
	if (ret->v)
		qsort(ret->v, ret->n, sizeof(*ret->v), order_names);
	return ret->v ? CLI_OK : cli_fail(CLI_NOT, "out of memory");
}

/* The least threshold that lets at most this share of the (sorted) scores pass. */
static float threshold_for(const struct tally *g, double share)
{
	size_t allowed = (size_t)((double)g->n * share);

	return allowed < g->n ? g->scores[allowed] + 1e-4f : -50;
}

static int calibrate(struct training *t)
{
	float most = -50;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct tallies a;

		if (limits[i].most == 0 || limits[i].most >= 1)
			continue;
		if (tally(t, limits[i].group, &a) != CLI_OK)
			return CLI_NOT;
		for (size_t k = 0; k < a.n; k++) {
			float z = a.v[k].n < limits[i].least ? -50 : threshold_for(&a.v[k], limits[i].most * MARGIN);

			most = z > most ? z : most;
		}
		if (limits[i].group == by_chat && a.n == 1) {
			t->header.bands[1] = threshold_for(&a.v[0], 0.0002);
			t->header.bands[2] = threshold_for(&a.v[0], 0.00003);
		}
		tallies_free(&a);
	}
	t->header.threshold = t->header.bands[0] = most;
	for (unsigned i = 1; i < SPIM_BANDS; i++)
		t->header.bands[i] = fmaxf(t->header.bands[i], t->header.bands[i - 1] + 0.5f);
	return CLI_OK;
}

static int report(struct training *t)
{
	json_t *tables = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		json_t *rows = json_array();
		struct tallies a;

		if (tally(t, limits[i].group, &a) != CLI_OK)
			return CLI_NOT;
		for (size_t k = 0; k < a.n; k++)
			json_array_append_new(rows, json_pack("{s:s%, s:I, s:I, s:f}", "name", a.v[k].name.p, a.v[k].name.n, "texts", (json_int_t)a.v[k].n, "passed",
							      (json_int_t)a.v[k].hits, "percent", 100.0 * (double)a.v[k].hits / (double)a.v[k].n));
		tallies_free(&a);
		json_array_append_new(tables, json_pack("{s:s, s:s, s:f, s:I, s:o}", "table", limits[i].table, "about", limits[i].about, "most_percent",
							limits[i].most < 1 ? limits[i].most * 100 : 0.0, "least_texts", (json_int_t)limits[i].least, "rows", rows));
	}
	t->report = json_pack("{s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:o}", "version", (int)SPIM_VERSION, "date", (int)t->header.date, "texts", (int)t->n, "folds",
			      (int)t->folds, "threshold", (double)t->header.threshold, "very_likely", (double)t->header.bands[1], "almost_certain",
			      (double)t->header.bands[2], "tables", tables);
	return t->report ? CLI_OK : cli_fail(CLI_NOT, "out of memory");
}

static void print_report(const struct training *t)
{
	size_t i, k;
	json_t *table, *row;

	if (t->c->json) {
		json_dumpf(t->report, stdout, JSON_INDENT(1));
		puts("");
		return;
	}
	printf("%zu texts, %u folds, threshold %.2f\n", t->n, t->folds, (double)t->header.threshold);
	json_array_foreach(json_object_get(t->report, "tables"), i, table) {
		printf("\n%s\n", json_string_value(json_object_get(table, "about")));
		json_array_foreach(json_object_get(table, "rows"), k, row)
			printf("  %-34s %7lld %7lld %8.2f %%\n", json_string_value(json_object_get(row, "name")),
			       (long long)json_integer_value(json_object_get(row, "texts")), (long long)json_integer_value(json_object_get(row, "passed")),
			       json_real_value(json_object_get(row, "percent")));
	}
}

/* --- the command ------------------------------------------------------------------------------------------------------------------ */

static int write_file(const struct training *t, const char *path)
{
	FILE *f = fopen(path, "wb");
	bool good = f && fwrite(t->file.p, 1, t->file.n, f) == t->file.n;

	if (f && fclose(f) != 0)
		good = false;
	return good ? CLI_OK : cli_fail(CLI_NOT, "%s: cannot be written", path);
}

static int write_scores(const struct training *t, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return cli_fail(CLI_NOT, "%s: cannot be written", path);
	for (size_t i = 0; i < t->n; i++)
		if (tested(&t->rows[i]))
			fprintf(f, "%.4f\t%s\t%.*s\t%.*s\t%.*s\t%.*s\n", (double)t->rows[i].score, t->rows[i].spim ? "spim" : "ham", STR_FMT(t->rows[i].lang),
				STR_FMT(t->rows[i].source), STR_FMT(t->rows[i].trick), STR_FMT(t->rows[i].text));
	return fclose(f) == 0 ? CLI_OK : cli_fail(CLI_NOT, "%s: cannot be written", path);
}

static int run(struct training *t)
{
	const char *out = cli_option(t->c, "out"), *scores = cli_option(t->c, "scores");
	unsigned n_files = 0;

	for (unsigned i = 0; i < t->c->n_options; i++)
		if (strcmp(t->c->options[i].name, "in") == 0) {
			n_files++;
			if (read_table(t, t->c->options[i].value) != CLI_OK)
				return CLI_NOT;
		}
	if (n_files == 0 || !out)
		return cli_fail(CLI_USAGE, "train needs at least one --in FILE and an --out MODEL");
	if (t->n == 0)
		return cli_fail(CLI_NOT, "there are no texts in the files");
	t->header.stretch = STRETCH;
	if (feed(t) != CLI_OK || judge_folds(t) != CLI_OK || calibrate(t) != CLI_OK || report(t) != CLI_OK)
		return CLI_NOT;
	if (scores && write_scores(t, scores) != CLI_OK)
		return CLI_NOT;
	if (learn(t, ~0u, NULL) != CLI_OK || write_file(t, out) != CLI_OK)
		return CLI_NOT;
	print_report(t);
	return CLI_OK;
}

static int number_option(struct cli *c, const char *name, uint64_t otherwise, uint64_t most, uint64_t *ret)
{
	const char *v = cli_option(c, name);

	*ret = otherwise;
	if (v && (!str_to_u64(str_of(v), most, ret) || *ret == 0))
		return cli_fail(CLI_USAGE, "--%s: expected a number from 1 to %llu, found '%s'", name, (unsigned long long)most, v);
	return CLI_OK;
}

int cli_train(struct cli *c)
{
	struct training t = { .c = c, .conf = SPIM_TRAIN_CONF };
	uint64_t folds, date, seed;
	int r;

	if (number_option(c, "folds", 5, FOLDS_MOST, &folds) != CLI_OK || number_option(c, "seed", 1, UINT32_MAX, &seed) != CLI_OK ||
	    number_option(c, "date", 20000101, 99991231, &date) != CLI_OK)
		return CLI_USAGE;
	t.folds = (unsigned)folds;
	t.conf.seed = t.random = seed;
	t.header.date = (uint32_t)date;
	buf_init(&t.file, SPIM_FILE_BYTES);
	t.trainer = spim_trainer_new(&t.conf);
	t.table = normal_table_new();
	t.pad = calloc(1, sizeof(*t.pad));
	t.weights = calloc(1, sizeof(*t.weights));
	r = t.trainer && t.table && t.pad && t.weights ? run(&t) : cli_fail(CLI_NOT, "out of memory");
	json_decref(t.report);
	buf_release(&t.file);
	spim_trainer_free(&t.trainer);
	normal_table_free(&t.table);
	free(t.pad);
	free(t.weights);
	free(t.rows);
	return r;
}
