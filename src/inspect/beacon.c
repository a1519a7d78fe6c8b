/* beacon.c - see beacon.h. A backdoor waits, adds some chance to its times and says the same kind of thing again; people do not:
 * the gaps of a conversation spread over orders of magnitude. */
#include "inspect/beacon.h"

#include <stdio.h>
#include <stdlib.h>

#define SHORT_S 5		/* a burst is no beacon */
#define SPREAD_PERCENT 42	/* mean deviation from the median: 25 for half of the time as jitter, 40 for four fifths; people have far above 70 */
#define MACHINE_LEAST 6		/* of the latest eight messages */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str look(struct str text)
{
	return text.n > BEACON_TEXT ? str_make(text.p, BEACON_TEXT) : text;
}

/* --- the text ------------------------------------------------------------------------------------------------------- */

/* A word as people write them: letters, perhaps with an apostrophe or a hyphen within and a mark behind. */
static bool is_word(struct str t)
{
	size_t letters = 0;

	while (t.n && strchr(".,;:!?)\"'", t.p[t.n - 1]))
		t.n--;
	while (t.n && strchr("(\"'", t.p[0]))
		t = str_cut(t, 1);
	for (size_t i = 0; i < t.n; i++)
		if (is_letter(t.p[i]))
			letters++;
		else if (t.p[i] != '\'' && t.p[i] != '-')
			return false;
	return letters > 0 && t.n <= 24;
}

/* "key=value", "key:value", or a long run of letters, digits and signs: Base64, hexadecimal. */
static bool is_record(struct str t)
{
	ptrdiff_t sign = str_find_char(t, '=');
	bool digit = false;

	if (str_find(t, STR("://")) >= 0)
		return false;
	if (sign < 0)
		sign = str_find_char(t, ':');
	for (size_t i = 0; i < t.n; i++)
		digit |= is_digit(t.p[i]);
	return (sign > 0 && (size_t)sign + 1 < t.n && is_letter(t.p[0])) || (t.n >= 24 && digit);
}

bool beacon_is_machine(struct str text)
{
	unsigned tokens = 0, words = 0, records = 0;

	text = look(text);
	for (size_t i = 0; i < text.n;) {
		size_t end = i;

		while (end < text.n && !is_space(text.p[end]) && !strchr("|;", text.p[end]))
			end++;
		if (end > i) {
			struct str t = str_make(text.p + i, end - i);

			tokens++;
			words += is_word(t);
			records += is_record(t);
		}
		i = end + 1;
	}
	if (tokens == 0)
		return false;
	if (str_starts(text, STR("{\"")) || str_starts(text, STR("[{")) || str_starts(text, STR("<?xml")))
		return true;
	return (records >= 2 && records * 3 >= tokens) || (records >= 1 && words * 3 <= tokens) || (tokens >= 4 && words * 4 <= tokens);
}

/* Letters and digits without their values: what stays the same when a machine fills in its form. */
static uint32_t shape_of(struct str text)
{
	uint32_t h = 2166136261u;
	char last = 0;

	text = look(text);
	for (size_t i = 0; i < text.n; i++) {
		char c = is_letter(text.p[i]) ? 'a' : is_digit(text.p[i]) ? '0' : text.p[i];

		if (c == last && (c == 'a' || c == '0'))
			continue;
		h = (h ^ (unsigned char)c) * 16777619u;
		last = c;
	}
	return h ? h : 1;
}

/* --- facts about a host --------------------------------------------------------------------------------------------- */

