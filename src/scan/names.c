#include "scan/names.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>

#include "base/utf8.h"

#define POINTS 512			/* characters of a name that are looked at: its end */
#define SPACES 4			/* in a row: they push the ending out of sight */

struct name {
	UChar32 v[POINTS];
	unsigned n;
};

static void decode(struct str s, struct name *ret)
{
	size_t at = 0;

	ret->n = 0;
	if (s.n > NAMES_NAME)
		s = str_cut(s, s.n - NAMES_NAME);
	while (at < s.n) {
		if (ret->n == POINTS) {
			memmove(ret->v, ret->v + 1, (POINTS - 1) * sizeof(ret->v[0]));
			ret->n--;
		}
		ret->v[ret->n++] = (UChar32)utf8_next(s, &at);
	}
	/* A path: the last part is the name. */
	for (unsigned i = ret->n; i-- > 0;)
		if ((ret->v[i] == '/' || ret->v[i] == '\\') && i + 1 < ret->n) {
			memmove(ret->v, ret->v + i + 1, (ret->n - i - 1) * sizeof(ret->v[0]));
			ret->n -= i + 1;
			break;
		}
}

static bool turns(UChar32 c)			/* UAX 9: embeddings, overrides and isolates */
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Takes no room: between other letters it only serves to make a name that looks like another. */
static bool invisible(UChar32 c)
{
	return c == 0xad || c == 0x180e || c == 0x200b || c == 0x200c || c == 0x200d || c == 0x2060 || c == 0xfeff || c == 0x115f || c == 0x1160 ||
	       c == 0x3164 || c == 0xffa0 || (c >= 0x2061 && c <= 0x2065) || (c >= 0x206a && c <= 0x206f) || c == 0x200e || c == 0x200f || c == 0x61c ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

static bool blank(UChar32 c)
{
	return c == '\t' || c == '\n' || c == '\r' || u_isUWhiteSpace(c) || c == 0x2800;
}

static bool dot_like(UChar32 c)			/* reads as the dot before an ending */
{
	return c == 0x2024 || c == 0xff0e || c == 0xfe52 || c == 0x3002 || c == 0xff61 || c == 0xa4f8 || c == 0x701 || c == 0x702 || c == 0x660;
}

/* Index of what stands behind the last dot, without what systems drop at the end; n: there is no ending. *end: behind it. */
static unsigned last_suffix(const struct name *s, unsigned from_end, unsigned *end)
{
	unsigned e = from_end, i;

	while (e > 0 && (blank(s->v[e - 1]) || s->v[e - 1] == '.' || invisible(s->v[e - 1]) || turns(s->v[e - 1]) || s->v[e - 1] == 0))
		e--;
	for (i = e; i > 0; i--)
		if (s->v[i - 1] == '.')
			break;
	*end = e;
	return i == 0 || e - i >= KIND_SUFFIX ? s->n : i;
}

/* In lower case; characters that take no room fall out. False: not in ASCII, or empty. */
static bool ascii(const UChar32 *v, unsigned n, char ret[KIND_SUFFIX])
{
	unsigned m = 0;

	for (unsigned i = 0; i < n && m < KIND_SUFFIX - 1; i++) {
		if (invisible(v[i]) || turns(v[i]))
			continue;
		if (v[i] <= 0x20 || v[i] >= 0x7f)
			return false;
		ret[m++] = (char)u_tolower(v[i]);
	}
	ret[m] = 0;
	return m > 0;
}

bool names_suffix(struct str name, char ret[KIND_SUFFIX])
{
	struct name s;
	unsigned end, at;

	decode(name, &s);
	at = last_suffix(&s, s.n, &end);
	return at < s.n && ascii(s.v + at, end - at, ret);
}

enum kind names_kind(struct str name)
{
	char suffix[KIND_SUFFIX];

	return names_suffix(name, suffix) ? kind_of_suffix(str_of(suffix)) : KIND_UNKNOWN;
}

/* What a hurried eye reads (UTS 39 skeleton): true when that is ASCII. */
static bool skeleton(const UChar32 *v, unsigned n, char ret[KIND_SUFFIX])
{
	UErrorCode e = U_ZERO_ERROR;
	USpoofChecker *sc = uspoof_open(&e);
	UChar in[2 * POINTS], out[128];
	int32_t len = 0, at = 0;
	UChar32 flat[128];
	bool ok = false;

	for (unsigned i = 0; i < n; i++) {
		UBool bad = 0;

		U16_APPEND(in, len, (int32_t)ARRAY_SIZE(in), v[i], bad);
		if (bad)
			break;
	}
	if (U_SUCCESS(e))
		len = uspoof_getSkeleton(sc, 0, in, len, out, (int32_t)ARRAY_SIZE(out), &e);
	if (U_SUCCESS(e) && len > 0 && len < (int32_t)ARRAY_SIZE(out)) {
		unsigned m = 0;

		while (at < len) {
			U16_NEXT(out, at, len, flat[m]);
			m++;
		}
		ok = m < KIND_SUFFIX && ascii(flat, m, ret);
	}
	if (sc)
		uspoof_close(sc);
	return ok;
}

/* One word of Latin letters and letters of another script that look the same: nobody's language writes so. */
static bool word_mixed(const UChar32 *v, unsigned n)
{
	bool latin = false, other = false;
	char flat[KIND_SUFFIX];

	for (unsigned i = 0; i < n; i++) {
		UErrorCode e = U_ZERO_ERROR;
		UScriptCode sc = uscript_getScript(v[i], &e);

		if (sc == USCRIPT_LATIN && v[i] < 0x80)
			latin = true;
		else if (sc == USCRIPT_CYRILLIC || sc == USCRIPT_GREEK || sc == USCRIPT_ARMENIAN || sc == USCRIPT_CHEROKEE || sc == USCRIPT_COPTIC)
			other = true;
	}
	return latin && other && n < KIND_SUFFIX && skeleton(v, n, flat);
}

static void confusable(struct look *l, const struct name *s, unsigned at, unsigned end)
{
	char flat[KIND_SUFFIX], plain[KIND_SUFFIX];
	unsigned word = 0;

	if (at < s->n && !ascii(s->v + at, end - at, plain) && skeleton(s->v + at, end - at, flat) &&
	    kind_of_suffix(str_of(flat)) != KIND_UNKNOWN)
		look_note(l, FACT_NAME_CONFUSABLE, "its ending only looks like .%s", flat);
	for (unsigned i = 0; i < s->n; i++)
		if (dot_like(s->v[i]) && i + 1 < s->n && s->n - i - 1 < KIND_SUFFIX && ascii(s->v + i + 1, s->n - i - 1, plain) &&
		    kind_of_suffix(str_of(plain)) != KIND_UNKNOWN)
			look_note(l, FACT_NAME_CONFUSABLE, "what reads as .%s is no ending", plain);
	for (unsigned i = 0; i <= s->n; i++) {
		if (i < s->n && (u_isalpha(s->v[i]) || u_charType(s->v[i]) == U_NON_SPACING_MARK))
			continue;
		if (i > word && word_mixed(s->v + word, i - word))
			look_note(l, FACT_NAME_CONFUSABLE, "a word of two scripts that look alike");
		word = i + 1;
	}
}

/* Joiners belong into the words of some scripts and into emoji; between ASCII letters, dots and digits they belong nowhere. */
static void hidden(struct look *l, const struct name *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		bool before = i > 0 && s->v[i - 1] < 0x80, after = i + 1 < s->n && s->v[i + 1] < 0x80;

		if (turns(s->v[i]))
			look_note(l, FACT_NAME_DIRECTION, "U+%04X within the name", (unsigned)s->v[i]);
		else if (s->v[i] < 0x20 || s->v[i] == 0x7f || s->v[i] == 0x2028 || s->v[i] == 0x2029)
			look_note(l, FACT_NAME_CONFUSABLE, "a control character within the name");
		else if (invisible(s->v[i]) && before && after)
			look_note(l, FACT_NAME_CONFUSABLE, "U+%04X, which is not seen, within the name", (unsigned)s->v[i]);
	}
}

