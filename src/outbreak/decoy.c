/* decoy.c - see decoy.h. A decoy that stands out is none: its address is made as most addresses here are. */
#include "outbreak/decoy.h"

#include <stdio.h>

#include "base/rand.h"
#include "base/utf8.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char low(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void decoy_style_see(struct decoy_style *s, struct str local)
{
	if (str_find_char(local, '.') > 1)
		s->dot++;
	else if (str_find_char(local, '-') > 1)
		s->dash++;
	else if (str_find_char(local, '_') > 1)
		s->low++;
	else if (str_find_char(local, '.') == 1)
		s->initial++;
	else
		s->given++;
}

/* --- names --------------------------------------------------------------------------------------------------- */

static bool next_line(struct str *rest, struct str *ret)
{
	ptrdiff_t end = str_find_char(*rest, '\n');

	if (rest->n == 0)
		return false;
	*ret = str_make(rest->p, end < 0 ? rest->n : (size_t)end);
	*rest = end < 0 ? STR_NONE : str_cut(*rest, (size_t)end + 1);
	return true;
}

/* The n-th name of that kind, from 0; or how many there are. */
static struct str builtin(const char *kind, size_t at, size_t *ret_count)
{
	struct str rest = decoy_builtin(), line, word = str_of(kind), found = STR_NONE;

	*ret_count = 0;
	while (next_line(&rest, &line))
		if (str_starts(line, word)) {
			if ((*ret_count)++ == at)
				found = str_trim(str_cut(line, word.n));
		}
	return found;
}

static struct str any_builtin(const char *kind)
{
	size_t n;

	builtin(kind, 0, &n);
	return n ? builtin(kind, (size_t)rand_below(n), &n) : STR_NONE;
}

static void pick(const struct str *names, size_t n, char ret[DECOY_NAME])
{
	struct str one = n ? names[rand_below(n)] : STR_NONE, given, family;

	if (n) {
		snprintf(ret, DECOY_NAME, "%.*s", STR_FMT(one));
		return;
	}
	given = any_builtin("given ");
	family = any_builtin("family ");
	snprintf(ret, DECOY_NAME, "%.*s %.*s", STR_FMT(given), STR_FMT(family));
}

/* Letters without marks alone: names of other alphabets leave nothing, and are not used. */
static size_t letters(struct str word, char *ret, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < word.n && n + 1 < room; i++)
		if (is_letter(word.p[i]))
			ret[n++] = low(word.p[i]);
	ret[n] = '\0';
	return n;
}

static bool address(const struct decoy_style *s, const char *name, bool alone, char ret[DECOY_LOCAL])
{
	struct str whole = str_of(name);
	ptrdiff_t blank = str_find_char(whole, ' ');
	char given[DECOY_LOCAL / 2], family[DECOY_LOCAL / 2];
	unsigned most = s->dot;
	const char *between = ".";

	if (blank <= 0 || letters(str_make(whole.p, (size_t)blank), given, sizeof(given)) == 0 ||
	    letters(str_cut(whole, (size_t)blank + 1), family, sizeof(family)) == 0)
		return false;
	if (s->dash > most) {
		most = s->dash;
		between = "-";
	}
	if (s->low > most) {
		most = s->low;
		between = "_";
	}
	if (s->initial > most) {
		most = s->initial;
		given[1] = '\0';
		between = ".";
	}
	if (s->given > most && alone)
		snprintf(ret, DECOY_LOCAL, "%s", given);
	else
		snprintf(ret, DECOY_LOCAL, "%s%s%s", given, between, family);
	return true;
}

int decoy_make(const struct decoy_style *s, const struct str *names, size_t n, bool (*taken)(void *ctx, struct str local), void *ctx,
	       struct decoy *ret)
{
	/* Where people go by their first names these run out: then both. */
	for (unsigned i = 0; i < DECOY_TRIES; i++) {
		struct decoy d;

		pick(names, n, d.name);
		if (!address(s, d.name, i < DECOY_TRIES / 2, d.local) || taken(ctx, str_of(d.local)))
			continue;
		*ret = d;
		return 0;
	}
	return ERR_NOT_FOUND;
}

void decoy_name_of(struct str local, char ret[DECOY_NAME])
{
	size_t n = local.n < DECOY_NAME ? local.n : DECOY_NAME - 1;
	bool begins = true;

	for (size_t i = 0; i < n; i++) {
		char c = local.p[i];

		if (c == '.' || c == '_' || c == '-')
			c = ' ';
		ret[i] = begins && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
		begins = c == ' ';
	}
	while (n > 0 && !utf8_valid(str_make(ret, n)))
		n--;
	ret[n] = '\0';
}
