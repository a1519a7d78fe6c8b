/* jid.c - see jid.h. ASCII goes a fast way without ICU; the rest is RFC 8264/8265 on ICU's properties,
 * so that it is as new as the Unicode of the system.
 *
 * One deliberate difference: a final sigma is folded like any other (as RFC 6122 did), so that the two
 * spellings of a Greek name are one account.
 */
#include "xmpp/jid.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <unicode/ubidi.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

#include "base/limits.h"
#include "base/utf8.h"

#define UNITS (LIMIT_JID_PART * 4)	/* UTF-16 units of a part while it is being mapped */

/* RULE: opened once, constant ever after. */
static struct tools {
	pthread_once_t once;
	bool ok;
	const UNormalizer2 *nfc, *nfkc;
	UIDNA *idna;
	USpoofChecker *spoof;
} tools = { .once = PTHREAD_ONCE_INIT };

static void open_tools(void)
{
	UErrorCode e = U_ZERO_ERROR;

	tools.nfc = unorm2_getNFCInstance(&e);
	tools.nfkc = unorm2_getNFKCInstance(&e);
	tools.idna = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
				     UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE, &e);
	tools.spoof = uspoof_open(&e);
	tools.ok = U_SUCCESS(e);
}

static const struct tools *get_tools(void)
{
	pthread_once(&tools.once, open_tools);
	return &tools;
}

struct text16 {
	UChar u[UNITS];
	int32_t n;
};

static bool to16(struct str s, struct text16 *ret)
{
	UErrorCode e = U_ZERO_ERROR;

	u_strFromUTF8(ret->u, UNITS, &ret->n, s.p, (int32_t)s.n, &e);
	return U_SUCCESS(e);
}

static int from16(struct arena *a, const struct text16 *t, struct str *ret)
{
	char bytes[LIMIT_JID_PART + 1];
	int32_t n = 0;
	UErrorCode e = U_ZERO_ERROR;
	struct str s;

	u_strToUTF8(bytes, sizeof(bytes), &n, t->u, t->n, &e);
	if (U_FAILURE(e) || n == 0 || n > LIMIT_JID_PART)
		return ERR_JID;
	s = arena_str(a, str_make(bytes, (size_t)n));
	if (!s.p)
		return ERR_LIMIT;
	*ret = s;
	return 0;
}

/* --- PRECIS derived properties (RFC 8264 8, 9) --------------------------------------------------------- */

static bool letter_digit(UChar32 c)
{
	return (U_GET_GC_MASK(c) & (U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK |
				    U_GC_MN_MASK | U_GC_MC_MASK)) != 0;
}

/* RFC 8264 9.6 = RFC 5892 2.6 */
static int exception(UChar32 c)
{
	switch (c) {
	case 0xdf: case 0x3c2: case 0x6fd: case 0x6fe: case 0xf0b: case 0x3007:
		return 1;
	case 0x640: case 0x7fa: case 0x302e: case 0x302f: case 0x3031: case 0x3032: case 0x3033: case 0x3034:
	case 0x3035: case 0x303b:
		return -1;
	default:
		return 0;
	}
}

static bool has_compat(UChar32 c)
{
	UChar in[2], out[32];
	int32_t n = 0;
	UErrorCode e = U_ZERO_ERROR;

	U16_APPEND_UNSAFE(in, n, c);
	int32_t m = unorm2_normalize(get_tools()->nfkc, in, n, out, 32, &e);

	return U_FAILURE(e) || m != n || u_memcmp(in, out, n) != 0;
}

static bool old_jamo(UChar32 c)
{
	int32_t t = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);

	return t == U_HST_LEADING_JAMO || t == U_HST_VOWEL_JAMO || t == U_HST_TRAILING_JAMO;
}

static bool virama_before(const UChar32 *c, int32_t i)
{
	return i > 0 && u_getCombiningClass(c[i - 1]) == 9;
}

static bool joins(const UChar32 *c, int32_t n, int32_t i)
{
	int32_t j = i, t;

	do {
		if (--j < 0)
			return false;
		t = u_getIntPropertyValue(c[j], UCHAR_JOINING_TYPE);
	} while (t == U_JT_TRANSPARENT);
	if (t != U_JT_LEFT_JOINING && t != U_JT_DUAL_JOINING)
		return false;
	j = i;
	do {
		if (++j >= n)
			return false;
		t = u_getIntPropertyValue(c[j], UCHAR_JOINING_TYPE);
	} while (t == U_JT_TRANSPARENT);
	return t == U_JT_RIGHT_JOINING || t == U_JT_DUAL_JOINING;
}

