/* clean_rtf.c - takes objects, DDE, templates and the names of people out of RTF (1.9.1): by whole groups, all else is copied.
 *
 * Programs read RTF with much patience, and what is meant to mislead lives on that. So where a word of an object stands anywhere but at the
 * head of a group that goes, nothing is cleaned, and the file is held.
 */
#include <stdlib.h>
#include <strings.h>

#include "scan/clean_parts.h"

#define DEPTH_MAX 512
#define WORD_MAX 32
#define GROUPS_MAX 4000000
#define FIELD_MAX 4096			/* bytes of an instruction that are looked at */

struct rtf {
	struct clean *c;
	struct str in;
	size_t at, copied;
	size_t instruction;		/* where the last one that stays ends */
	unsigned depth;
	unsigned result;		/* the depth of an object's picture that is read; 0: none */
};

enum fate { STAYS, GONE, RESULT };

struct token {
	enum { TEXT, OPEN, CLOSE, WORD, SYMBOL, END } kind;
	char word[WORD_MAX];
	size_t from, to;
	uint32_t number;
};

bool clean_rtf_is(struct str in)
{
	return str_starts(str_trim(str_make(in.p, in.n < 64 ? in.n : 64)), STR("{\\rt"));
}

/* false: a word longer than any, or bytes that are not there. */
static bool next(struct rtf *r, struct token *t)
{
	const char *p = r->in.p;
	size_t at = r->at, n = 0;
	bool minus = false;

	*t = (struct token){ .kind = END, .from = at };
	if (at >= r->in.n) {
		t->to = at;
		return true;
	}
	if (p[at] != '\\') {
		t->kind = p[at] == '{' ? OPEN : p[at] == '}' ? CLOSE : TEXT;
		for (at++; t->kind == TEXT && at < r->in.n && !strchr("{}\\", p[at]); at++)
			;
		t->to = r->at = at;
		return true;
	}
	at++;
	if (at == r->in.n)
		return false;
	if (((p[at] | 32) < 'a' || (p[at] | 32) > 'z')) {
		t->kind = SYMBOL;
		t->word[0] = p[at];
		t->to = r->at = p[at] == '\'' && r->in.n - at > 2 ? at + 3 : at + 1;
		return true;
	}
	t->kind = WORD;
	for (; at < r->in.n && (p[at] | 32) >= 'a' && (p[at] | 32) <= 'z'; at++, n++) {
		if (n == WORD_MAX - 1)
			return false;
		t->word[n] = p[at];
	}
	if (at < r->in.n && p[at] == '-') {
		minus = true;
		at++;
	}
	for (; at < r->in.n && p[at] >= '0' && p[at] <= '9'; at++)
		t->number = t->number > 100000000 ? t->number : t->number * 10 + (uint32_t)(p[at] - '0');
	if (at < r->in.n && p[at] == ' ')
		at++;
	if (strcasecmp(t->word, "bin") == 0 && !minus) {
		if (t->number > r->in.n - at)
			return false;
		at += t->number;
	}
	t->to = r->at = at;
	return true;
}

static int fact_of_group(const char *word)
{
	static const struct { const char *word; uint8_t fact; } groups[] = {
		{ "object", FACT_RTF_OBJECT }, { "objdata", FACT_RTF_OBJECT }, { "objclass", FACT_RTF_OBJECT }, { "objname", FACT_RTF_OBJECT },
		{ "objalias", FACT_RTF_OBJECT }, { "objsect", FACT_RTF_OBJECT }, { "objtime", FACT_RTF_OBJECT }, { "datastore", FACT_RTF_OBJECT },
		{ "template", FACT_EXTERNAL_TEMPLATE }, { "author", FACT_METADATA }, { "operator", FACT_METADATA }, { "company", FACT_METADATA },
		{ "manager", FACT_METADATA }, { "creatim", FACT_METADATA }, { "revtim", FACT_METADATA }, { "printim", FACT_METADATA }, { "buptim", FACT_METADATA },
		{ "generator", FACT_METADATA }, { "userprops", FACT_METADATA }, { "revtbl", FACT_METADATA }, { "rsidtbl", FACT_METADATA },
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strcasecmp(word, groups[i].word) == 0)
			return groups[i].fact;
	return -1;
}

static void copy_to(struct rtf *r, size_t at)
{
	if (at > r->copied)
		buf_add(&r->c->out, r->in.p + r->copied, at - r->copied);
	r->copied = at;
}

/* What stood before and after a group that goes must not become one word, nor the second the head of a group. */
static void cut_at(struct rtf *r, size_t group)
{
	copy_to(r, group);
	buf_str_add(&r->c->out, STR("{}"));
}

/* To the end of the group that is open, or to what an object looks like, {\result ...}: that stays in its place and is read on. */
static int skip_group(struct rtf *r, bool to_result, bool *ret_result)
{
	unsigned depth = 1;
	bool head = false;
	struct token t;

	*ret_result = false;
	while (depth > 0) {
		if (!next(r, &t) || t.kind == END)
			return ERR_BAD_FORMAT;
		depth += t.kind == OPEN;
		depth -= t.kind == CLOSE;
		if (depth > DEPTH_MAX)
			return ERR_LIMIT;
		if (t.kind == WORD && head && to_result && depth == 2 && strcasecmp(t.word, "result") == 0) {
			buf_str_add(&r->c->out, STR("{{}"));		/* so that nothing becomes the head of a group that was none */
			*ret_result = true;
			break;
		}
		head = t.kind == OPEN;
	}
	r->copied = r->at;
	return 0;
}

