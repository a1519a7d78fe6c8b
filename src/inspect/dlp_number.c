/* dlp_number.c - see dlp_number.h. Every reader: the digits, their number and grouping, then the check. */
#include "inspect/dlp_number.h"

#include <stdio.h>

#define DIGITS 24
#define CONTEXT 40		/* bytes before a number in which a word may say what it is */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c)
{
	return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z') || c == '_';
}

static char at(struct str t, size_t i)
{
	return i < t.n ? t.p[i] : '\0';
}

/* Part of something longer: a decimal, a version, an address. */
static bool goes_on(struct str t, size_t end)
{
	return is_alnum(at(t, end)) || ((at(t, end) == '.' || at(t, end) == '-' || at(t, end) == ',') && is_digit(at(t, end + 1)));
}

static bool begins_inside(struct str t, size_t from)
{
	if (from == 0)
		return false;
	return is_alnum(t.p[from - 1]) || ((t.p[from - 1] == '.' || t.p[from - 1] == '-' || t.p[from - 1] == ',') && from > 1 && is_digit(t.p[from - 2]));
}

/* Exactly n digits with separators of 'seps' between them, wherever; 0 when they are not there. */
static size_t digits(struct str t, size_t from, unsigned n, const char *seps, char *ret)
{
	unsigned got = 0;
	size_t i = from;

	for (; got < n; i++) {
		if (is_digit(at(t, i)))
			ret[got++] = t.p[i];
		else if (i == from || at(t, i) == '\0' || !strchr(seps, at(t, i)) || !is_digit(at(t, i + 1)))
			return 0;
	}
	ret[n] = '\0';
	return begins_inside(t, from) || goes_on(t, i) ? 0 : i;
}

static unsigned number(const char *d, unsigned n)
{
	unsigned v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v * 10 + (unsigned)(d[i] - '0');
	return v;
}

static bool luhn(const char *d, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned v = (unsigned)(d[n - 1 - i] - '0');

		sum += i % 2 ? (v > 4 ? 2 * v - 9 : 2 * v) : v;
	}
	return sum % 10 == 0;
}

static bool is_day(unsigned day, unsigned month)
{
	return day >= 1 && day <= 31 && month >= 1 && month <= 12;
}

static size_t say(size_t end, const char *what, const char *last, char label[DLP_LABEL])
{
	snprintf(label, DLP_LABEL, "%s, ends in %s", what, last);
	return end;
}

/* --- cards ---------------------------------------------------------------------------------------------------- */

struct issuer {
	unsigned low, high, width;	/* of the leading digits */
	unsigned lengths;		/* a bit for each number of digits */
	const char *name;
};

#define LEN(n) (1u << (n))

static const struct issuer issuers[] = {
	{ 34, 34, 2, LEN(15), "American Express card" }, { 37, 37, 2, LEN(15), "American Express card" },
	{ 300, 305, 3, LEN(14), "Diners card" }, { 36, 36, 2, LEN(14), "Diners card" }, { 38, 39, 2, LEN(14), "Diners card" },
	{ 3528, 3589, 4, LEN(16), "JCB card" }, { 51, 55, 2, LEN(16), "Mastercard" }, { 2221, 2720, 4, LEN(16), "Mastercard" },
	{ 6011, 6011, 4, LEN(16), "Discover card" }, { 644, 659, 3, LEN(16), "Discover card" },
	{ 62, 62, 2, LEN(16) | LEN(17) | LEN(18) | LEN(19), "UnionPay card" }, { 4, 4, 1, LEN(13) | LEN(16) | LEN(19), "Visa card" },
};

static const struct issuer *issuer_of(const char *d, unsigned n)
{
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
		unsigned lead = number(d, issuers[i].width);

		if (lead >= issuers[i].low && lead <= issuers[i].high && issuers[i].lengths & LEN(n))
			return &issuers[i];
	}
	return NULL;
}

/* As cards are written: in one piece, in fours, or 4-6-5 and 4-6-4. */
static bool grouped(const unsigned char *groups, unsigned n)
{
	if (n <= 1)
		return true;
	if (n == 3 && groups[0] == 4 && groups[1] == 6 && (groups[2] == 5 || groups[2] == 4))
		return true;
	for (unsigned i = 0; i + 1 < n; i++)
		if (groups[i] != 4)
			return false;
	return groups[n - 1] <= 4;
}

/* Test numbers of one digit over and over are nobody's. */
static bool varied(const char *d, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (d[i] != d[0])
			return true;
	return false;
}

