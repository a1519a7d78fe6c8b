/* stranger.c - see stranger.h. */
#include "inspect/stranger.h"

#include <string.h>

#define NAME_LEAST 4

/* --- how many people ----------------------------------------------------------------------------------------------- */

/* Linear counting: so many different people have most likely set so many bits. */
static unsigned count(const struct stranger_memory *m)
{
	unsigned bits = 0;
	double n = 0;

	for (size_t i = 0; i < STRANGER_BITS / 64; i++)
		bits += (unsigned)__builtin_popcountll(m->seen[i]);
	for (unsigned i = 0; i < bits && i < STRANGER_BITS - 1; i++)
		n += (double)STRANGER_BITS / (STRANGER_BITS - i);
	return n > STRANGER_COUNTS ? STRANGER_COUNTS : (unsigned)(n + 0.5);
}

static void turn(struct stranger_memory *m, uint64_t hour)
{
	if (m->hour == hour)
		return;
	m->before = m->hour + 1 == hour ? count(m) : 0;
	m->hour = hour;
	memset(m->seen, 0, sizeof(m->seen));
}

void stranger_note(struct stranger_memory *m, uint64_t person, uint64_t now_ms)
{
	turn(m, now_ms / STRANGER_HOUR_MS);
	m->seen[person / 64 % (STRANGER_BITS / 64)] |= 1ull << (person % 64);
}

void stranger_forget(struct stranger_memory *m, uint64_t person)
{
	m->seen[person / 64 % (STRANGER_BITS / 64)] &= ~(1ull << (person % 64));
}

unsigned stranger_tried(const struct stranger_memory *m, uint64_t now_ms)
{
	uint64_t hour = now_ms / STRANGER_HOUR_MS, left = STRANGER_HOUR_MS - now_ms % STRANGER_HOUR_MS;

	if (m->hour != hour)
		return m->hour + 1 == hour ? (unsigned)(count(m) * left / STRANGER_HOUR_MS) : 0;
	return count(m) + (unsigned)(m->before * left / STRANGER_HOUR_MS);	/* of the hour before, what is left of it */
}

/* --- names ------------------------------------------------------------------------------------------------------------ */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_vowel(char c)
{
	return memchr("aeiouyAEIOUY", c, 12) != NULL;
}

/* Of Latin names alone: other alphabets are not measured. Names of people have vowels, and digits stand at their end. */
bool stranger_is_random(struct str local)
{
	unsigned letters = 0, digits = 0, vowels = 0, changes = 0, run = 0, longest = 0, hex = 0;

	for (size_t i = 0; i < local.n; i++) {
		char c = local.p[i];

		if ((uint8_t)c >= 0x80)
			return false;
		letters += is_letter(c);
		digits += is_digit(c);
		vowels += is_letter(c) && is_vowel(c);
		hex += is_digit(c) || (c >= 'a' && c <= 'f');
		run = is_letter(c) && !is_vowel(c) ? run + 1 : 0;
		longest = run > longest ? run : longest;
		changes += i > 0 && is_digit(c) != is_digit(local.p[i - 1]) && (is_letter(c) || is_letter(local.p[i - 1]));
	}
	if (local.n >= 16 && hex == local.n && digits >= 4 && letters >= 2)
		return true;		/* a digest, a UUID without its lines */
	if (letters + digits < 8 || letters == 0)
		return false;
	if (changes >= 4 || (changes >= 3 && vowels * 5 < letters))
		return true;
	return longest >= 6 || (letters >= 8 && vowels * 7 < letters);
}

bool stranger_resembles(struct str name, const char skeleton[LOOKALIKE_SKELETON])
{
	char own[LOOKALIKE_SKELETON];

	if (strlen(skeleton) < NAME_LEAST || name.n < NAME_LEAST)
		return false;
	lookalike_skeleton(name, own);
	return strcmp(own, skeleton) == 0;
}

static struct str local_of(struct str jid)
{
	ptrdiff_t at = str_find_char(jid, '@');

	return at < 0 ? STR_NONE : str_make(jid.p, (size_t)at);
}

static const char *colleague(struct str name, const struct stranger_conf *conf)
{
	char skeleton[LOOKALIKE_SKELETON];

	if (!conf->people || name.n < NAME_LEAST)
		return NULL;
	lookalike_skeleton(name, skeleton);
	return strlen(skeleton) < NAME_LEAST ? NULL : map_get(conf->people, str_of(skeleton));
}

static bool from_outside(const struct subject *s)
{
	return s->via == VIA_S2S || s->via == VIA_GATEWAY;
}

