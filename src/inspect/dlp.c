/* dlp.c - see dlp.h. One table of what is looked for: where it may begin, and who reads on from there. */
#include "inspect/dlp.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/dlp_number.h"

/* The kinds, compiled when this was built, and a zero: a policy is in force at once. */
static const unsigned char built[] = {
#include "dlp_built.h"
};

#define SECRET_LEAST 6		/* bytes of a password in "password: ..." */
#define SECRET_MOST 128
#define MIXED_BYTES 256		/* of a token that are looked at for letters and digits */

/* Where it ends, or 0 when it is none. */
typedef size_t reader(struct str text, size_t from, char label[DLP_LABEL]);

struct kind {
	const char *regex;
	bool caseless;
	enum rule rule;
	reader *read;		/* NULL: the run of token characters is it, under the label, when it has so many bytes */
	const char *label;
	size_t least;
};

static reader read_phrase, read_url_password, read_key_block;

static const struct kind kinds[] = {
#define KIND(regex, caseless, rule, read, label, least) { regex, caseless, rule, read, label, least },
#include "inspect/dlp_kinds.def"
#undef KIND
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct dlp {
	struct patterns *kinds;
	struct patterns *more;			/* of the policy; NULL: none */
	bool has_words;				/* the first of them is the words' */
	char own_names[DLP_OWN][DLP_LABEL];
};

/* --- reading on from where a pattern begins ------------------------------------------------------------------------- */

static char at(struct str t, size_t i)
{
	return i < t.n ? t.p[i] : '\0';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t token_end(struct str t, size_t from)
{
	while (from < t.n && (is_letter(t.p[from]) || is_digit(t.p[from]) || strchr("_-+/=.:", t.p[from])))
		from++;
	return from;
}

/* Letters and digits: words joined by hyphens are no key. */
static bool is_mixed(struct str s)
{
	unsigned digits = 0, letters = 0;

	for (size_t i = 0; i < s.n && i < MIXED_BYTES; i++) {
		digits += is_digit(s.p[i]);
		letters += is_letter(s.p[i]);
	}
	return digits >= 1 && letters >= 2;
}

/* The block with its last line; what is cut off is a key, too. */
static size_t read_key_block(struct str text, size_t from, char label[DLP_LABEL])
{
	struct str rest = str_cut(text, from);
	ptrdiff_t end = str_find(rest, STR("-----END ")), mac = str_find(rest, STR("Private-MAC:"));

	snprintf(label, DLP_LABEL, "a private key");
	if (end < 0 && mac < 0)
		return text.n;
	for (from += (size_t)(end > mac ? end : mac) + 9; from < text.n && text.p[from] != '\n';)
		from++;
	return from;
}

/* scheme://user:password@host */
static size_t read_url_password(struct str text, size_t from, char label[DLP_LABEL])
{
	size_t i = from + 4, colon = 0;

	for (; i < text.n && !is_space(text.p[i]) && !strchr("/@?#<>\"'", text.p[i]); i++)
		if (text.p[i] == ':' && !colon)
			colon = i;
	if (at(text, i) != '@' || !colon || i - colon < 4 || i - colon > SECRET_MOST || strchr("$<{[*", text.p[colon + 1]))
		return 0;
	snprintf(label, DLP_LABEL, "a password within an address");
	return i;
}

/* Does it look like a secret and not like a word of the sentence? */
static bool is_secret(struct str s)
{
	bool letter = false, digit = false, other = false;

	while (s.n && strchr(".,;!?)\"'", s.p[s.n - 1]))
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		letter |= is_letter(s.p[i]);
		digit |= is_digit(s.p[i]);
		other |= !is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-' && s.p[i] != '\'' && s.p[i] != '/' && s.p[i] != '.';
	}
	if (s.n < SECRET_LEAST || s.n > SECRET_MOST || str_find(s, STR("://")) >= 0 || strchr("<{$%[(*", s.p[0]))
		return false;
	return letter && (digit || other);
}

/* "password: X", "the password is X": what follows the word and its 'is'. */
static size_t read_phrase(struct str text, size_t from, char label[DLP_LABEL])
{
	static const char *const links[] = { "is", "ist", "lautet", "est", "es", "är", "jest", "to", "now", "jetzt", "for", "für", "pour" };
	struct str word;
	size_t end;
	bool said = false;

	for (unsigned skipped = 0; skipped < 4; skipped++) {
		while (is_space(at(text, from)) || (at(text, from) && strchr(":=>\"'`", at(text, from)))) {
			said = said || strchr(":=", at(text, from));
			from++;
		}
		for (end = from; end < text.n && !is_space(text.p[end]) && end - from <= SECRET_MOST;)
			end++;		/* what is longer is none: "password:password:password:" is read once, not once from each */
		word = str_make(text.p + from, end - from);
		for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
			if (str_eq_nocase(word, str_of(links[i]))) {
				said = said || i < 8;
				from = end;
			}
		if (from < end)
			break;
	}
	snprintf(label, DLP_LABEL, "what is called a password");
	return said && is_secret(word) ? end : 0;
}

/* --- the set ------------------------------------------------------------------------------------------------------------- */

static bool append(char *buf, size_t room, size_t *n, const char *p, size_t len)
{
	if (*n + len + 1 > room)
		return false;
	memcpy(buf + *n, p, len);
	*n += len;
	buf[*n] = '\0';
	return true;
}

/* One expression of all words, each letter for letter. */
static bool words_regex(const struct dlp_conf *conf, char buf[PATTERN_BYTES])
{
	size_t n = 0;
	bool fits = append(buf, PATTERN_BYTES, &n, "(?:", 3);

	for (size_t i = 0; fits && i < conf->n_words; i++) {
		const struct str w = conf->words[i];

		fits = w.n <= DLP_WORD_BYTES && (i == 0 || append(buf, PATTERN_BYTES, &n, "|", 1));
		for (size_t k = 0; fits && k < w.n; k++) {
			if (!is_letter(w.p[k]) && !is_digit(w.p[k]) && w.p[k] != ' ')
				fits = append(buf, PATTERN_BYTES, &n, "\\", 1);
			fits = fits && append(buf, PATTERN_BYTES, &n, w.p + k, 1);
		}
	}
	return fits && append(buf, PATTERN_BYTES, &n, ")", 1);
}

static int compile_kinds(enum patterns_engine engine, struct dlp *d)
{
	struct pattern v[KINDS];
	size_t bad;

	for (size_t i = 0; i < KINDS; i++)
		v[i] = (struct pattern){ kinds[i].regex, kinds[i].caseless };
	return patterns_load(built, sizeof(built) - 1, v, KINDS, engine, &d->kinds, &bad);
}

/* Vectorscan 5.4.9 loses matches of these (alternatives, repetitions to choose) behind some 90 bytes of other text: PCRE2 does it. */
static int compile_more(const struct dlp_conf *conf, const char *words, char own[][DLP_OWN_BYTES + 1], struct dlp *d, size_t *ret_bad)
{
	struct pattern v[1 + DLP_OWN];
	size_t n = 0, bad = 0;
	int r;

	if (words)
		v[n++] = (struct pattern){ words, true };
	for (size_t i = 0; i < conf->n_own; i++)
		v[n++] = (struct pattern){ own[i], true };
	r = n ? patterns_new(v, n, PATTERNS_PCRE2, &d->more, &bad) : 0;
	*ret_bad = bad >= n - conf->n_own ? bad - (n - conf->n_own) : 0;
	return r;
}

int dlp_new(const struct dlp_conf *conf, struct dlp **ret, size_t *ret_bad)
{
	char own[DLP_OWN][DLP_OWN_BYTES + 1], *words = conf->n_words ? malloc(PATTERN_BYTES) : NULL;
	struct dlp *d = calloc(1, sizeof(*d));
	int r = d && (words || !conf->n_words) ? 0 : ERR_NOMEM;

	*ret_bad = 0;
	if (r == 0 && (conf->n_words > DLP_WORDS || conf->n_own > DLP_OWN || (words && !words_regex(conf, words))))
		r = ERR_LIMIT;
	for (size_t i = 0; r == 0 && i < conf->n_own; i++) {
		if (conf->own[i].regex.n > DLP_OWN_BYTES) {
			*ret_bad = i;
			r = ERR_BAD_FORMAT;
			break;
		}
		snprintf(own[i], sizeof(own[i]), "%.*s", STR_FMT(conf->own[i].regex));
		snprintf(d->own_names[i], DLP_LABEL, "%.*s", STR_FMT(conf->own[i].name));
	}
	if (r == 0) {
		d->has_words = words != NULL;
		r = compile_kinds(conf->engine, d);
	}
	if (r == 0) {
		r = compile_more(conf, words, own, d, ret_bad);
	}
	free(words);
	if (r < 0)
		dlp_free(&d);
	else
		*ret = d;
	return r;
}

void dlp_free(struct dlp **d)
{
	if (!*d)
		return;
	patterns_free(&(*d)->kinds);
	patterns_free(&(*d)->more);
	free(*d);
	*d = NULL;
}

/* --- finding ------------------------------------------------------------------------------------------------------------- */

struct search {
	struct dlp *d;
	struct str text;
	struct dlp_spans *ret;
	/* What was read already is not read again from each place within it: */
	size_t run_from, run_to;	/* token characters */
	size_t key_to;			/* a key block ends there */
};

/* In order; what overlaps becomes one, and the first name for it stays. */
static void add(struct dlp_spans *l, const struct dlp_span *one)
{
	unsigned i = 0;

	while (i < l->n && l->v[i].to <= one->from)
		i++;
	if (i < l->n && l->v[i].from < one->to) {
		l->v[i].from = one->from < l->v[i].from ? one->from : l->v[i].from;
		l->v[i].to = one->to > l->v[i].to ? one->to : l->v[i].to;
		while (i + 1 < l->n && l->v[i + 1].from < l->v[i].to) {
			l->v[i].to = l->v[i + 1].to > l->v[i].to ? l->v[i + 1].to : l->v[i].to;
			memmove(l->v + i + 1, l->v + i + 2, (l->n - i - 2) * sizeof(l->v[0]));
			l->n--;
		}
		return;
	}
	if (l->n == DLP_SPANS) {
		l->more = true;
		return;
	}
	memmove(l->v + i + 1, l->v + i, (l->n - i) * sizeof(l->v[0]));
	l->v[i] = *one;
	l->n++;
}

static bool is_word_char(char c)
{
	return is_letter(c) || is_digit(c);
}

/* Where the token ends that has begun before 'to': once for all that begins within one run of such characters. */
static size_t run_end(struct search *s, size_t to)
{
	if (to < s->run_from || to >= s->run_to) {
		s->run_from = to;
		s->run_to = token_end(s->text, to);
	}
	return s->run_to;
}

static void found_kind(void *ctx, size_t which, size_t from, size_t to)
{
	const struct kind *k = &kinds[which];
	struct search *s = ctx;
	struct dlp_span one = { .from = from, .to = to, .rule = k->rule };

	if (k->read == read_key_block && from < s->key_to)
		return;
	if (k->read) {
		one.to = k->read(s->text, k->read == read_phrase ? to : from, one.label);
		s->key_to = k->read == read_key_block ? one.to : s->key_to;
	} else {
		snprintf(one.label, DLP_LABEL, "%s", k->label);
		one.to = run_end(s, to);
		if (one.to - one.from < k->least || !is_mixed(str_make(s->text.p + one.from, one.to - one.from)))
			return;
	}
	if (one.to > one.from)
		add(s->ret, &one);
}

static void found_more(void *ctx, size_t which, size_t from, size_t to)
{
	struct search *s = ctx;
	bool word = which == 0 && s->d->has_words;
	struct dlp_span one = { .from = from, .to = to, .rule = word ? DLP_WORD : DLP_OWN_PATTERN };

	if (word && ((from > 0 && is_word_char(s->text.p[from - 1])) || is_word_char(at(s->text, to))))
		return;
	snprintf(one.label, DLP_LABEL, "%s", word ? "a word that policy names" : s->d->own_names[which - s->d->has_words]);
	if (one.to > one.from)
		add(s->ret, &one);
}

int dlp_find(struct dlp *d, struct str text, struct dlp_spans *ret)
{
	struct search s = { .d = d, .text = text, .ret = ret };
	int r;

	ret->n = 0;
	ret->more = false;
	r = patterns_scan(d->kinds, text, found_kind, &s);
	return r < 0 || !d->more ? r : patterns_scan(d->more, text, found_more, &s);
}

int dlp_verdict(struct dlp *d, const struct subject *s, struct verdict *v)
{
	const struct str texts[] = { s->body, s->topic };
	struct dlp_spans spans;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int r = dlp_find(d, texts[i], &spans);

		if (r < 0)
			return r;
		for (unsigned k = 0; k < spans.n; k++)
			inspect_add(v, spans.v[k].rule, str_of(spans.v[k].label));
	}
	return 0;
}

static const char *removed(enum rule rule)
{
	static const struct { enum rule rule; const char *text; } texts[] = {
		{ DLP_CARD, "[card number removed]" }, { DLP_IBAN, "[account number removed]" }, { DLP_NATIONAL_ID, "[identity number removed]" },
		{ DLP_PRIVATE_KEY, "[private key removed]" }, { DLP_TOKEN, "[access token removed]" }, { DLP_PASSWORD, "[password removed]" },
		{ DLP_OWN_PASSWORD, "[password removed]" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].rule == rule)
			return texts[i].text;
	return "[removed]";
}

struct str dlp_masked(const struct dlp_spans *spans, struct str text, struct arena *a)
{
	size_t room = text.n + DLP_SPANS * 32 + 1, n = 0, from = 0;
	char *p = arena_alloc(a, room);

	if (!p)
		return (struct str){ NULL, 0 };
	for (unsigned i = 0; i < spans->n; i++) {
		n += (size_t)snprintf(p + n, room - n, "%.*s%s", (int)(spans->v[i].from - from), text.p + from, removed(spans->v[i].rule));
		from = spans->v[i].to;
	}
	memcpy(p + n, text.p + from, text.n - from);
	return str_make(p, n + text.n - from);
}
