#include "scan/bytes.h"

#define TEXT_HEAD 4096

/* Not strncasecmp(), which stops at a NUL. b is in lower case. */
static bool same_nocase(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] && (b[i] < 'a' || b[i] > 'z' || a[i] != b[i] - 0x20))
			return false;
	return true;
}

ptrdiff_t bytes_find_nocase(struct str s, size_t from, struct str what)
{
	char low, high;

	if (what.n == 0 || s.n < what.n || from > s.n - what.n)
		return -1;
	low = what.p[0];
	high = low >= 'a' && low <= 'z' ? (char)(low - 0x20) : low;
	for (size_t at = from, last = s.n - what.n; at <= last; at++) {
		const char *a = memchr(s.p + at, low, last + 1 - at);
		size_t room = a ? (size_t)(a - (s.p + at)) : last + 1 - at;
		const char *b = high != low ? memchr(s.p + at, high, room) : NULL;

		if (!a && !b)
			return -1;
		at = (size_t)((b ? b : a) - s.p);
		if (same_nocase(s.p + at, what.p, what.n))
			return (ptrdiff_t)at;
	}
	return -1;
}

static int utf16(struct str s)			/* 1: little, 2: big endian, 0: neither */
{
	if (bytes_at(s, 0, STR("\xff\xfe")))
		return 1;
	if (bytes_at(s, 0, STR("\xfe\xff")))
		return 2;
	/* Without a mark: ASCII with every other byte NUL. */
	if (s.n >= 8 && !s.p[1] && !s.p[3] && !s.p[5] && !s.p[7] && s.p[0] > 0 && s.p[2] > 0 && s.p[4] > 0 && s.p[6] > 0)
		return 1;
	return 0;
}

bool bytes_text(struct str s)
{
	size_t n = s.n < TEXT_HEAD ? s.n : TEXT_HEAD, odd = 0;

	if (n == 0)
		return false;
	if (utf16(s))
		return true;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c == 0)
			return false;
		odd += (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b && c != '\b') || c == 0x7f;
	}
	return odd * 100 <= n;
}

size_t bytes_narrow(struct str s, char *ret, size_t room)
{
	int wide = utf16(s);
	size_t n = 0;

	if (!wide) {
		s = bytes_at(s, 0, STR("\xef\xbb\xbf")) ? str_cut(s, 3) : s;
		n = s.n < room ? s.n : room;
		memcpy(ret, s.p, n);
		return n;
	}
	for (size_t i = bytes_u8(s, 0) >= 0xfe ? 2 : 0; i + 1 < s.n && n < room; i += 2) {
		uint8_t low = bytes_u8(s, wide == 1 ? i : i + 1), high = bytes_u8(s, wide == 1 ? i + 1 : i);

		ret[n++] = high ? '?' : (char)low;
	}
	return n;
}
