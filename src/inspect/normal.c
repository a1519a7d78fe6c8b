/* normal.c - see normal.h. Passes over one array of folded characters: fold, join, undo, cut into tokens. */
#include "inspect/normal.h"

#include "base/utf8.h"
#include "inspect/normal_table.h"

#define HEAD_BYTES 3072			/* of a longer text; the rest of NORMAL_BYTES is its end */
#define SPACED_LETTERS 3		/* "w i n" */
#define LEET_WORDS 2			/* with a digit amid letters: then the whole text is read as leet */
#define ALIEN_LETTERS 4			/* beside Latin ones: the same */

static bool alnum(uint32_t e) { return e & (NF_LETTER | NF_DIGIT); }
static uint32_t ch(uint32_t e) { return e & NF_CHAR; }

/* --- fold ------------------------------------------------------------------------------------------------------------------ */

static void fold_piece(const struct normal_table *t, struct str s, struct normal *n)
{
	for (size_t at = 0; at < s.n && n->n < NORMAL_CHARS;) {
		uint32_t cp = utf8_next(s, &at), e;

		e = cp < NORMAL_PLANES ? t->e[cp] : cp >= 0xe0000 && cp < 0xe1000 ? NF_DROP : cp | NF_LETTER | NF_HAN;
		n->lines += cp == '\n';
		if (e & NF_DROP) {
			n->marks += !!(e & NF_MARK);
			n->invisible += !(e & NF_MARK) && cp != 0xfe0f && cp != 0x200d;	/* those two draw emoji */
			continue;
		}
		n->letters += !!(e & NF_LETTER);
		n->upper += !!(e & NF_UPPER);
		n->digits += !!(e & NF_DIGIT);
		n->styled += !!(e & NF_STYLED);
		n->emoji += !!(e & NF_EMOJI);
		n->exclaim += ch(e) == '!';
		n->c[n->n++] = e;
	}
}

static void fold(const struct normal_table *t, struct str text, struct normal *n)
{
	size_t head = HEAD_BYTES, tail = text.n - (NORMAL_BYTES - HEAD_BYTES);

	if (text.n <= NORMAL_BYTES) {
		fold_piece(t, text, n);
		return;
	}
	n->cut = true;
	while (head > 0 && ((uint8_t)text.p[head] & 0xc0) == 0x80)
		head--;
	while (tail < text.n && ((uint8_t)text.p[tail] & 0xc0) == 0x80)
		tail++;
	fold_piece(t, str_make(text.p, head), n);
	if (n->n < NORMAL_CHARS)
		n->c[n->n++] = ' ' | NF_SPACE;
	fold_piece(t, str_cut(text, tail), n);
}

/* --- undo: brackets around dots, letters apart, letters repeated ---------------------------------------------------------------- */

static bool is_at(const struct normal *n, unsigned at, const char *z)
{
	unsigned i = 0;

	for (; z[i] && at + i < n->n; i++)
		if (ch(n->c[at + i]) != (uint32_t)(uint8_t)z[i])
			return false;
	return !z[i];
}

/* "[.]", "(dot)" and the like at 'at': how long; 0: none. */
static unsigned bracket_dot(const struct normal *n, unsigned at)
{
	static const char *const forms[] = { "[.]", "(.)", "{.}", "[dot]", "(dot)", "{dot}", "[:]", "[/]", "[at]", "(at)" };

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (is_at(n, at, forms[i]))
			return (unsigned)strlen(forms[i]);
	return 0;
}

