/* str.h - a piece of text that belongs to somebody else.
 *
 * Ownership  None: .p points into an arena, a buffer or a literal. Not NUL-terminated.
 * Limits     .p may be NULL only when .n is 0; getters elsewhere promise non-NULL.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((struct str){ "", 0 })
/* For printf: "%.*s", STR_FMT(s) */
#define STR_FMT(s) (int)(s).n, (s).p

static inline struct str str_of(const char *z)
{
	return z ? (struct str){ z, strlen(z) } : STR_NONE;
}

static inline struct str str_make(const char *p, size_t n)
{
	return (struct str){ p, n };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

static inline bool str_empty(struct str a)
{
	return a.n == 0;
}

bool str_eq_nocase(struct str a, struct str b);		/* ASCII letters only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
int str_cmp(struct str a, struct str b);		/* byte order, as memcmp */
/* Index of the first c or of the needle, or -1. */
ptrdiff_t str_find_char(struct str s, char c);
ptrdiff_t str_find(struct str s, struct str needle);
struct str str_cut(struct str s, size_t from);		/* the rest from index 'from'; empty past the end */
struct str str_trim(struct str s);			/* ASCII white space off both ends */
/* Whole text must be a decimal number in [0, max]; false otherwise. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);
bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret);

#endif