/* An instruction that starts or loads something goes; what it brought last stands in the text. */
static int instruction(struct rtf *r, size_t group, enum fate *ret)
{
	static const char *const words[] = { "DDE", "LINK", "INCLUDE", "IMPORT", "DATABASE" };
	char text[FIELD_MAX];
	size_t was = r->at, n = 0;
	unsigned depth = 1;
	struct token t;

	while (depth > 0) {
		if (!next(r, &t) || t.kind == END)
			return ERR_BAD_FORMAT;
		depth += t.kind == OPEN;
		depth -= t.kind == CLOSE;
		for (size_t i = t.from; t.kind == TEXT && i < t.to && n < sizeof(text) - 1; i++)
			if (r->in.p[i] > ' ')
				text[n++] = r->in.p[i];
		if (t.kind == SYMBOL && t.to - t.from == 4 && n < sizeof(text) - 1)
			text[n++] = (char)strtol((char[]){ r->in.p[t.from + 2], r->in.p[t.from + 3], 0 }, NULL, 16);
	}
	text[n] = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		unsigned fact = i == 0 ? FACT_DDE : FACT_EXTERNAL_OBJECT;

		if (strncasecmp(text, words[i], strlen(words[i])) == 0 && clean_wants(r->c, fact)) {
			if (group < r->instruction)
				return ERR_UNSUPPORTED;		/* without it, the outer one might read otherwise */
			cut_at(r, group);
			r->copied = r->at;
			r->c->removed |= FACT_BIT(fact);
			*ret = GONE;
			return 0;
		}
	}
	r->instruction = r->at > r->instruction ? r->at : r->instruction;
	r->at = was;
	return 0;
}

/* The first word of a group, behind '\*'. */
static int group_head(struct rtf *r, size_t group, const char *word, enum fate *ret)
{
	bool object = strcasecmp(word, "object") == 0, result;
	int fact = fact_of_group(word), err;

	if (strcasecmp(word, "fldinst") == 0)
		return instruction(r, group, ret);
	if (fact < 0 || !clean_wants(r->c, (unsigned)fact))
		return 0;
	if (fact == FACT_RTF_OBJECT && r->result)
		return ERR_UNSUPPORTED;				/* an object in the picture of an object */
	if (group < r->instruction)
		return ERR_UNSUPPORTED;
	cut_at(r, group);
	r->c->removed |= FACT_BIT(fact);
	err = skip_group(r, object, &result);
	*ret = err == 0 && result ? RESULT : GONE;
	return err;
}

static int close_group(struct rtf *r)
{
	bool result;
	int err = 0;

	if (r->depth == 0)
		return ERR_BAD_FORMAT;
	if (r->result && r->depth == r->result) {		/* what follows in the object goes */
		copy_to(r, r->at);
		err = skip_group(r, false, &result);
		r->result = 0;
		r->depth--;
	}
	r->depth--;
	return err;
}

static int one(struct rtf *r, struct token *t, size_t *group)
{
	enum fate fate = STAYS;
	int err = 0;

	if (t->kind == OPEN) {
		*group = t->from;
		return ++r->depth > DEPTH_MAX ? ERR_LIMIT : 0;
	}
	if (t->kind == CLOSE)
		err = close_group(r);
	if (t->kind == WORD && *group != SIZE_MAX)
		err = group_head(r, *group, t->word, &fate);
	if (fate == GONE)
		r->depth--;
	if (fate == RESULT)
		r->result = ++r->depth;
	if (err == 0 && fate == STAYS && t->kind == WORD && clean_wants(r->c, FACT_RTF_OBJECT) && strncasecmp(t->word, "obj", 3) == 0)
		return ERR_UNSUPPORTED;				/* where no honest program writes it */
	if (!(t->kind == SYMBOL && t->word[0] == '*') && !(t->kind == TEXT && str_trim(str_make(r->in.p + t->from, t->to - t->from)).n == 0))
		*group = SIZE_MAX;
	return err;
}

int clean_rtf(struct clean *c)
{
	struct rtf r = { .c = c, .in = c->in };
	size_t group = SIZE_MAX, end = 0;
	struct token t;

	for (size_t i = 0; end == 0; i++) {
		int err;

		if (i == GROUPS_MAX * 4u)
			return ERR_LIMIT;
		if (!next(&r, &t) || t.kind == END)
			return ERR_BAD_FORMAT;			/* cut short */
		err = one(&r, &t, &group);
		if (err < 0)
			return err;
		if (r.depth == 0 && i > 0 && t.kind != TEXT)
			end = r.at;
	}
	copy_to(&r, end);
	if (str_trim(str_cut(c->in, end)).n > 0 && *str_trim(str_cut(c->in, end)).p != 0) {
		if (clean_wants(c, FACT_TRAILING_DATA))
			c->removed |= FACT_BIT(FACT_TRAILING_DATA);
		else
			copy_to(&r, c->in.n);
	}
	return 0;
}