static bool is_suffix(const uint32_t *c, unsigned n)
{
	static const char *const known[] = { "com", "net", "org", "info", "biz", "ru", "me", "co", "io", "uk", "de", "fr", "cn", "in", "us", "eu", "to",
		"tk", "ml", "ga", "cf", "gq", "xyz", "top", "club", "online", "site", "shop", "live", "app", "link", "click", "ly", "gl", "gd", "tv",
		"cc", "ws", "pro", "vip", "win", "bid", "work", "ltd", "store", "space", "website", "fun", "icu", "su", "ua", "by", "kz", "pl", "nl",
		"be", "it", "es", "pt", "br", "mx", "jp", "kr", "hk", "tw", "sg", "id", "my", "au", "nz", "ca", "ch", "at", "se", "no", "dk", "fi",
		"cz", "sk", "hu", "ro", "bg", "gr", "tr", "il", "za", "ng", "edu", "gov", "mobi", "name", "dev", "page", "gift", "money", "cash",
		"finance", "trade", "chat", "social", "cloud", "host", "test", "example", "gg", "lv", "lt", "ee" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		unsigned k = 0;

		while (k < n && known[i][k] && ch(c[k]) == (uint32_t)(uint8_t)known[i][k])
			k++;
		if (k == n && !known[i][k])
			return true;
	}
	return false;
}

/* "example dot com": the blank before; how long the whole is. */
static unsigned word_dot(const struct normal *n, unsigned at)
{
	unsigned k = at + 5;

	if (!is_at(n, at, " dot ") || at == 0 || !alnum(n->c[at - 1]))
		return 0;
	while (k < n->n && (n->c[k] & NF_LETTER))
		k++;
	return k > at + 5 && is_suffix(n->c + at + 5, k - at - 5) ? 5 : 0;
}

static void undo_dots(struct normal *n)
{
	unsigned out = 0;

	for (unsigned i = 0; i < n->n;) {
		unsigned w = ch(n->c[i]) == ' ' ? word_dot(n, i) : strchr("[({", (int)(ch(n->c[i]) < 0x80 ? ch(n->c[i]) : 'x')) ? bracket_dot(n, i) : 0;

		if (w) {
			n->c[out++] = ch(n->c[i + 1]) == ':' || ch(n->c[i + 1]) == '/' ? ch(n->c[i + 1]) : ch(n->c[i + 1]) == 'a' ? '@' : '.';
			n->defanged++;
			i += w;
		} else {
			n->c[out++] = n->c[i++];
		}
	}
	n->n = out;
}

/* Letters that stand alone with one and the same separator between them: how many from 'at'. */
static unsigned apart(const struct normal *n, unsigned at)
{
	uint32_t sep;
	unsigned count = 1, i = at;

	if (at + 4 >= n->n || (at > 0 && alnum(n->c[at - 1])))
		return 0;
	sep = n->c[at + 1];
	if (alnum(sep) || ch(sep) == '/' || ch(sep) == '\'')
		return 0;
	while (i + 2 < n->n && n->c[i + 1] == sep && (n->c[i + 2] & NF_LETTER) && !(n->c[i + 2] & NF_HAN) &&
	       (i + 3 >= n->n || n->c[i + 3] == sep || (n->c[i + 3] & NF_SPACE))) {
		i += 2;
		count++;
	}
	return count >= SPACED_LETTERS ? count : 0;
}

static void join_spaced(struct normal *n)
{
	unsigned out = 0;

	for (unsigned i = 0; i < n->n;) {
		unsigned count = (n->c[i] & NF_LETTER) && !(n->c[i] & NF_HAN) ? apart(n, i) : 0;

		if (count == 0) {
			n->c[out++] = n->c[i++];
			continue;
		}
		n->spaced++;
		for (unsigned k = 0; k < count; k++)
			n->c[out++] = n->c[i + 2 * k];
		i += 2 * count - 1;
	}
	n->n = out;
}

/* "freeee" becomes "free"; "!!!!" becomes "!". */
static void cut_repeats(struct normal *n)
{
	unsigned out = 0;

	for (unsigned i = 0; i < n->n; i++) {
		uint32_t c = ch(n->c[i]);

		if (out >= 2 && ch(n->c[out - 1]) == c && ch(n->c[out - 2]) == c && !(n->c[i] & NF_DIGIT) && c != 'w')
			continue;
		n->c[out++] = n->c[i];
	}
	n->n = out;
}

/* --- leet --------------------------------------------------------------------------------------------------------------------------- */

