/* lex.c - see lex.h. It knows quotes, CDATA and references, and leaves all other judgement to Expat: what is
 * surely malformed counts as finished, so that Expat gets to see and refuse it. */
#include "xmpp/lex.h"

enum lex_state {
	LEX_TEXT, LEX_LESS, LEX_TAG, LEX_SINGLE, LEX_DOUBLE, LEX_END, LEX_BANG, LEX_CDATA_OPEN, LEX_CDATA, LEX_PI, LEX_REF
};

void lex_init(struct lex *l, bool prolog)
{
	*l = (struct lex){ .state = LEX_TEXT, .prolog = prolog };
}

static bool unfinished(const struct lex *l)
{
	return l->state != LEX_TEXT && l->state != LEX_CDATA;
}

/* "]]>" is refused here, because what Expat says of it depends on where the bytes are cut. */
static const char *in_text(struct lex *l, char c)
{
	if (c == '>' && l->n == 2)
		return "not-well-formed";
	if (c == 0 && l->prolog)		/* Expat would take it for UTF-16 */
		return "unsupported-encoding";
	l->n = c != ']' ? 0 : l->n < 2 ? l->n + 1 : 2;
	if (c == '<')
		l->state = LEX_LESS;
	else if (c == '&')
		l->state = LEX_REF;
	return NULL;
}

/* After '<'. A comment or document type is refused by its first characters, an instruction too, but for the
 * declaration before the root, which Expat judges. */
static const char *after_less(struct lex *l, char c)
{
	if (l->prolog && c == 0)
		return "unsupported-encoding";
	if (c == '!') {
		l->state = LEX_BANG;
		return l->prolog ? "restricted-xml" : NULL;
	}
	if (c == '?') {
		l->state = LEX_PI;
		return l->prolog ? NULL : "restricted-xml";
	}
	l->prolog = false;
	l->state = c == '/' ? LEX_END : c == '>' ? LEX_TEXT : LEX_TAG;
	return NULL;
}

static const char *after_bang(struct lex *l, char c)
{
	if (c == '-' || c == 'D')
		return "restricted-xml";
	l->state = c == '[' ? LEX_CDATA_OPEN : LEX_TEXT;
	return NULL;
}

static void in_cdata(struct lex *l, char c)
{
	if (c == '>' && l->n == 2)
		l->state = LEX_TEXT;
	l->n = c != ']' ? 0 : l->n < 2 ? l->n + 1 : 2;
}

static void in_cdata_open(struct lex *l, char c)
{
	if (c != "CDATA["[l->n])
		l->state = LEX_TEXT;
	else if (++l->n == 6)
		l->state = LEX_CDATA;
}

static const char *in_reference(struct lex *l, char c)
{
	if (c == ';' || c == '<' || c == '&' || c == ' ')
		l->state = LEX_TEXT;
	return ++l->n > LEX_REF_MAX ? "restricted-xml" : NULL;
}

static const char *step(struct lex *l, char c)
{
	switch ((enum lex_state)l->state) {
	case LEX_TEXT:
		return in_text(l, c);
	case LEX_LESS:
		return after_less(l, c);
	case LEX_TAG:
		if (c == '>' || c == '<')
			l->state = LEX_TEXT;
		else if (c == '\'')
			l->state = LEX_SINGLE;
		else if (c == '"')
			l->state = LEX_DOUBLE;
		return NULL;
	case LEX_SINGLE:
	case LEX_DOUBLE:
		if (c == '<')
			l->state = LEX_TEXT;
		else if (c == (l->state == LEX_SINGLE ? '\'' : '"'))
			l->state = LEX_TAG;
		return NULL;
	case LEX_END:
		if (c == '>' || c == '<' || c == '\'' || c == '"')
			l->state = LEX_TEXT;
		return NULL;
	case LEX_BANG:
		return after_bang(l, c);
	case LEX_CDATA_OPEN:
		in_cdata_open(l, c);
		return NULL;
	case LEX_CDATA:
		in_cdata(l, c);
		return NULL;
	case LEX_PI:
		if (c == '>' && l->n)
			l->state = LEX_TEXT;
		l->n = c == '?';
		return NULL;
	case LEX_REF:
		return in_reference(l, c);
	}
	return NULL;
}

/* The next byte that can end the state, for the states most bytes are in. */
static size_t skip(const struct lex *l, struct str s, size_t i)
{
	if (l->state == LEX_TEXT && l->n == 0 && !l->prolog) {
		while (i < s.n && s.p[i] != '<' && s.p[i] != '&' && s.p[i] != ']')
			i++;
	} else if (l->state == LEX_SINGLE || l->state == LEX_DOUBLE) {
		char quote = l->state == LEX_SINGLE ? '\'' : '"';

		while (i < s.n && s.p[i] != '<' && s.p[i] != quote)
			i++;
	}
	return i;
}

size_t lex_scan(struct lex *l, struct str s, size_t *ret_safe, const char **ret_condition)
{
	size_t start = 0, i;

	for (i = skip(l, s, 0); i < s.n; i = skip(l, s, i + 1)) {
		uint8_t before = l->state;
		const char *condition;

		if (!unfinished(l))
			start = i;
		condition = step(l, s.p[i]);
		if (l->state != before)
			l->n = 0;
		if (condition) {
			*ret_safe = start;
			*ret_condition = condition;
			return i;
		}
	}
	*ret_safe = unfinished(l) ? start : s.n;
	return s.n;
}