size_t dlp_number_card(struct str text, size_t from, char label[DLP_LABEL])
{
	char d[DIGITS], sep = '\0';
	unsigned char groups[DIGITS] = { 0 };
	unsigned n = 0, n_groups = 0;
	size_t i = from, end = 0;

	if (begins_inside(text, from))
		return 0;
	while (n < 19 && n_groups < DIGITS) {
		while (n < 19 && is_digit(at(text, i))) {
			d[n++] = text.p[i++];
			groups[n_groups]++;
		}
		n_groups++;
		d[n] = '\0';
		if (n >= 13 && !goes_on(text, i) && grouped(groups, n_groups) && luhn(d, n) && varied(d, n) && issuer_of(d, n))
			end = say(i, issuer_of(d, n)->name, d + n - 4, label);
		if ((at(text, i) != ' ' && at(text, i) != '-') || (sep && at(text, i) != sep) || !is_digit(at(text, i + 1)))
			break;
		sep = text.p[i++];
	}
	return end;
}

/* --- IBAN ------------------------------------------------------------------------------------------------------ */

static unsigned iban_length(const char *country)
{
	static const struct { char country[3]; unsigned char n; } lengths[] = {
		{ "AD", 24 }, { "AE", 23 }, { "AL", 28 }, { "AT", 20 }, { "AZ", 28 }, { "BA", 20 }, { "BE", 16 }, { "BG", 22 }, { "BH", 22 },
		{ "BR", 29 }, { "BY", 28 }, { "CH", 21 }, { "CR", 22 }, { "CY", 28 }, { "CZ", 24 }, { "DE", 22 }, { "DK", 18 }, { "DO", 28 },
		{ "EE", 20 }, { "EG", 29 }, { "ES", 24 }, { "FI", 18 }, { "FO", 18 }, { "FR", 27 }, { "GB", 22 }, { "GE", 22 }, { "GI", 23 },
		{ "GL", 18 }, { "GR", 27 }, { "GT", 28 }, { "HR", 21 }, { "HU", 28 }, { "IE", 22 }, { "IL", 23 }, { "IS", 26 }, { "IT", 27 },
		{ "JO", 30 }, { "KW", 30 }, { "KZ", 20 }, { "LB", 28 }, { "LI", 21 }, { "LT", 20 }, { "LU", 20 }, { "LV", 21 }, { "MC", 27 },
		{ "MD", 24 }, { "ME", 22 }, { "MK", 19 }, { "MR", 27 }, { "MT", 31 }, { "MU", 30 }, { "NL", 18 }, { "NO", 15 }, { "PK", 24 },
		{ "PL", 28 }, { "PS", 29 }, { "PT", 25 }, { "QA", 29 }, { "RO", 24 }, { "RS", 22 }, { "SA", 24 }, { "SE", 24 }, { "SI", 19 },
		{ "SK", 24 }, { "SM", 27 }, { "TN", 24 }, { "TR", 26 }, { "UA", 29 }, { "VG", 24 }, { "XK", 20 },
	};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		if (memcmp(lengths[i].country, country, 2) == 0)
			return lengths[i].n;
	return 0;
}

static unsigned mod97(const char *v, unsigned n, unsigned rest)
{
	for (unsigned i = 0; i < n; i++)
		rest = is_digit(v[i]) ? (rest * 10 + (unsigned)(v[i] - '0')) % 97 : (rest * 100 + (unsigned)(v[i] - 'A') + 10) % 97;
	return rest;
}

size_t dlp_number_iban(struct str text, size_t from, char label[DLP_LABEL])
{
	char v[40], what[16], country[2];
	unsigned n = 0, length;
	size_t i = from;

	if (begins_inside(text, from) || from + 2 > text.n)
		return 0;
	for (unsigned k = 0; k < 2; k++)
		country[k] = (char)(text.p[from + k] & ~0x20);
	length = iban_length(country);
	for (; n < length; i++) {
		char c = at(text, i);

		if (is_digit(c) || is_upper(c))
			v[n++] = c;
		else if (c >= 'a' && c <= 'z')
			v[n++] = (char)(c - 32);
		else if (c != ' ' || n % 4 != 0)
			return 0;
	}
	if (length == 0 || is_alnum(at(text, i)) || mod97(v, 4, mod97(v + 4, n - 4, 0)) != 1)
		return 0;
	v[n] = '\0';
	snprintf(what, sizeof(what), "IBAN of %.2s", v);
	return say(i, what, v + n - 4, label);
}

