/* normal_table.c - builds the table of normal.h from ICU: compatibility forms, case, and UTS 39 look-alikes.
 *
 * Asked once a character at start, because asking ICU for every character of every message costs too much.
 */
#include "inspect/normal_table.h"

#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>

struct icu {
	const UNormalizer2 *compat;
	USpoofChecker *spoof;
};

/* Alphabets in which look-alikes of Latin letters are found; asking for all others would find none and take long. */
static bool may_look_latin(uint32_t c)
{
	return (c >= 0x80 && c < 0x590) || (c >= 0x10a0 && c < 0x1100) || (c >= 0x13a0 && c < 0x1680) || (c >= 0x1d00 && c < 0x2000) ||
	       (c >= 0x2100 && c < 0x2200) || (c >= 0x2c60 && c < 0x2e00) || (c >= 0xa4d0 && c < 0xa500) || (c >= 0xa640 && c < 0xa800) ||
	       (c >= 0xab30 && c < 0xabc0) || (c >= 0x10280 && c < 0x10580) || (c >= 0x118a0 && c < 0x118e0);
}

/* Letters that people take for others in small print, and that UTS 39 does not name. */
static uint32_t by_hand(uint32_t c)
{
	static const struct { uint16_t from, to; } pairs[] = {
		{ 0x043c, 'm' }, { 0x0442, 't' }, { 0x043a, 'k' }, { 0x0432, 'b' }, { 0x043d, 'h' }, { 0x043f, 'n' }, { 0x0433, 'r' },
		{ 0x03b1, 'a' }, { 0x03b2, 'b' }, { 0x03b5, 'e' }, { 0x03b7, 'n' }, { 0x03b9, 'i' }, { 0x03ba, 'k' }, { 0x03bc, 'u' },
		{ 0x03bd, 'v' }, { 0x03c1, 'p' }, { 0x03c4, 't' }, { 0x03c5, 'u' }, { 0x03c7, 'x' }, { 0x03c9, 'w' }, { 0x04bd, 'e' },
		{ 0x0131, 'i' }, { 0x0251, 'a' }, { 0x0261, 'g' }, { 0x03c2, 's' }, { 0x00df, 's' }, { 0x00f8, 'o' }, { 0x0142, 'l' },
		{ 0x0111, 'd' }, { 0x0456, 'i' }, { 0x0131, 'i' }, { 0x04cf, 'l' }, { 0x0578, 'n' }, { 0x057d, 'u' }, { 0x0569, 'p' },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].from == c)
			return pairs[i].to;
	return 0;
}

/* The one ASCII letter that c looks like, in lower case; 0: none. */
static uint32_t skeleton(const struct icu *icu, uint32_t c)
{
	UErrorCode e = U_ZERO_ERROR;
	UChar in[2], out[8];
	int32_t n = 0, m;

	U16_APPEND_UNSAFE(in, n, c);
	m = uspoof_getSkeleton(icu->spoof, 0, in, n, out, 8, &e);
	if (U_FAILURE(e) || m != 1 || out[0] >= 0x80)
		return 0;
	if (out[0] >= 'A' && out[0] <= 'Z')
		return (uint32_t)out[0] + 32;
	return out[0] >= 'a' && out[0] <= 'z' ? out[0] : 0;
}

/* Its first character without compatibility and accents. */
static uint32_t base_of(const struct icu *icu, uint32_t c)
{
	for (int i = 0; i < 3; i++) {
		UErrorCode e = U_ZERO_ERROR;
		UChar out[32];
		int32_t n = unorm2_getRawDecomposition(icu->compat, (UChar32)c, out, 32, &e), at = 0;
		UChar32 first;

		if (U_FAILURE(e) || n <= 0)
			break;
		U16_NEXT(out, at, n, first);
		if (first < 0 || first == (UChar32)c)
			break;
		c = (uint32_t)first;
	}
	return c;
}

static bool is_mark(uint32_t c)
{
	return (c >= 0x300 && c < 0x370) || (c >= 0x483 && c < 0x48a) || (c >= 0x64b && c < 0x653) || (c >= 0x1ab0 && c < 0x1b00) ||
	       (c >= 0x1dc0 && c < 0x1e00) || (c >= 0x20d0 && c < 0x2100) || (c >= 0xfe20 && c < 0xfe30);
}