static bool script_is(UChar32 c, UScriptCode script)
{
	UErrorCode e = U_ZERO_ERROR;

	return uscript_getScript(c, &e) == script;
}

static bool any_between(const UChar32 *c, int32_t n, UChar32 from, UChar32 to)
{
	for (int32_t i = 0; i < n; i++)
		if (c[i] >= from && c[i] <= to)
			return true;
	return false;
}

static bool any_kana(const UChar32 *c, int32_t n)
{
	for (int32_t i = 0; i < n; i++)
		if (script_is(c[i], USCRIPT_HIRAGANA) || script_is(c[i], USCRIPT_KATAKANA) || script_is(c[i], USCRIPT_HAN))
			return true;
	return false;
}

/* RFC 5892 appendix A: 1 allowed here, -1 not, 0 no contextual rule. */
static int context_rule(const UChar32 *c, int32_t n, int32_t i)
{
	switch (c[i]) {
	case 0x200c:
		return virama_before(c, i) || joins(c, n, i) ? 1 : -1;
	case 0x200d:
		return virama_before(c, i) ? 1 : -1;
	case 0xb7:
		return i > 0 && i + 1 < n && c[i - 1] == 'l' && c[i + 1] == 'l' ? 1 : -1;
	case 0x375:
		return i + 1 < n && script_is(c[i + 1], USCRIPT_GREEK) ? 1 : -1;
	case 0x5f3: case 0x5f4:
		return i > 0 && script_is(c[i - 1], USCRIPT_HEBREW) ? 1 : -1;
	case 0x30fb:
		return any_kana(c, n) ? 1 : -1;
	}
	if (c[i] >= 0x660 && c[i] <= 0x669)
		return any_between(c, n, 0x6f0, 0x6f9) ? -1 : 1;
	if (c[i] >= 0x6f0 && c[i] <= 0x6f9)
		return any_between(c, n, 0x660, 0x669) ? -1 : 1;
	return 0;
}

enum strictness { IDENTIFIER, IDENTIFIER_ANY_CONTEXT, FREEFORM };