/* --- identity numbers --------------------------------------------------------------------------------------------- */

size_t dlp_number_us_ssn(struct str text, size_t from, char label[DLP_LABEL])
{
	char d[10];
	size_t end = at(text, from + 3) == '-' && at(text, from + 6) == '-' ? digits(text, from, 9, "-", d) : 0;

	/* Never given out: 000, 666 and 9xx, 00, 0000; and two that were printed in advertisements. */
	if (end != from + 11 || number(d, 3) == 0 || number(d, 3) == 666 || d[0] == '9' || number(d + 3, 2) == 0 || number(d + 5, 4) == 0 ||
	    !strcmp(d, "078051120") || !strcmp(d, "219099999") || !strcmp(d, "123456789"))
		return 0;
	return say(end, "US social security number", d + 7, label);
}

size_t dlp_number_uk_nino(struct str text, size_t from, char label[DLP_LABEL])
{
	static const char *const never[] = { "BG", "GB", "KN", "NK", "NT", "TN", "ZZ" };
	char v[10];
	unsigned n = 0;
	size_t i = from;

	for (; n < 9 && i < text.n; i++) {
		if (is_alnum(text.p[i]))
			v[n++] = text.p[i];
		else if (text.p[i] != ' ')
			break;
	}
	if (n < 9 || begins_inside(text, from) || is_alnum(at(text, i)) || strchr("DFIQUV", v[0]) || strchr("DFIOQUV", v[1]) || v[8] < 'A' || v[8] > 'D')
		return 0;
	for (unsigned k = 2; k < 8; k++)
		if (!is_digit(v[k]))
			return 0;
	for (size_t k = 0; k < sizeof(never) / sizeof(never[0]); k++)
		if (memcmp(v, never[k], 2) == 0)
			return 0;
	v[9] = '\0';
	return say(i, "UK national insurance number", v + 7, label);
}

size_t dlp_number_fr_nir(struct str text, size_t from, char label[DLP_LABEL])
{
	char d[16];
	size_t end = digits(text, from, 15, " ", d);
	unsigned long long v = 0;

	if (!end || (d[0] != '1' && d[0] != '2') || !is_day(1, number(d + 3, 2)))
		return 0;
	for (unsigned i = 0; i < 13; i++)
		v = v * 10 + (unsigned)(d[i] - '0');
	return 97 - v % 97 == number(d + 13, 2) ? say(end, "French social security number", d + 13, label) : 0;
}

