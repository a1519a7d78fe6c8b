/* normal.h - a text as its reader understands it, cut into tokens, whatever was done to hide it from filters.
 *
 * Look-alike letters, full width, mathematical letters and accents become plain lower-case letters (whole alphabets are
 * folded, so an honest Russian word always folds to the same thing); invisible characters go; "w-i-n", "fr33", "freeee",
 * "hxxp://" and "example[.]com" are undone. Links, addresses, names, numbers, money and telephone numbers become tokens
 * of their own. What was undone is counted: that somebody hides is a sign of its own.
 *
 * Ownership  normal_table_free(). A struct normal is the caller's, about 45 KiB.
 * Threads    A table may be read by any; struct normal is one caller's.
 * Limits     NORMAL_BYTES of a text: its beginning and its end; NORMAL_TOKENS; time is linear.
 * Errors     normal_table_new(): NULL without memory.
 * Pure: the table is a function of Unicode alone.
 */
#ifndef INSPECT_NORMAL_H
#define INSPECT_NORMAL_H

#include "base/str.h"

#define NORMAL_BYTES 4096
#define NORMAL_CHARS 4160
#define NORMAL_TOKENS 1024

enum normal_kind { NORMAL_WORD, NORMAL_HAN, NORMAL_NUMBER, NORMAL_PHONE, NORMAL_MONEY, NORMAL_LINK, NORMAL_MAIL, NORMAL_NAME,
		   NORMAL_SIGN, NORMAL_EMOJI };

struct normal_token {
	uint16_t at, n;			/* characters of struct normal */
	uint8_t kind;
};

struct normal {
	uint32_t c[NORMAL_CHARS];	/* folded characters */
	unsigned n;
	struct normal_token t[NORMAL_TOKENS];
	unsigned n_tokens;
	bool cut;			/* there was more */
	/* Counted on the way. */
	unsigned letters, upper, digits, emoji, exclaim, lines;
	unsigned invisible, marks, styled, mixed, leet, spaced, defanged;
	unsigned links, phones, money, names;
};

struct normal_table;

struct normal_table *normal_table_new(void);
void normal_table_free(struct normal_table **t);
void normal_text(const struct normal_table *t, struct str text, struct normal *ret);
/* A token in UTF-8, cut to max bytes; returns how many. */
size_t normal_put(const struct normal *n, const struct normal_token *t, char *ret, size_t max);

#endif