static uint32_t leet(uint32_t c)
{
	static const char from[] = "01345789@$!|", to[] = "oieastbgasii";
	const char *p = c && c < 0x80 ? strchr(from, (int)c) : NULL;

	return p ? (uint32_t)(uint8_t)to[p - from] : 0;
}

/* A digit or sign amid letters: "fr33dom", "c@sh"; mail addresses and versions are none. */
static unsigned inner_leet(const struct normal *n)
{
	unsigned count = 0;
	bool in_word = false;

	for (unsigned i = 1; i + 1 < n->n; i++) {
		if (n->c[i] & NF_SPACE) {
			in_word = false;
			continue;
		}
		if (in_word || !(n->c[i - 1] & NF_LETTER) || !leet(ch(n->c[i])))
			continue;
		if ((n->c[i + 1] & NF_LETTER) || (leet(ch(n->c[i + 1])) && i + 2 < n->n && (n->c[i + 2] & NF_LETTER))) {
			in_word = true;
			count++;
		}
	}
	return count;
}

/* Letters of another alphabet beside Latin ones: who writes so hides, and digits hide there, too. */
static unsigned alien(const struct normal *n)
{
	unsigned count = 0;

	for (unsigned i = 1; i < n->n; i++)
		count += ((n->c[i] & NF_ALIKE) && (n->c[i - 1] & NF_LATIN)) || ((n->c[i] & NF_LATIN) && (n->c[i - 1] & NF_ALIKE));
	return count;
}

static bool link_char(uint32_t c)
{
	return c == '/' || c == ':' || c == '.' || c == '?' || c == '=' || c == '&';
}

/* Reads digits as letters in every word that has letters, or is short, where enough words mix them. */
static void undo_leet(struct normal *n)
{
	unsigned words = 0;

	for (unsigned i = 0; i + 1 < n->n; i++)
		words += (n->c[i] & NF_SPACE) && !(n->c[i + 1] & NF_SPACE);
	n->leet = inner_leet(n);
	if (alien(n) < ALIEN_LETTERS && (n->leet < LEET_WORDS || n->leet * 10 < words))
		return;
	for (unsigned i = 0; i < n->n;) {
		unsigned end = i, letters = 0, codes = 0, other = 0;

		for (; end < n->n && !(n->c[end] & NF_SPACE); end++) {
			letters += !!(n->c[end] & NF_LETTER);
			codes += leet(ch(n->c[end])) != 0;
			other += link_char(ch(n->c[end])) && end + 1 < n->n && alnum(n->c[end + 1]);
		}
		if (codes > 0 && other == 0 && (letters > 0 ? codes <= 3 * letters + 1 : codes <= 2 && codes == end - i && ch(n->c[i]) != '$'))
			for (unsigned k = i; k < end; k++)
				if (leet(ch(n->c[k])) && !(k + 1 == end && ch(n->c[k]) == '!'))
					n->c[k] = leet(ch(n->c[k])) | NF_LETTER | NF_LATIN;
		i = end + 1;
	}
}

/* --- tokens ------------------------------------------------------------------------------------------------------------------------- */

static void token(struct normal *n, enum normal_kind kind, unsigned at, unsigned end)
{
	if (n->n_tokens < NORMAL_TOKENS && end > at)
		n->t[n->n_tokens++] = (struct normal_token){ .at = (uint16_t)at, .n = (uint16_t)(end - at), .kind = (uint8_t)kind };
}

/* A name of a host inside [at, end): labels, dots, a known suffix, then the end or a path. */
static bool is_host(const struct normal *n, unsigned at, unsigned end)
{
	unsigned dot = 0, i = at;

	for (; i < end && (alnum(n->c[i]) || ch(n->c[i]) == '-' || ch(n->c[i]) == '_' || ch(n->c[i]) == '.'); i++)
		if (ch(n->c[i]) == '.' && i > at && i + 1 < end && alnum(n->c[i + 1]))
			dot = i;
	if (dot == 0 || (i < end && ch(n->c[i]) != '/' && ch(n->c[i]) != ':' && ch(n->c[i]) != '?'))
		return false;
	while (i > dot + 1 && ch(n->c[i - 1]) == '.')
		i--;
	return is_suffix(n->c + dot + 1, i - dot - 1);
}

