#include "base/utf8.h"

bool utf8_feed(struct utf8_state *st, struct str piece)
{
	const uint8_t *p = (const uint8_t *)piece.p, *end = p + piece.n;

	for (; p < end; p++) {
		uint8_t c = *p;

		if (st->need) {
			if (c < st->low || c > st->high)
				return false;
			st->need--;
			st->low = 0x80;
			st->high = 0xbf;
			continue;
		}
		if (c < 0x80)
			continue;
		st->low = 0x80;
		st->high = 0xbf;
		if (c >= 0xc2 && c <= 0xdf) {
			st->need = 1;
		} else if (c >= 0xe0 && c <= 0xef) {
			st->need = 2;
			if (c == 0xe0)
				st->low = 0xa0;
			if (c == 0xed)
				st->high = 0x9f;
		} else if (c >= 0xf0 && c <= 0xf4) {
			st->need = 3;
			if (c == 0xf0)
				st->low = 0x90;
			if (c == 0xf4)
				st->high = 0x8f;
		} else {
			return false;
		}
	}
	return true;
}

bool utf8_valid(struct str s)
{
	struct utf8_state st = { 0 };

	return utf8_feed(&st, s) && st.need == 0;
}

uint32_t utf8_next(struct str s, size_t *at)
{
	const uint8_t *p = (const uint8_t *)s.p + *at;
	size_t left = s.n - *at, len;
	uint32_t cp;

	if (p[0] < 0x80) {
		(*at)++;
		return p[0];
	}
	len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (len > left || !utf8_valid(str_make((const char *)p, len))) {
		(*at)++;
		return 0xfffd;
	}
	cp = len == 4 ? p[0] & 7u : len == 3 ? p[0] & 15u : p[0] & 31u;
	for (size_t i = 1; i < len; i++)
		cp = cp << 6 | (p[i] & 63u);
	*at += len;
	return cp;
}

size_t utf8_put(uint32_t cp, char ret[4])
{
	if (cp < 0x80) {
		ret[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		ret[0] = (char)(0xc0 | cp >> 6);
		ret[1] = (char)(0x80 | (cp & 63));
		return 2;
	}
	if (cp < 0x10000) {
		ret[0] = (char)(0xe0 | cp >> 12);
		ret[1] = (char)(0x80 | (cp >> 6 & 63));
		ret[2] = (char)(0x80 | (cp & 63));
		return 3;
	}
	ret[0] = (char)(0xf0 | cp >> 18);
	ret[1] = (char)(0x80 | (cp >> 12 & 63));
	ret[2] = (char)(0x80 | (cp >> 6 & 63));
	ret[3] = (char)(0x80 | (cp & 63));
	return 4;
}