static bool valid_char(const UChar32 *c, int32_t n, int32_t i, enum strictness how)
{
	bool freeform = how == FREEFORM;
	UChar32 ch = c[i];
	int rule = exception(ch);
	uint32_t free_mask = U_GC_ZS_MASK | U_GC_SM_MASK | U_GC_SC_MASK | U_GC_SK_MASK | U_GC_SO_MASK | U_GC_P_MASK |
			     U_GC_LT_MASK | U_GC_NL_MASK | U_GC_NO_MASK | U_GC_ME_MASK;

	if (rule)
		return rule > 0;
	if (u_charType(ch) == U_UNASSIGNED || U_IS_UNICODE_NONCHAR(ch))
		return false;
	if (ch >= 0x21 && ch <= 0x7e)
		return true;
	rule = context_rule(c, n, i);
	if (rule)
		return rule > 0 || how == IDENTIFIER_ANY_CONTEXT;
	if (old_jamo(ch) || u_hasBinaryProperty(ch, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || u_charType(ch) == U_CONTROL_CHAR)
		return false;
	if (has_compat(ch))
		return freeform;
	if (letter_digit(ch))
		return true;
	return freeform && (U_GET_GC_MASK(ch) & free_mask) != 0;
}

/* False: a character that may not stand where it stands, or a tower of marks (UAX 15, stream-safe text). */
static bool valid_text(const struct text16 *t, enum strictness how)
{
	UChar32 cps[UNITS];
	int32_t n = 0, marks = 0;

	for (int32_t i = 0; i < t->n;) {
		UChar32 c;

		U16_NEXT(t->u, i, t->n, c);
		cps[n++] = c;
	}
	for (int32_t i = 0; i < n; i++) {
		marks = U_GET_GC_MASK(cps[i]) & (U_GC_MN_MASK | U_GC_ME_MASK) ? marks + 1 : 0;
		if (marks > LIMIT_JID_MARKS || !valid_char(cps, n, i, how))
			return false;
	}
	return true;
}

/* RFC 5893 2, for text that has a right-to-left character. */
static bool bidi_ok(const struct text16 *t)
{
	bool rtl = false, ltr_start, en = false, an = false;
	UCharDirection first = U_LEFT_TO_RIGHT, last_strong = U_OTHER_NEUTRAL;
	uint32_t allowed;
	int32_t i = 0;
	UChar32 c;

	while (i < t->n) {
		U16_NEXT(t->u, i, t->n, c);
		UCharDirection d = u_charDirection(c);

		rtl = rtl || d == U_RIGHT_TO_LEFT || d == U_RIGHT_TO_LEFT_ARABIC || d == U_ARABIC_NUMBER;
	}
	if (!rtl)
		return true;
	i = 0;
	U16_NEXT(t->u, i, t->n, c);
	first = u_charDirection(c);
	ltr_start = first == U_LEFT_TO_RIGHT;
	if (!ltr_start && first != U_RIGHT_TO_LEFT && first != U_RIGHT_TO_LEFT_ARABIC)
		return false;
	allowed = 1u << U_EUROPEAN_NUMBER | 1u << U_EUROPEAN_NUMBER_SEPARATOR | 1u << U_COMMON_NUMBER_SEPARATOR |
		  1u << U_EUROPEAN_NUMBER_TERMINATOR | 1u << U_OTHER_NEUTRAL | 1u << U_BOUNDARY_NEUTRAL |
		  1u << U_DIR_NON_SPACING_MARK;
	allowed |= ltr_start ? 1u << U_LEFT_TO_RIGHT :
		   1u << U_RIGHT_TO_LEFT | 1u << U_RIGHT_TO_LEFT_ARABIC | 1u << U_ARABIC_NUMBER;
	for (i = 0; i < t->n;) {
		U16_NEXT(t->u, i, t->n, c);
		UCharDirection d = u_charDirection(c);

		if (!(allowed & 1u << d))
			return false;
		en = en || d == U_EUROPEAN_NUMBER;
		an = an || d == U_ARABIC_NUMBER;
		if (d != U_DIR_NON_SPACING_MARK)
			last_strong = d;
	}
	if (ltr_start)
		return last_strong == U_LEFT_TO_RIGHT || last_strong == U_EUROPEAN_NUMBER;
	return !(en && an) && (last_strong == U_RIGHT_TO_LEFT || last_strong == U_RIGHT_TO_LEFT_ARABIC ||
			       last_strong == U_EUROPEAN_NUMBER || last_strong == U_ARABIC_NUMBER);
}

/* --- the parts ------------------------------------------------------------------------------------------- */

static bool local_forbidden(char c)
{
	return c <= ' ' || c == 0x7f || c == '"' || c == '&' || c == '\'' || c == '/' || c == ':' || c == '<' || c == '>' ||
	       c == '@';
}

/* ASCII needs lower case and nothing else. 1: done, 0: not ASCII. */
static int ascii_local(struct arena *a, struct str s, struct str *ret)
{
	char *p;

	for (size_t i = 0; i < s.n; i++) {
		if ((uint8_t)s.p[i] >= 0x80)
			return 0;
		if (local_forbidden(s.p[i]))
			return ERR_JID;
	}
	p = arena_dup(a, s.p, s.n);
	if (!p)
		return ERR_LIMIT;
	for (size_t i = 0; i < s.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	*ret = str_make(p, s.n);
	return 1;
}

/* RFC 8265 3.3.3, width mapping: full-width and half-width forms to their compatibility decompositions. */
static void map_width(const struct text16 *in, struct text16 *out)
{
	out->n = 0;
	for (int32_t i = 0; i < in->n && out->n < UNITS - 32;) {
		UChar32 c;
		int32_t w;

		U16_NEXT(in->u, i, in->n, c);
		w = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
		if (w == U_EA_FULLWIDTH || w == U_EA_HALFWIDTH) {
			UErrorCode e = U_ZERO_ERROR;
			UChar one[2];
			int32_t n = 0;

			U16_APPEND_UNSAFE(one, n, c);
			n = unorm2_normalize(get_tools()->nfkc, one, n, out->u + out->n, UNITS - out->n, &e);
			if (U_SUCCESS(e))
				out->n += n;
		} else {
			U16_APPEND_UNSAFE(out->u, out->n, c);
		}
	}
}

static bool map_case_nfc(struct text16 *t)
{
	struct text16 low;
	UErrorCode e = U_ZERO_ERROR;

	low.n = u_strToLower(low.u, UNITS, t->u, t->n, "", &e);
	if (U_FAILURE(e))
		return false;
	t->n = unorm2_normalize(get_tools()->nfc, low.u, low.n, t->u, UNITS, &e);
	return U_SUCCESS(e);
}

/* toLowerCase treats a sigma by its neighbours: a name's final sigma is kept one way for all. */
static void fold_sigma(struct text16 *t)
{
	for (int32_t i = 0; i < t->n; i++)
		if (t->u[i] == 0x3c2)
			t->u[i] = 0x3c3;
}

static bool has_forbidden(const struct text16 *t)
{
	for (int32_t i = 0; i < t->n; i++)
		if (t->u[i] < 0x80 && local_forbidden((char)t->u[i]))
			return true;
	return false;
}

/* Once through the rules of UsernameCaseMapped (RFC 8265 3.3.2, 3.3.3). */
static bool map_local(const struct text16 *in, struct text16 *out)
{
	map_width(in, out);
	if (!valid_text(out, IDENTIFIER_ANY_CONTEXT) || !map_case_nfc(out))
		return false;
	fold_sigma(out);
	return !has_forbidden(out) && valid_text(out, IDENTIFIER) && bidi_ok(out);
}

static bool same16(const struct text16 *x, const struct text16 *y)
{
	return x->n == y->n && u_memcmp(x->u, y->u, x->n) == 0;
}

int jid_prep_local(struct arena *a, struct str text, struct str *ret)
{
	struct text16 t[2];
	int r, now = 0;

	if (text.n == 0 || text.n > LIMIT_JID_PART || !utf8_valid(text))
		return ERR_JID;
	r = ascii_local(a, text, ret);
	if (r)
		return r < 0 ? r : 0;
	if (!get_tools()->ok)
		return ERR_NOMEM;
	if (!to16(text, &t[0]))
		return ERR_JID;
	/* RFC 8264 7: applied again until nothing changes, at most three more times. */
	for (int tries = 0; tries < 4; tries++) {
		if (!map_local(&t[now], &t[!now]))
			return ERR_JID;
		now = !now;
		if (tries > 0 && same16(&t[0], &t[1]))
			return from16(a, &t[now], ret);
	}
	return ERR_JID;
}

int jid_prep_resource(struct arena *a, struct str text, struct str *ret)
{
	struct text16 in, t;
	UErrorCode e = U_ZERO_ERROR;
	bool ascii = true;

	if (text.n == 0 || text.n > LIMIT_JID_PART || !utf8_valid(text))
		return ERR_JID;
	for (size_t i = 0; i < text.n; i++) {
		if ((uint8_t)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return ERR_JID;
		ascii = ascii && (uint8_t)text.p[i] < 0x80;
	}
	if (ascii) {
		struct str s = arena_str(a, text);

		if (!s.p)
			return ERR_LIMIT;
		*ret = s;
		return 0;
	}
	if (!get_tools()->ok)
		return ERR_NOMEM;
	if (!to16(text, &in))
		return ERR_JID;
	for (int32_t i = 0; i < in.n; i++)
		if (u_charType(in.u[i]) == U_SPACE_SEPARATOR)
			in.u[i] = ' ';
	t.n = unorm2_normalize(get_tools()->nfc, in.u, in.n, t.u, UNITS, &e);
	if (U_FAILURE(e) || !valid_text(&t, FREEFORM))
		return ERR_JID;
	return from16(a, &t, ret);
}

/* "[v6]" in its one form (RFC 5952). An IPv4 address passes as the labels it looks like. */
static int ip_literal(struct arena *a, struct str s, struct str *ret)
{
	char z[INET6_ADDRSTRLEN], out[INET6_ADDRSTRLEN];
	uint8_t bin[16];
	struct str r;

	if (s.n < 4 || s.n - 2 >= sizeof(z) || s.p[s.n - 1] != ']' || memchr(s.p, 0, s.n))
		return ERR_JID;
	memcpy(z, s.p + 1, s.n - 2);
	z[s.n - 2] = 0;
	if (inet_pton(AF_INET6, z, bin) != 1 || !inet_ntop(AF_INET6, bin, out, sizeof(out)))
		return ERR_JID;
	r = arena_printf(a, "[%s]", out);
	if (!r.p)
		return ERR_LIMIT;
	*ret = r;
	return 0;
}

/* Letters, digits and inner hyphens; 0: has to go through UTS 46 (an A-label, or not ASCII). */
static int ascii_domain(struct arena *a, struct str s, struct str *ret)
{
	size_t label = 0;
	char *p = arena_dup(a, s.p, s.n);

	if (!p)
		return ERR_LIMIT;
	for (size_t i = 0; i <= s.n; i++) {
		char c = i < s.n ? p[i] : '.';

		if ((uint8_t)c >= 0x80)
			return 0;
		if (c == '.') {
			size_t n = i - label;

			if (n == 0 || n > 63 || p[label] == '-' || p[i - 1] == '-')
				return ERR_JID;
			if (n >= 4 && memcmp(p + label + 2, "--", 2) == 0)
				return 0;
			label = i + 1;
			continue;
		}
		if (c >= 'A' && c <= 'Z')
			p[i] = (char)(c + 32);
		else if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return ERR_JID;
	}
	if (s.n > 253)
		return ERR_JID;
	*ret = str_make(p, s.n);
	return 1;
}

/* UTS 46 allows symbols that IDNA 2008 does not. */
static bool idna_letters(struct str s)
{
	struct text16 t;

	if (!to16(s, &t))
		return false;
	for (int32_t i = 0; i < t.n; i++)
		if (t.u[i] < 0x80 && (t.u[i] == '@' || t.u[i] == '/'))
			return false;
	return valid_text(&t, IDENTIFIER_ANY_CONTEXT);
}

/* One pass to U-labels; the name must also fit the DNS. A dot that was written in another script may end it. */
static bool to_unicode(struct str text, char *ret, size_t cap, size_t *ret_n)
{
	char ascii[512];
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode e = U_ZERO_ERROR;
	int32_t n = uidna_nameToUnicodeUTF8(get_tools()->idna, text.p, (int32_t)text.n, ret, (int32_t)cap, &info, &e), m;

	if (U_FAILURE(e) || info.errors || n <= 0 || (size_t)n > cap)
		return false;
	if (ret[n - 1] == '.')
		n--;
	m = uidna_nameToASCII_UTF8(get_tools()->idna, ret, n, ascii, sizeof(ascii), &info, &e);
	if (n == 0 || U_FAILURE(e) || info.errors || m > 253)
		return false;
	*ret_n = (size_t)n;
	return true;
}

static int unicode_domain(struct arena *a, struct str text, bool dotted, struct str *ret)
{
	char once[LIMIT_JID_PART + 1], again[LIMIT_JID_PART + 1];
	size_t n, m;
	struct str s;

	if (!get_tools()->ok)
		return ERR_NOMEM;
	if (!to_unicode(text, once, LIMIT_JID_PART, &n) || !to_unicode(str_make(once, n), again, LIMIT_JID_PART, &m))
		return ERR_JID;
	s = str_make(once, n);
	if (!str_eq(s, str_make(again, m)) || !idna_letters(s))
		return ERR_JID;
	/* Two dots at the end are none. */
	if (dotted && (text.p[text.n - 1] == '.' || str_ends(text, STR("\u3002")) || str_ends(text, STR("\uff0e")) ||
		       str_ends(text, STR("\uff61"))))
		return ERR_JID;
	s = arena_str(a, s);
	if (!s.p)
		return ERR_LIMIT;
	*ret = s;
	return 0;
}

int jid_domain_ascii(struct arena *a, struct str domain, struct str *ret)
{
	char ascii[512];
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode e = U_ZERO_ERROR;
	int32_t n;

	if (!get_tools()->ok)
		return ERR_NOMEM;
	n = domain.n > 0 && domain.n <= LIMIT_JID_PART ?
		    uidna_nameToASCII_UTF8(get_tools()->idna, domain.p, (int32_t)domain.n, ascii, sizeof(ascii), &info, &e) : 0;
	if (n <= 0 || n > 253 || U_FAILURE(e) || info.errors)
		return ERR_JID;
	*ret = arena_str(a, str_make(ascii, (size_t)n));
	return ret->p ? 0 : ERR_LIMIT;
}

int jid_prep_domain(struct arena *a, struct str text, struct str *ret)
{
	bool dotted = text.n && text.n <= LIMIT_JID_PART && text.p[text.n - 1] == '.';
	int r;

	if (dotted)
		text.n--;
	if (text.n == 0 || text.n > LIMIT_JID_PART || !utf8_valid(text))
		return ERR_JID;
	if (text.p[0] == '[')
		return ip_literal(a, text, ret);
	r = ascii_domain(a, text, ret);
	if (r)
		return r < 0 ? r : 0;
	return unicode_domain(a, text, dotted, ret);
}

static bool skeleton16(struct text16 *t)
{
	struct text16 out;
	UErrorCode e = U_ZERO_ERROR;

	out.n = uspoof_getSkeleton(get_tools()->spoof, 0, t->u, t->n, out.u, UNITS, &e);
	if (U_FAILURE(e))
		return false;
	t->n = u_strToLower(t->u, UNITS, out.u, out.n, "", &e);
	return U_SUCCESS(e);
}

/* The skeleton of a digit may be a capital letter: lower case and once more, until "0" and "o" have met. */
int jid_skeleton(struct arena *a, struct str local, struct str *ret)
{
	char bytes[UNITS * 3];
	struct text16 t;
	UErrorCode e = U_ZERO_ERROR;
	struct str s;
	int32_t n;

	if (local.n > LIMIT_JID_PART || !utf8_valid(local))
		return ERR_JID;
	if (!get_tools()->ok)
		return ERR_NOMEM;
	if (!to16(local, &t) || !skeleton16(&t) || !skeleton16(&t))
		return ERR_JID;
	u_strToUTF8(bytes, sizeof(bytes), &n, t.u, t.n, &e);
	if (U_FAILURE(e))
		return ERR_JID;
	s = arena_str(a, str_make(bytes, (size_t)n));
	if (!s.p)
		return ERR_LIMIT;
	*ret = s;
	return 0;
}

/* The three parts, put together in one piece of memory. */
static int assemble(struct arena *a, struct str local, struct str domain, struct str resource, struct jid *ret)
{
	size_t at = local.n > 0, slash = resource.n > 0, bare = local.n + at + domain.n;
	char *p = arena_alloc(a, bare + slash + resource.n + 1);

	if (!p)
		return ERR_LIMIT;
	memcpy(p, local.p, local.n);
	if (at)
		p[local.n] = '@';
	memcpy(p + local.n + at, domain.p, domain.n);
	if (slash)
		p[bare] = '/';
	memcpy(p + bare + slash, resource.p, resource.n);
	*ret = (struct jid){
		.full = str_make(p, bare + slash + resource.n),
		.bare = str_make(p, bare),
		.local = str_make(p, local.n),
		.domain = str_make(p + local.n + at, domain.n),
		.resource = str_make(p + bare + slash, resource.n),
	};
	return 0;
}

/* RFC 7622 3.1: the resource begins at the first '/', the local part ends at the first '@' before it. */
int jid_parse(struct arena *a, struct str text, struct jid *ret)
{
	ptrdiff_t slash = str_find_char(text, '/'), at;
	struct str bare = slash < 0 ? text : str_make(text.p, (size_t)slash), local = STR_NONE, domain, resource = STR_NONE;
	int r = 0;

	if (text.n == 0 || text.n > LIMIT_JID)
		return ERR_JID;
	at = str_find_char(bare, '@');
	if (at >= 0)
		r = jid_prep_local(a, str_make(bare.p, (size_t)at), &local);
	if (r == 0)
		r = jid_prep_domain(a, str_cut(bare, (size_t)(at + 1)), &domain);
	if (r == 0 && slash >= 0)
		r = jid_prep_resource(a, str_cut(text, (size_t)slash + 1), &resource);
	return r < 0 ? r : assemble(a, local, domain, resource, ret);
}