/* Is the word [at, end) a link? Its beginning without the scheme; ~0: no. */
static unsigned link_at(struct normal *n, unsigned at, unsigned end)
{
	for (unsigned i = at; i + 3 < end; i++)
		if (ch(n->c[i]) == ':' && ch(n->c[i + 1]) == '/' && ch(n->c[i + 2]) == '/') {
			if (i >= at + 4 && (ch(n->c[at + 1]) == 'x' || ch(n->c[at + 2]) == 'x'))
				n->defanged++;
			return i + 3;
		}
	while (at < end && !alnum(n->c[at]) && ch(n->c[at]) != '@')
		at++;
	while (end > at && !alnum(n->c[end - 1]) && ch(n->c[end - 1]) != '/')
		end--;
	if (end - at > 6 && is_at(n, at, "www."))
		return at;
	return is_host(n, at, end) ? at : ~0u;
}

static bool money_sign(uint32_t c)
{
	return c == '$' || c == 0xa3 || c == 0xa5 || (c >= 0x20a0 && c <= 0x20bf);
}

/* Digits with what stands between the groups of a telephone number: where it ends; 0: none. */
static unsigned phone_end(const struct normal *n, unsigned at)
{
	unsigned digits = 0, end = at, i = at;

	for (; i < n->n && digits < 16; i++) {
		uint32_t c = ch(n->c[i]);

		if (n->c[i] & NF_DIGIT) {
			digits++;
			end = i + 1;
		} else if (!(c == ' ' || c == '-' || c == '(' || c == ')' || (c == '+' && i == at)) || i > end + 1) {
			break;
		}
	}
	return digits >= 9 && digits <= 15 && (end == n->n || !alnum(n->c[end])) && (end + 1 >= n->n || ch(n->c[end]) != ':') ? end : 0;
}

static unsigned word_end(const struct normal *n, unsigned at, unsigned end)
{
	bool han = n->c[at] & NF_HAN;

	while (at < end && alnum(n->c[at]) && !(n->c[at] & NF_HAN) == !han)
		at++;
	return at;
}

/* Alphabets mixed within one word: one of them hides something. */
static bool is_mixed(const struct normal *n, unsigned at, unsigned end)
{
	uint32_t seen = 0;
	unsigned other = 0;

	for (unsigned i = at; i < end; i++) {
		seen |= n->c[i] & (NF_LATIN | NF_ALIKE);
		other += (n->c[i] & NF_LETTER) && !(n->c[i] & (NF_LATIN | NF_ALIKE));
	}
	return (seen & NF_LATIN) && ((seen & NF_ALIKE) || other > 0);
}

/* Digits count by how many they are, not by which. */
static void blur_digits(struct normal *n, unsigned at, unsigned end)
{
	for (unsigned i = at; i < end; i++)
		if (n->c[i] & NF_DIGIT)
			n->c[i] = '0' | NF_DIGIT;
}

static unsigned number(struct normal *n, unsigned at, unsigned end, bool money)
{
	unsigned i = at, phone = phone_end(n, at);

	if (phone && !money) {
		token(n, NORMAL_PHONE, at, phone);
		n->phones++;
		return phone;
	}
	while (i < end && (alnum(n->c[i]) || ((ch(n->c[i]) == '.' || ch(n->c[i]) == ',') && i + 1 < end && (n->c[i + 1] & NF_DIGIT))))
		i++;
	money = money || (i < n->n && money_sign(ch(n->c[i])));
	n->money += money;
	blur_digits(n, at, i);
	token(n, money ? NORMAL_MONEY : NORMAL_NUMBER, at, i);
	return i;
}

