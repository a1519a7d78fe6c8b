/* bytes.h - numbers and words at a place in bytes that a stranger made: outside of them there is 0, or nothing. */
#ifndef SCAN_BYTES_H
#define SCAN_BYTES_H

#include "base/str.h"

static inline uint8_t bytes_u8(struct str s, size_t at)
{
	return at < s.n ? (uint8_t)s.p[at] : 0;
}

static inline uint16_t bytes_le16(struct str s, size_t at)
{
	return at < s.n && s.n - at >= 2 ? (uint16_t)((uint8_t)s.p[at] | (unsigned)(uint8_t)s.p[at + 1] << 8) : (uint16_t)0;
}

static inline uint32_t bytes_le32(struct str s, size_t at)
{
	return at < s.n && s.n - at >= 4 ? bytes_le16(s, at) | (uint32_t)bytes_le16(s, at + 2) << 16 : 0;
}

static inline uint64_t bytes_le64(struct str s, size_t at)
{
	return at < s.n && s.n - at >= 8 ? bytes_le32(s, at) | (uint64_t)bytes_le32(s, at + 4) << 32 : 0;
}

static inline uint16_t bytes_be16(struct str s, size_t at)
{
	return (uint16_t)((unsigned)bytes_le16(s, at) >> 8 | (unsigned)bytes_le16(s, at) << 8);
}

static inline uint32_t bytes_be32(struct str s, size_t at)
{
	return (uint32_t)bytes_be16(s, at) << 16 | bytes_be16(s, at + 2);
}

static inline uint64_t bytes_be64(struct str s, size_t at)
{
	return (uint64_t)bytes_be32(s, at) << 32 | bytes_be32(s, at + 4);
}

/* At most n bytes from `from` on. */
static inline struct str bytes_sub(struct str s, size_t from, size_t n)
{
	s = str_cut(s, from);
	return n < s.n ? str_make(s.p, n) : s;
}

static inline bool bytes_at(struct str s, size_t at, struct str what)
{
	return at <= s.n && s.n - at >= what.n && memcmp(s.p + at, what.p, what.n) == 0;
}

/* With ASCII letters of any case: where it begins from `from` on, or -1. `what` in lower case. */
ptrdiff_t bytes_find_nocase(struct str s, size_t from, struct str what);
static inline bool bytes_has(struct str s, struct str what) { return s.p && memmem(s.p, s.n, what.p, what.n) != NULL; }
static inline bool bytes_has_nocase(struct str s, struct str what) { return bytes_find_nocase(s, 0, what) >= 0; }
/* Is it text (UTF-8, UTF-16 with a mark, or 8-bit without control characters), as far as its first 4 KiB tell? */
bool bytes_text(struct str s);
/* Its first bytes as 8-bit text: marks off, UTF-16 narrowed (a character past U+00FF is '?'). Returns how many; not NUL-terminated. */
size_t bytes_narrow(struct str s, char *ret, size_t room);

#endif