static bool address_at(struct str t, size_t i)
{
	unsigned parts = 0;

	if (i > 0 && (is_digit(t.p[i - 1]) || t.p[i - 1] == '.'))
		return false;
	while (parts < 4) {
		unsigned v = 0, n = 0;

		for (; i < t.n && is_digit(t.p[i]) && n < 4; n++)
			v = v * 10 + (unsigned)(t.p[i++] - '0');
		if (n == 0 || n > 3 || v > 255)
			return false;
		if (++parts < 4 && (i >= t.n || t.p[i++] != '.'))
			return false;
	}
	return i >= t.n || (!is_digit(t.p[i]) && t.p[i] != '.');
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool mac_at(struct str t, size_t i)
{
	char sign;

	if (i + 17 > t.n || (i > 0 && is_hex(t.p[i - 1])))
		return false;
	sign = t.p[i + 2];
	for (unsigned k = 0; k < 17; k++)
		if (k % 3 == 2 ? t.p[i + k] != sign : !is_hex(t.p[i + k]))
			return false;
	return (sign == ':' || sign == '-') && (i + 17 == t.n || !is_hex(t.p[i + 17]));
}

static bool has_address(struct str t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((is_digit(t.p[i]) && address_at(t, i)) || (is_hex(t.p[i]) && mac_at(t, i)))
			return true;
	return false;
}

static unsigned count(struct str text, const char *const *words)
{
	unsigned n = 0;

	for (; *words; words++) {
		size_t len = strlen(*words);

		for (size_t i = 0; i + len <= text.n; i++)
			if (!((text.p[i] ^ (*words)[0]) & ~0x20) && str_eq_nocase(str_make(text.p + i, len), str_make(*words, len))) {
				n++;
				break;
			}
	}
	return n;
}

unsigned beacon_facts(struct str text)
{
	static const char *const ports[] = { "/tcp", "/udp", "open ports", "ports open", "ports=", "open_ports", "listening on", "open:", NULL };
	static const char *const programs[] = { "svchost.exe", "lsass.exe", "explorer.exe", "winlogon.exe", "csrss.exe", "services.exe", "cmd.exe",
						"powershell", "chrome.exe", "outlook.exe", "MsMpEng.exe", "winword.exe", "sshd", "systemd", "cron ",
						"kworker", "init(1)", "pid=", "ps -ef", "tasklist", NULL };
	static const char *const system[] = { "uid=0", "uid=", "user=", "username=", "host=", "hostname=", "os=", "kernel=", "arch=", "Windows NT",
					      "Windows 10 ", "Windows 11 ", "Microsoft Windows", "GNU/Linux", "Darwin Kernel", "C:\\Users\\", "/etc/passwd",
					      "root:x:0", "whoami", "computername", "av=", "cpu=", "ram=", NULL };
	unsigned ret = 0;

	text = look(text);
	if (has_address(text))
		ret |= BEACON_ADDRESS;
	if (count(text, ports) >= 1)
		ret |= BEACON_PORTS;
	if (count(text, programs) >= 2)
		ret |= BEACON_PROCESSES;
	if (count(text, system) >= 2)
		ret |= BEACON_SYSTEM;
	return ret;
}

static bool is_two(unsigned bits)
{
	return bits & (bits - 1);
}

/* --- time ------------------------------------------------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Percent of the median that gaps lie from it, on average; the median in ret_median. */
static unsigned spread_of(const struct beacon_track *t, uint32_t *ret_median)
{
	uint32_t v[BEACON_GAPS];
	unsigned n = t->n < BEACON_GAPS ? t->n : BEACON_GAPS;
	uint64_t sum = 0;

	memcpy(v, t->gaps, n * sizeof(v[0]));
	qsort(v, n, sizeof(v[0]), by_value);
	*ret_median = v[n / 2];
	for (unsigned i = 0; i < n; i++)
		sum += v[i] > *ret_median ? v[i] - *ret_median : *ret_median - v[i];
	return *ret_median ? (unsigned)(sum * 100 / n / *ret_median) : 100;
}

static bool is_regular(const struct beacon_track *t, char evidence[EVIDENCE_BYTES])
{
	uint32_t median = 0;
	unsigned spread;

	if (t->n < BEACON_LEAST)
		return false;
	spread = spread_of(t, &median);
	snprintf(evidence, EVIDENCE_BYTES, "%u messages, every %u s, give or take %u percent", t->n + 1u, median, spread);
	return median >= SHORT_S && spread <= SPREAD_PERCENT;
}

/* --- memory ---------------------------------------------------------------------------------------------------------- */

static struct beacon_track *track_of(struct beacon_memory *m, uint32_t who)
{
	struct beacon_track *oldest = &m->tracks[0];

	for (unsigned i = 0; i < m->n; i++) {
		if (m->tracks[i].who == who)
			return &m->tracks[i];
		if (m->tracks[i].last_s < oldest->last_s)
			oldest = &m->tracks[i];
	}
	if (m->n < BEACON_TRACKS)
		oldest = &m->tracks[m->n++];
	*oldest = (struct beacon_track){ .who = who };
	return oldest;
}

static void note(struct beacon_track *t, const struct subject *s, unsigned facts)
{
	uint32_t now_s = (uint32_t)(s->ts_ms / 1000), shape = shape_of(s->body);
	bool same = false;

	for (unsigned i = 0; i < sizeof(t->shapes) / sizeof(t->shapes[0]); i++)
		same |= t->shapes[i] == shape && s->body.n > 12;
	memmove(t->shapes + 1, t->shapes, sizeof(t->shapes) - sizeof(t->shapes[0]));
	t->shapes[0] = shape;
	if (t->last_s) {
		t->gaps[t->n % BEACON_GAPS] = now_s > t->last_s ? now_s - t->last_s : 0;
		t->n = t->n < 60000 ? (uint16_t)(t->n + 1) : (uint16_t)(60000 - 60000 % BEACON_GAPS);
	}
	t->last_s = now_s ? now_s : 1;
	t->machine = (uint8_t)(t->machine << 1) | (same || beacon_is_machine(s->body) || facts != 0);
	t->facts = t->facts || is_two(facts);
}

static void name_facts(unsigned facts, struct verdict *v)
{
	static const char *const names[] = { "addresses", "open ports", "programs that run", "system and user" };
	char text[EVIDENCE_BYTES] = "";
	size_t n = 0;

	for (unsigned i = 0; i < 4; i++)
		if (facts & 1u << i)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "", names[i]);
	inspect_add(v, BEACON_HOST_FACTS, str_of(text));
}

void beacon_verdict(struct beacon_memory *m, const struct subject *s, uint32_t to_hash, struct verdict *v)
{
	bool stranger = !s->known || (s->outward && !s->to_known);
	char evidence[EVIDENCE_BYTES];
	struct beacon_track *t;
	unsigned facts;

	if (s->via != VIA_LOCAL || (!stranger && !s->outward) || s->body.n == 0)
		return;
	t = track_of(m, to_hash);
	facts = beacon_facts(s->body);
	note(t, s, facts);
	if (is_regular(t, evidence))
		inspect_add(v, BEACON_REGULAR, str_of(evidence));
	if (is_two(facts))
		name_facts(facts, v);
	if (!stranger)
		return;		/* a contact elsewhere who gets reports of a machine has perhaps asked for them */
	if (__builtin_popcount(t->machine) >= MACHINE_LEAST) {
		snprintf(evidence, sizeof(evidence), "%d of the latest 8 messages", __builtin_popcount(t->machine));
		inspect_add(v, BEACON_MACHINE, str_of(evidence));
		if (s->sender.people == 1 && s->sender.sent >= BEACON_LEAST)
			inspect_add(v, BEACON_ONE_STRANGER, STR_NONE);
	}
}
