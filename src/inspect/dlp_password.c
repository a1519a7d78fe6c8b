/* dlp_password.c - see dlp_password.h. */
#include "inspect/dlp_password.h"

struct list {
	struct str *v;
	unsigned n;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void add(struct list *l, struct str s)
{
	if (s.n < DLP_PASSWORD_LEAST || s.n > DLP_PASSWORD_MOST || l->n == DLP_PASSWORD_CANDIDATES)
		return;
	for (unsigned i = 0; i < l->n; i++)
		if (str_eq(l->v[i], s))
			return;
	l->v[l->n++] = s;
}

/* Two kinds of characters at least; addresses of pages and people, paths and times are written all day. */
static bool looks_like_one(struct str s)
{
	bool lower = false, upper = false, digit = false, other = false;

	while (s.n && strchr(".,;:!?)\"'", s.p[s.n - 1]))
		s.n--;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		lower |= c >= 'a' && c <= 'z';
		upper |= c >= 'A' && c <= 'Z' && i > 0;		/* a capital in front is a sentence's */
		digit |= c >= '0' && c <= '9';
		other |= (unsigned char)c < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9');
	}
	return lower + upper + digit + other >= 2 && (lower || upper) && str_find(s, STR("://")) < 0 && !str_starts(s, STR("www.")) && s.p[0] != '/';
}

static bool says_password(struct str text)
{
	static const char *const words[] = { "password", "passwort", "kennwort", "passwd", "passphrase", "pwd", "login", "credential", "mot de passe",
					     "contrase", "wachtwoord", "senha", "parola", "пароль" };

	for (size_t i = 0; i < text.n; i++)
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
			size_t n = ((text.p[i] ^ words[w][0]) & ~0x20) ? 0 : strlen(words[w]);

			if (n && i + n <= text.n && str_eq_nocase(str_make(text.p + i, n), str_of(words[w])))
				return true;
		}
	return false;
}

static unsigned count_tokens(struct str text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += !is_space(text.p[i]) && (i == 0 || is_space(text.p[i - 1]));
	return n;
}

/* As it stands, and without what a sentence puts around it. */
static void add_both(struct list *l, struct str s)
{
	add(l, s);
	while (s.n && strchr("\"'`([{<", s.p[0]))
		s = str_cut(s, 1);
	while (s.n && strchr("\"'`)]}>.,;:!?", s.p[s.n - 1]))
		s.n--;
	add(l, s);
}

static void add_token(struct list *l, struct str s)
{
	ptrdiff_t colon = str_find_char(s, ':');

	if (!looks_like_one(s))
		return;
	if (colon > 0 && (size_t)colon + 1 < s.n)
		add(l, str_cut(s, (size_t)colon + 1));		/* "password:hunter2!" */
	add_both(l, s);
}

unsigned dlp_password_candidates(struct str text, bool outsiders, struct str ret[DLP_PASSWORD_CANDIDATES])
{
	struct list l = { ret, 0 };
	ptrdiff_t colon;
	bool said;

	text = str_trim(text.n > DLP_PASSWORD_TEXT ? str_make(text.p, DLP_PASSWORD_TEXT) : text);
	colon = str_find(text, STR(": "));
	for (size_t i = 0; i < text.n;) {
		size_t end = i;

		while (end < text.n && !is_space(text.p[end]))
			end++;
		add_token(&l, str_make(text.p + i, end - i));
		for (i = end; i < text.n && is_space(text.p[i]);)
			i++;
	}
	if (l.n == 0 && colon < 0)
		return 0;		/* most messages end here */
	said = says_password(text);
	if (said && colon >= 0) {	/* a phrase of several words goes before words */
		struct list phrase = { ret, 0 };

		add_both(&phrase, str_trim(str_cut(text, (size_t)colon + 2)));
		l.n = l.n > phrase.n ? l.n : phrase.n;
	}
	return said || outsiders || count_tokens(text) == 1 ? l.n : 0;
}