/* The words between two blanks. */
static void words(struct normal *n, unsigned at, unsigned end)
{
	bool money = false;

	while (at < end) {
		uint32_t e = n->c[at];
		unsigned i = at + 1;

		if (e & NF_DIGIT) {
			i = number(n, at, end, money);
		} else if (e & NF_LETTER) {
			i = word_end(n, at, end);
			n->mixed += !(e & NF_HAN) && is_mixed(n, at, i);
			blur_digits(n, at, i);
			token(n, e & NF_HAN ? NORMAL_HAN : NORMAL_WORD, at, i);
		} else if (e & NF_EMOJI) {
			token(n, NORMAL_EMOJI, at, i);
		} else if (money_sign(ch(e)) || ch(e) == '!' || ch(e) == '?' || ch(e) == '%') {
			token(n, NORMAL_SIGN, at, i);
		} else if (ch(e) == '+' && i < end && (n->c[i] & NF_DIGIT)) {
			i = number(n, at + 1, end, false);
		}
		money = i == at + 1 && money_sign(ch(e));
		at = i > at ? i : at + 1;
	}
}

/* One piece without blanks; where the next may begin (a telephone number goes over blanks). */
static void piece(struct normal *n, unsigned at, unsigned end)
{
	unsigned link = link_at(n, at, end), name = at;

	if (link != ~0u) {
		while (end > link && !alnum(n->c[end - 1]) && ch(n->c[end - 1]) != '/')
			end--;
		for (unsigned i = link; i < end; i++)
			if (ch(n->c[i]) == '@' && (link == at || i < link)) {
				token(n, NORMAL_MAIL, at, end);
				return;
			}
		token(n, NORMAL_LINK, link, end);
		n->links++;
		return;
	}
	while (name < end && !alnum(n->c[name]) && ch(n->c[name]) != '@')
		name++;
	if (name + 1 < end && ch(n->c[name]) == '@' && (n->c[name + 1] & NF_LETTER)) {
		/* "@user:" at the beginning only says to whom: every chat does that. */
		if (n->n_tokens > 0) {
			token(n, NORMAL_NAME, name, end);
			n->names++;
		}
		return;
	}
	for (unsigned i = name + 1; i + 1 < end; i++)
		if (ch(n->c[i]) == '@' && alnum(n->c[i - 1]) && is_host(n, i + 1, end)) {
			token(n, NORMAL_MAIL, name, end);
			return;
		}
	words(n, at, end);
}

static void cut_into_tokens(struct normal *n)
{
	for (unsigned i = 0; i < n->n;) {
		unsigned end = i;

		if (n->c[i] & NF_SPACE) {
			i++;
			continue;
		}
		while (end < n->n && !(n->c[end] & NF_SPACE))
			end++;
		piece(n, i, end);
		if (n->n_tokens > 0 && n->t[n->n_tokens - 1].kind == NORMAL_PHONE) {
			unsigned past = n->t[n->n_tokens - 1].at + n->t[n->n_tokens - 1].n;

			end = past > end ? past : end;
		}
		i = end;
	}
	for (unsigned i = 0; i < n->n; i++)
		n->c[i] = ch(n->c[i]);
}

void normal_text(const struct normal_table *t, struct str text, struct normal *ret)
{
	memset((char *)ret + offsetof(struct normal, n_tokens), 0, sizeof(*ret) - offsetof(struct normal, n_tokens));
	ret->n = 0;
	fold(t, text, ret);
	undo_dots(ret);
	join_spaced(ret);
	undo_leet(ret);
	cut_repeats(ret);
	cut_into_tokens(ret);
}

size_t normal_put(const struct normal *n, const struct normal_token *t, char *ret, size_t max)
{
	size_t out = 0;

	for (unsigned i = t->at; i < (unsigned)t->at + t->n && i < n->n; i++) {
		char u[4];
		uint32_t c = n->c[i];
		size_t k = utf8_put(c < 0x110000 && (c < 0xd800 || c > 0xdfff) ? c : '?', u);

		if (out + k > max)
			break;
		memcpy(ret + out, u, k);
		out += k;
	}
	return out;
}