/* "invoice.pdf   .exe", "photo.jpg.scr": an ending that runs, behind one that does not or far to the right. */
static void doubled(struct look *l, const struct name *s, unsigned at, unsigned end, const char *suffix)
{
	enum kind_family f = kind_family(kind_of_suffix(str_of(suffix)));
	bool page = f == FAMILY_WEB, runs = kind_runs(f) || f == FAMILY_DISK;
	char inner[KIND_SUFFIX];
	unsigned blanks = 0, inner_end, inner_at;

	for (unsigned i = 0; i < end; i++) {
		blanks = blank(s->v[i]) || s->v[i] == 0xa0 ? blanks + 1 : 0;
		if (blanks >= SPACES && runs)
			look_note(l, FACT_DOUBLE_EXTENSION, "spaces before .%s", suffix);
	}
	if (end < s->n && runs)
		look_note(l, FACT_DOUBLE_EXTENSION, "dots or spaces behind .%s", suffix);
	if ((!runs && !page) || at < 1)
		return;
	inner_at = last_suffix(s, at - 1, &inner_end);
	if (inner_at < s->n && ascii(s->v + inner_at, inner_end - inner_at, inner)) {
		enum kind k = kind_of_suffix(str_of(inner));
		enum kind_family g = kind_family(k);

		if (g == FAMILY_PICTURE || g == FAMILY_MEDIA || g == FAMILY_DOCUMENT || g == FAMILY_PDF || (!page && (k == KIND_TEXT || g == FAMILY_MAIL ||
		    g == FAMILY_ARCHIVE || g == FAMILY_WEB) && f != FAMILY_INSTALLER && f != FAMILY_DISK))
			look_note(l, FACT_DOUBLE_EXTENSION, ".%s.%s", inner, suffix);
	}
}

void names_check(struct look *l, struct str name)
{
	char suffix[KIND_SUFFIX];
	enum file_fact fact;
	struct name s;
	unsigned end, at;

	decode(name, &s);
	at = last_suffix(&s, s.n, &end);
	hidden(l, &s);
	confusable(l, &s, at, end);
	if (at == s.n || !ascii(s.v + at, end - at, suffix))
		return;
	doubled(l, &s, at, end, suffix);
	if (kind_fact(kind_family(kind_of_suffix(str_of(suffix))), &fact))
		look_note(l, fact, "named .%s", suffix);
}
