#include "scan/dde.h"

#include "scan/bytes.h"

#define CELL 512

bool dde_field(struct str s)
{
	char flat[16];
	size_t n = 0;

	/* Quotes and spaces may stand between the letters of what is put together from QUOTE and nested fields. */
	for (size_t i = 0; i < s.n && n < sizeof(flat); i++) {
		char c = s.p[i];

		if (c == ' ' || c == '"' || c == '\t' || c == '\r' || c == '\n' || c == '{')
			continue;
		flat[n++] = c;
	}
	return bytes_find_nocase(str_make(flat, n), 0, STR("dde")) == 0;
}

bool dde_formula(struct str s)
{
	ptrdiff_t bar;

	s = str_trim(s);
	while (s.n > 0 && (s.p[0] == '"' || s.p[0] == '\'' || s.p[0] == ' '))
		s = str_cut(s, 1);
	if (s.n < 4 || !strchr("=+-@", s.p[0]))
		return false;
	s = bytes_sub(s, 0, CELL);
	bar = str_find_char(s, '|');
	return bar > 0 && str_find_char(str_cut(s, (size_t)bar), '!') > 0;
}

bool dde_table(struct str s)
{
	for (size_t at = 0; at < s.n;) {
		const char *bar = memchr(s.p + at, '|', s.n - at);
		size_t from, to;

		if (!bar)
			return false;
		from = to = (size_t)(bar - s.p);
		while (from > 0 && (size_t)(bar - s.p) - from < CELL && s.p[from - 1] != '\n' &&
		    !(strchr(",;\t", s.p[from - 1]) && from >= 1 && from < s.n &&
		       strchr("=+-@\" '", s.p[from])))
			from--;
		while (to < s.n && to - from < CELL && s.p[to] != '\n')
			to++;
		if (dde_formula(str_make(s.p + from, to - from)))
			return true;
		at = (size_t)(bar - s.p) + 1;
	}
	return false;
}