static bool is_invisible(uint32_t c, int8_t type)
{
	return type == U_FORMAT_CHAR || c == 0x34f || c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0 || (c >= 0xfe00 && c < 0xfe10) ||
	       c == 0x2800 || c == 0x180b;
}

/* Scripts whose words are not divided by blanks. */
static bool is_han(uint32_t c)
{
	return (c >= 0x0e00 && c < 0x0f00) || (c >= 0x3040 && c < 0x3100) || (c >= 0x3400 && c < 0xa000) || (c >= 0xf900 && c < 0xfb00);
}

static uint32_t letter(const struct icu *icu, uint32_t c, uint32_t was)
{
	uint32_t lower = (uint32_t)u_tolower((UChar32)c), flags = NF_LETTER | (lower != c ? NF_UPPER : 0), to;
	UErrorCode e = U_ZERO_ERROR;

	if (c < 0x80)
		return lower | flags | NF_LATIN | (was != c && was > 0x250 ? NF_STYLED : 0);
	if (is_han(c))
		return c | flags | NF_HAN;
	to = by_hand(c);
	to = to ? to : may_look_latin(c) ? skeleton(icu, c) : 0;
	to = to ? to : by_hand(lower);
	to = to || !may_look_latin(lower) ? to : skeleton(icu, lower);
	if (!to && lower == c && may_look_latin(c))
		to = skeleton(icu, (uint32_t)u_toupper((UChar32)c));
	if (uscript_getScript((UChar32)c, &e) == USCRIPT_LATIN)
		return (to ? to : lower) | flags | NF_LATIN;
	return to ? to | flags | NF_ALIKE : lower | flags;
}

static uint32_t entry(const struct icu *icu, uint32_t was)
{
	int8_t type = u_charType((UChar32)was);
	uint32_t c;

	if (was == '\n' || was == '\r' || was == '\t' || was == ' ')
		return ' ' | NF_SPACE;
	if (type == U_CONTROL_CHAR || is_invisible(was, type))
		return NF_DROP;
	if (is_mark(was))
		return NF_DROP | NF_MARK;
	if (was == 0x3f2 || was == 0x3f9)
		return 'c' | NF_LETTER | NF_ALIKE;	/* the lunate sigma; ICU makes it an s */
	c = was < 0x80 || is_han(was) || (was >= 0xac00 && was < 0xd7b0) ? was : base_of(icu, was);
	if (u_isWhitespace((UChar32)c) || u_charType((UChar32)c) == U_SPACE_SEPARATOR)
		return ' ' | NF_SPACE;
	if (c == 0x3002)
		return '.';
	if (u_isalpha((UChar32)c) || u_getIntPropertyValue((UChar32)c, UCHAR_GENERAL_CATEGORY) == U_NON_SPACING_MARK ||
	    u_charType((UChar32)c) == U_COMBINING_SPACING_MARK)
		return letter(icu, c, was);
	if (u_isdigit((UChar32)c))
		return ('0' + (uint32_t)u_charDigitValue((UChar32)c)) | NF_DIGIT | (was != c ? NF_STYLED : 0);
	if (c < 0x80)
		return c;
	return c | (u_hasBinaryProperty((UChar32)c, UCHAR_EMOJI) || u_charType((UChar32)c) == U_OTHER_SYMBOL ? NF_EMOJI : 0);
}

struct normal_table *normal_table_new(void)
{
	UErrorCode e = U_ZERO_ERROR;
	struct icu icu = { .compat = unorm2_getNFKCInstance(&e), .spoof = uspoof_open(&e) };
	struct normal_table *t = calloc(1, sizeof(*t));

	if (!t || U_FAILURE(e)) {
		free(t);
		t = NULL;
	}
	for (uint32_t c = 0; t && c < NORMAL_PLANES; c++)
		t->e[c] = entry(&icu, c);
	uspoof_close(icu.spoof);
	return t;
}

void normal_table_free(struct normal_table **t)
{
	free(*t);
	*t = NULL;
}