void stranger_verdict(const struct subject *s, unsigned tried, const struct stranger_conf *conf, struct verdict *v)
{
	struct str local = local_of(s->from);
	const char *name;

	if (s->known)
		return;
	if (tried > STRANGER_TRIES)
		inspect_add(v, STRANGER_HARVEST, s->from);
	if (!from_outside(s))
		return;
	inspect_add(v, STRANGER_FIRST_CONTACT, s->from);
	if (stranger_is_random(local))
		inspect_add(v, STRANGER_RANDOM_NAME, local);
	name = colleague(local, conf);
	name = name ? name : colleague(s->nick, conf);
	if (s->poses_as.n)
		inspect_add(v, STRANGER_IMPERSONATES, s->poses_as);
	else if (name)
		inspect_add(v, STRANGER_IMPERSONATES, str_of(name));
}

/* --- texts of strangers ---------------------------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* A dot that stands alone: "..." is a pause. */
static bool is_dot(struct str w, size_t i)
{
	return w.p[i] == '.' && i + 1 < w.n && w.p[i + 1] != '.' && (i == 0 || w.p[i - 1] != '.');
}

/* The word has something that programs make a link of: a scheme, an @, a dot between letters, many dots between digits. */
static bool is_live(struct str w)
{
	unsigned dots = 0;

	for (size_t i = 0; i + 1 < w.n; i++) {
		bool between = i > 0 && !is_space(w.p[i - 1]);

		if (w.p[i] == ':' && (w.p[i + 1] == '/' || (i > 1 && is_letter(w.p[i - 1]) && !is_digit(w.p[i + 1]))))
			return true;
		if (w.p[i] == '@' && between)
			return true;
		dots += is_dot(w, i);
		if (is_dot(w, i) && between && !(is_digit(w.p[i - 1]) && is_digit(w.p[i + 1])))
			return true;
	}
	return dots >= 3;
}

/* What has no shape: controls (C0, C1, but for the end of a line), bidi marks, zero-width characters, a BOM, tags. Returns
 * its length, or 0. */
static size_t invisible(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	if (p[0] < 0x20 || p[0] == 0x7f)
		return p[0] == '\n' || p[0] == '\t' ? 0 : 1;
	if (s.n >= 2 && p[0] == 0xc2 && (p[1] < 0xa0 || p[1] == 0xad))
		return 2;
	if (s.n >= 3 && p[0] == 0xe2 && p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae)))
		return 3;
	if (s.n >= 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf)
		return 3;
	if (s.n >= 3 && ((p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) || (p[0] == 0xd8 && p[1] == 0x9c)))
		return p[0] == 0xef ? 3 : 2;
	return s.n >= 4 && p[0] == 0xf3 && p[1] == 0xa0 && p[2] <= 0x81 ? 4 : 0;
}

/* Other characters that are read as a dot in the name of a host (UTS 46). Returns the length, or 0. */
static size_t other_dot(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	if (s.n < 3)
		return 0;
	return (p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x82) || (p[0] == 0xef && p[1] == 0xbc && p[2] == 0x8e) ||
	       (p[0] == 0xef && p[1] == 0xbd && p[2] == 0xa1) ? 3 : 0;
}

static void word(struct str w, struct buf *b)
{
	bool live = is_live(w);
	size_t n;

	for (size_t i = 0; i < w.n; i += n) {
		struct str rest = str_cut(w, i);

		n = 1;
		if (live && i == 0 && rest.n >= 4 && str_eq_nocase(str_make(rest.p, 4), STR("http"))) {
			buf_str_add(b, STR("hxxp"));
			n = 4;
		} else if (other_dot(rest)) {
			n = other_dot(rest);
			buf_str_add(b, STR("[.]"));
		} else if (live && is_dot(w, i)) {
			buf_str_add(b, STR("[.]"));
		} else if (live && rest.p[0] == '@') {
			buf_str_add(b, STR("[at]"));
		} else if (live && rest.n > 1 && rest.p[0] == ':' && !is_digit(rest.p[1])) {
			buf_str_add(b, STR("[:]"));
		} else {
			buf_char(b, rest.p[0]);
		}
	}
}

/* Not in the middle of a character. */
static struct str cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max > 0 && ((uint8_t)s.p[max] & 0xc0) == 0x80)
		max--;
	return str_make(s.p, max);
}

void stranger_defang(struct str text, size_t max, struct buf *ret)
{
	struct str shown = cut(text, max);
	struct buf plain;
	struct str s;

	buf_init(&plain, max + 1);
	for (size_t i = 0; i < shown.n;) {
		size_t gone = invisible(str_cut(shown, i));

		if (gone) {
			i += gone;
			continue;
		}
		buf_char(&plain, shown.p[i++]);
	}
	s = buf_str(&plain);
	ret->failed = ret->failed || plain.failed;
	while (s.n) {
		size_t n = 0;

		while (n < s.n && is_space(s.p[n]))
			n++;
		buf_add(ret, s.p, n);
		s = str_cut(s, n);
		for (n = 0; n < s.n && !is_space(s.p[n]);)
			n++;
		word(str_make(s.p, n), ret);
		s = str_cut(s, n);
	}
	if (shown.n < text.n)
		buf_str_add(ret, STR(" ..."));
	buf_release(&plain);
}
