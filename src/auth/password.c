/* password.c - see password.h. The list is short on purpose: it holds what people type when ten characters are
 * asked for; a real dictionary is the directory's or the password manager's business. */
#include "auth/password.h"

#include "base/check.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "auth/scram.h"

/* No characters that look alike on paper: l 1 i o 0. 31 of them, 4.95 bits each, 16 times. */
static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789";

/* Lower case, without digits and signs at either end and with 0 1 3 4 5 7 @ $ ! read as letters. */
static const char *const common[] = {
	"password", "passwort", "passwordpassword", "motdepasse", "contrasena", "wachtwoord", "parola", "haslo", "senha",
	"passphrase", "passcode", "secret", "topsecret", "geheim", "letmein", "letmeinplease", "iloveyou", "iloveyoutoo",
	"welcome", "willkommen", "bienvenue", "welcomeback", "changeme", "changemenow", "changeit", "default", "temporary",
	"admin", "administrator", "adminadmin", "root", "rootroot", "superuser", "sysadmin", "master", "login", "guest",
	"test", "testtest", "testing", "qwerty", "qwertz", "azerty", "qwertyuiop", "qwertzuiop", "azertyuiop",
	"asdfghjkl", "zxcvbnm", "yxcvbnm", "qwertyqwerty", "asdfasdf", "qazwsx", "qazwsxedc", "monkey", "dragon",
	"sunshine", "princess", "football", "baseball", "superman", "batman", "starwars", "trustno", "whatever",
	"computer", "internet", "company", "office", "summer", "winter", "spring", "autumn", "january", "february",
	"abc", "abcd", "abcdef", "abcdefgh", "abcdefghij", "correcthorsebatterystaple", "jabber", "xmpp", "wardroom",
};

void password_generate(char ret[PASSWORD_GENERATED])
{
	size_t n = 0;

	for (int group = 0; group < 4; group++) {
		if (group > 0)
			ret[n++] = '-';
		for (int i = 0; i < 4; i++)
			ret[n++] = alphabet[rand_below(sizeof(alphabet) - 1)];
	}
	ret[n] = 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (uint8_t)c >= 0x80;
}

/* What a letter was swapped for by somebody who was asked for a digit. */
static char plain(char c)
{
	static const char from[] = "013457@$!", to[] = "oieastasi";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : lower(c);
}

static bool is_common(struct str password)
{
	char word[SCRAM_PASSWORD_BYTES + 1];
	size_t first = 0, last = password.n;
	bool found = false;

	/* "Summer2026!" is "summer"; "P4ssw0rd123" is "password": swapped letters are read inside only. */
	while (first < last && !is_letter(lower(password.p[first])))
		first++;
	while (last > first && !is_letter(lower(password.p[last - 1])))
		last--;
	for (size_t i = first; i < last; i++)
		word[i - first] = plain(password.p[i]);
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		found |= str_is(str_make(word, last - first), common[i]);
	secret_wipe(word, sizeof(word));
	return found || (first == last && last < 16);	/* a few digits: a date, a telephone number */
}

/* One short piece again and again, or a run like "abcdefghij" or "9876543210". */
static bool is_pattern(struct str p)
{
	for (size_t period = 1; period <= 4 && period < p.n; period++) {
		size_t same = 0;

		while (same + period < p.n && p.p[same] == p.p[same + period])
			same++;
		if (same + period == p.n)
			return true;
	}
	for (int step = -1; step <= 1; step += 2) {
		size_t run = 1;

		while (run < p.n && p.p[run] == (char)(p.p[run - 1] + step))
			run++;
		if (run == p.n)
			return true;
	}
	return false;
}

/* Is this the better part of the password? */
static bool is_mostly(struct str password, struct str name)
{
	if (name.n < 3 || name.n > password.n)
		return false;
	for (size_t i = 0; i + name.n <= password.n; i++)
		if (str_eq_nocase(str_make(password.p + i, name.n), name))
			return password.n - name.n < PASSWORD_MIN;
	return false;
}

/* The whole address, or its local part. */
static bool is_name(struct str password, struct str user)
{
	ptrdiff_t at = str_find_char(user, '@');

	return is_mostly(password, user) || (at >= 0 && is_mostly(password, str_make(user.p, (size_t)at)));
}

int password_check(struct str password, struct str user, const char **ret_why)
{
	char prepared[SCRAM_PASSWORD_BYTES + 1];
	size_t n, at = 0, characters = 0;
	const char *why = NULL;

	if (scram_prepare(password, prepared, &n) < 0) {
		*ret_why = "The password must be 1 to 1023 bytes of UTF-8 text without control characters.";
		return ERR_POLICY;
	}
	for (; at < n; characters++)
		utf8_next(str_make(prepared, n), &at);
	if (characters < PASSWORD_MIN)
		why = "The password must have at least 10 characters.";
	else if (is_name(str_make(prepared, n), user))
		why = "The password must not be the user's name with a few characters added.";
	else if (is_pattern(str_make(prepared, n)))
		why = "The password must not be a repeated piece or a row of neighbours like 1234567890.";
	else if (is_common(str_make(prepared, n)))
		why = "The password is one of those that are tried first; take four random words or a generated one.";
	secret_wipe(prepared, sizeof(prepared));
	if (!why)
		return 0;
	*ret_why = why;
	return ERR_POLICY;
}