size_t dlp_number_it_codice(struct str text, size_t from, char label[DLP_LABEL])
{
	/* What a character in an odd place counts for: of 0-9 and A-J, then of K-Z (DM 12/3/1974). */
	static const unsigned char odd[36] = { 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8,
					       12, 14, 16, 10, 22, 25, 24, 23 };
	char v[17] = "";
	unsigned sum = 0;

	if (from + 16 > text.n || begins_inside(text, from) || is_alnum(at(text, from + 16)))
		return 0;
	for (unsigned i = 0; i < 16; i++) {
		char c = text.p[from + i];

		v[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		if (!is_digit(v[i]) && !is_upper(v[i]))
			return 0;
		if (i < 15)
			sum += i % 2 == 0 ? odd[is_digit(v[i]) ? v[i] - '0' : v[i] - 'A' + 10] : (unsigned)(is_digit(v[i]) ? v[i] - '0' : v[i] - 'A');
	}
	if (!strchr("ABCDEHLMPRST", v[8]) || v[15] != (char)('A' + sum % 26))
		return 0;
	return say(from + 16, "Italian tax code", v + 14, label);
}

size_t dlp_number_es_dni(struct str text, size_t from, char label[DLP_LABEL])
{
	static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
	char d[9], last[4];
	bool foreigner = strchr("XYZ", at(text, from)) && at(text, from);
	size_t i = from;
	unsigned n = 0;

	if (begins_inside(text, from))
		return 0;
	if (foreigner)
		d[n++] = (char)('0' + (text.p[i++] - 'X'));
	while (n < 8 && is_digit(at(text, i)))
		d[n++] = text.p[i++];
	if (at(text, i) == '-')
		i++;
	if (n < 8 || is_alnum(at(text, i + 1)) || at(text, i) != letters[number(d, 8) % 23])
		return 0;
	snprintf(last, sizeof(last), "%c%c", d[7], text.p[i]);
	return say(i + 1, "Spanish identity number", last, label);
}

size_t dlp_number_ch_ahv(struct str text, size_t from, char label[DLP_LABEL])
{
	char d[14];
	size_t end = at(text, from + 3) == '.' ? digits(text, from, 13, ".", d) : 0;
	unsigned sum = 0;

	if (!end || number(d, 3) != 756)
		return 0;
	for (unsigned i = 0; i < 12; i++)
		sum += (unsigned)(d[i] - '0') * (i % 2 ? 3 : 1);
	return (10 - sum % 10) % 10 == (unsigned)(d[12] - '0') ? say(end, "Swiss AHV number", d + 11, label) : 0;
}

size_t dlp_number_se_pnr(struct str text, size_t from, char label[DLP_LABEL])
{
	char d[13];
	bool century = is_digit(at(text, from + 6));
	size_t dash = from + (century ? 8 : 6), end;
	const char *v = century ? d + 2 : d;

	if (at(text, dash) != '-')
		return 0;
	end = digits(text, from, century ? 12 : 10, "-", d);
	if (end != dash + 5 || !is_day(number(v + 4, 2), number(v + 2, 2)) || !luhn(v, 10))
		return 0;
	return say(end, "Swedish identity number", v + 8, label);
}

size_t dlp_number_fi_hetu(struct str text, size_t from, char label[DLP_LABEL])
{
	static const char check[] = "0123456789ABCDEFHJKLMNPRSTUVWXY";
	char d[10], last[3];

	if (from + 11 > text.n || begins_inside(text, from) || is_alnum(at(text, from + 11)) || !strchr("+-ABCDEFYXWVU", text.p[from + 6]))
		return 0;
	for (unsigned i = 0, n = 0; i < 10; i++) {
		if (i == 6)
			continue;
		if (!is_digit(text.p[from + i]))
			return 0;
		d[n++] = text.p[from + i];
	}
	if (!is_day(number(d, 2), number(d + 2, 2)) || text.p[from + 10] != check[number(d, 9) % 31])
		return 0;
	snprintf(last, sizeof(last), "%.2s", text.p + from + 9);
	return say(from + 11, "Finnish identity number", last, label);
}

/* Is one of the words, separated by '|', within CONTEXT bytes before? */
static bool said_before(struct str text, size_t from, const char *words)
{
	struct str before = from > CONTEXT ? str_make(text.p + from - CONTEXT, CONTEXT) : str_make(text.p, from);

	for (const char *w = words; *w;) {
		size_t n = strcspn(w, "|");

		for (size_t i = 0; i + n <= before.n; i++)
			if (str_eq_nocase(str_make(before.p + i, n), str_make(w, n)))
				return true;
		w += n + (w[n] == '|');
	}
	return false;
}

size_t dlp_number_de_idnr(struct str text, size_t from, char label[DLP_LABEL])
{
	char d[12];
	size_t end = digits(text, from, 11, " ", d);
	unsigned product = 10;

	if (!end || d[0] == '0' || !said_before(text, from, "steuer|idnr|id-nr|tax id|tin"))
		return 0;
	for (unsigned i = 0; i < 10; i++) {	/* ISO 7064, MOD 11,10 */
		unsigned sum = ((unsigned)(d[i] - '0') + product) % 10;

		product = 2 * (sum ? sum : 10) % 11;
	}
	return (11 - product) % 10 == (unsigned)(d[10] - '0') ? say(end, "German tax number", d + 9, label) : 0;
}

size_t dlp_number_nl_bsn(struct str text, size_t from, char label[DLP_LABEL])
{
	char d[10];
	size_t end = digits(text, from, 9, " .", d);
	int sum = 0;

	if (!end || !said_before(text, from, "bsn|burgerservice|sofi"))
		return 0;
	for (int i = 0; i < 9; i++)
		sum += (d[i] - '0') * (i == 8 ? -1 : 9 - i);
	return sum % 11 == 0 && number(d, 9) ? say(end, "Dutch citizen service number", d + 7, label) : 0;
}

size_t dlp_number_pl_pesel(struct str text, size_t from, char label[DLP_LABEL])
{
	static const unsigned char weights[] = { 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1 };
	char d[12];
	size_t end = digits(text, from, 11, " ", d);
	unsigned sum = 0;

	if (!end || !said_before(text, from, "pesel") || !is_day(number(d + 4, 2), number(d + 2, 2) % 20))
		return 0;
	for (unsigned i = 0; i < 11; i++)
		sum += (unsigned)(d[i] - '0') * weights[i];
	return sum % 10 == 0 ? say(end, "Polish PESEL number", d + 9, label) : 0;
}
