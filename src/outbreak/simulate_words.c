/* simulate_words.c - the shapes of worms on record, what their copies say, and what honest people say meanwhile.
 *
 * The shapes are those of published accounts: Kelvir (2005), Bropia (2005), Sohanad (2006), Pykspa (2007), Dorkbot (2012), the video
 * worm of 2017, FlixOnline (2021), the token thieves of 2021, SORVEPOTEL (2025). Domains are reserved names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outbreak/simulate_parts.h"

#define MINUTE 60000ull
#define HOUR (60 * MINUTE)

enum words { FIXED, NAMES, PATHS, DOMAINS, POLYMORPHIC, EVERYTHING, DIGEST, LINKLESS };

static const struct {
	struct simulate_shape shape;
	struct simulate_manner manner;
	enum words words;
} table[] = {
	{ { "burst", "one text to all contacts at once (Kelvir)", true, 2 }, { .gap_ms = 1 }, FIXED },
	{ { "names", "the receiver's name in text and link, to all at once (Dorkbot)", true, 2 }, { .gap_ms = 1 }, NAMES },
	{ { "paths", "another path in the link each time, to all at once (Pykspa)", true, 2 }, { .gap_ms = 1 }, PATHS },
	{ { "domains", "the receiver's name and another site each time, to all at once (video worm)", true, 2 }, { .gap_ms = 1 }, DOMAINS },
	{ { "polymorphic", "other words each time around one site, to all at once", true, 2 }, { .gap_ms = 1 }, POLYMORPHIC },
	{ { "everything", "other words and another site each time, to all at once", true, 2 }, { .gap_ms = 1 }, EVERYTHING },
	{ { "file", "a program under a changing name, to all at once (Digmine)", true, 2 }, { .gap_ms = 1 }, DIGEST },
	{ { "linkless", "no link: a number to call, to all at once", true, 2 }, { .gap_ms = 1 }, LINKLESS },
	{ { "steady", "one contact every two seconds", true, 3 }, { .gap_ms = 2000 }, NAMES },
	{ { "drip", "one contact every 30 minutes", false, 72 }, { .gap_ms = 30 * MINUTE }, NAMES },
	{ { "crawl", "one contact every eight hours", false, 24 * 21 }, { .gap_ms = 8 * HOUR }, PATHS },
	{ { "drip-polymorphic", "other words around one site, one contact every 30 minutes", false, 72 }, { .gap_ms = 30 * MINUTE }, POLYMORPHIC },
	{ { "drip-everything", "other words and another site each time, one contact every 30 minutes: no target", false, 72, .limit = true },
	  { .gap_ms = 30 * MINUTE }, EVERYTHING },
	{ { "reply", "answers whoever writes, with a lure (FlixOnline)", false, 72 }, { .trigger = BY_MESSAGE, .gap_ms = 3000 }, FIXED },
	{ { "reply-polymorphic", "answers whoever writes, in other words around one site", false, 72 }, { .trigger = BY_MESSAGE, .gap_ms = 3000 }, POLYMORPHIC },
	{ { "nag", "the same lure again to the same person, every five minutes (Sohanad)", false, 24 }, { .gap_ms = 5 * MINUTE, .repeats = 4 }, FIXED },
	{ { "rooms", "posts in all rooms, then writes to all contacts (SORVEPOTEL)", false, 2 }, { .gap_ms = 1, .rooms = true }, NAMES },
	{ { "wave", "one account in twenty is hijacked: all of them at the same minute (token thieves)", false, 2 }, { .gap_ms = 1, .hijacked = 50 }, NAMES },
	{ { "federation", "twenty contacts on another server send it", false, 2 }, { .gap_ms = 1, .outside = 20, .via = VIA_S2S }, NAMES },
	{ { "gateway", "twenty contacts behind a gateway send it", false, 2 }, { .gap_ms = 1, .outside = 20, .via = VIA_GATEWAY }, PATHS },
};
#define SHAPES (sizeof(table) / sizeof(table[0]))

const unsigned simulate_words_shapes = SHAPES;

const struct simulate_shape *simulate_words_shape(unsigned shape)
{
	return &table[shape].shape;
}

const struct simulate_manner *simulate_words_manner(unsigned shape)
{
	return &table[shape].manner;
}

int simulate_words_find(struct str name)
{
	for (unsigned i = 0; i < SHAPES; i++)
		if (str_is(name, table[i].shape.name))
			return (int)i;
	return -1;
}

/* --- what people say ------------------------------------------------------------------------------------------------------ */

static const char *const words_of_work[] = { "the", "report", "is", "ready", "could", "you", "look", "at", "it", "today", "we", "meet", "after",
	"lunch", "about", "budget", "client", "called", "again", "please", "send", "numbers", "for", "last", "week", "thanks", "I", "will", "be", "late",
	"server", "printer", "works", "now", "who", "has", "key", "from", "meeting", "room", "plan", "next", "quarter", "draft", "contract", "signed",
	"invoice", "paid", "yesterday", "train", "delayed", "coffee", "in", "kitchen", "new", "colleague", "starts", "monday", "holiday", "approved" };

static size_t sentence(uint64_t *random, char *body, size_t room, unsigned words)
{
	size_t n = 0;

	for (unsigned i = 0; i < words && n + 20 < room; i++)
		n += (size_t)snprintf(body + n, room - n, "%s%s", i ? " " : "",
				      words_of_work[simulate_below(random, sizeof(words_of_work) / sizeof(words_of_work[0]))]);
	return n;
}

struct str simulate_words_chat(const struct simulate_texts *texts, size_t *at, uint64_t *random, char *body)
{
	unsigned kind = simulate_below(random, 200), n = simulate_below(random, 100000);
	size_t used;

	if (texts)
		return texts->v[(*at)++ % texts->n];
	used = sentence(random, body, SIMULATE_BODY, 2 + simulate_below(random, 12));
	if (kind < 4)
		used += (size_t)snprintf(body + used, SIMULATE_BODY - used, " http://paper%u.example/2026/%u/story.html", n % 300, n);
	else if (kind < 8)
		used += (size_t)snprintf(body + used, SIMULATE_BODY - used, " https://tickets.%s/%u", SIMULATE_DOMAIN, n);
	else if (kind == 8)
		used += (size_t)snprintf(body + used, SIMULATE_BODY - used, " https://www.youtube.com/watch?v=%x", n);
	return str_make(body, used);
}

/* --- what the worm says ------------------------------------------------------------------------------------------------------ */

static const char *const own_lures[] = { "{url}", "is this you?? {url}", "hey {name}, the new salary table is out {url}", "LOL {url}",
	"{name} did you see what they wrote about us {url}" };
static const char *const openers[] = { "hey", "hi there", "guess what", "omg", "quick one", "so", "hello again", "psst" };
static const char *const hooks[] = { "is that you in this picture", "they published the bonuses", "your parcel waits here", "somebody posted about you",
	"this made my day", "new rota is online", "vote for my kid", "look who got caught", "free tickets while they last", "check the new plan" };
static const char *const ends[] = { "lol", "crazy", "tell me what you think", "before it is gone", "not a joke", "asap", "haha", "you decide" };
#define PICK(list, random) list[simulate_below(random, sizeof(list) / sizeof((list)[0]))]

static void write_url(enum words w, uint64_t run, const char *name, uint64_t *random, char ret[256])
{
	unsigned site = (unsigned)(run % 1000), n = simulate_below(random, 1000000);

	switch (w) {
	case NAMES:
		snprintf(ret, 256, "http://photo-share%u.test/%s/%u.jpg", site, name, n % 1000);
		return;
	case PATHS:
		snprintf(ret, 256, "http://photo-share%u.test/%06x/view%u.html", site, n, n % 10);
		return;
	case POLYMORPHIC:
		snprintf(ret, 256, "http://%s%u.photo-share%u.test/%x%s%x", PICK(words_of_work, random), n % 9, site, n, n & 1 ? "/" : "", n / 3);
		return;
	case DOMAINS:
	case EVERYTHING:
		snprintf(ret, 256, "http://%s%x.test/%x", PICK(words_of_work, random), n, simulate_below(random, 4096));
		return;
	case DIGEST:
		snprintf(ret, 256, "https://upload.%s/%06x%06x/video_%u.zip", SIMULATE_DOMAIN, n, simulate_below(random, 1 << 24), n % 10000);
		return;
	case FIXED:
	case LINKLESS:
		snprintf(ret, 256, "http://photo-share%u.test/view?id=7", site);
		return;
	}
}

static struct str fill(struct str lure, const char *url, const char *name, unsigned number, char *body)
{
	char digits[16];
	size_t n = 0;

	snprintf(digits, sizeof(digits), "%u", number);
	for (size_t i = 0; i < lure.n && n < SIMULATE_BODY - 600;) {
		struct str rest = str_make(lure.p + i, lure.n - i);
		const char *with = str_starts(rest, STR("{url}")) ? url : str_starts(rest, STR("{name}")) ? name : str_starts(rest, STR("{n}")) ? digits : NULL;

		if (with) {
			n += (size_t)snprintf(body + n, SIMULATE_BODY - n, "%s", with);
			i += (size_t)str_find_char(rest, '}') + 1;
		} else {
			body[n++] = lure.p[i++];
		}
	}
	body[n] = '\0';
	return str_make(body, n);
}

void simulate_words_lure(unsigned shape, const struct simulate_texts *lures, uint64_t run, const char *to_name, uint64_t *random, char *body, struct str *ret_attached)
{
	enum words w = table[shape].words;
	char url[256], name[32], number[32];
	struct str lure = lures ? lures->v[run % lures->n] : str_of(own_lures[run % (sizeof(own_lures) / sizeof(own_lures[0]))]);
	size_t first = strcspn(to_name, ".");

	*ret_attached = STR_NONE;
	snprintf(name, sizeof(name), "%.*s", (int)first, to_name);
	write_url(w, run, name, random, url);
	if (w == POLYMORPHIC || w == EVERYTHING) {
		snprintf(body, SIMULATE_BODY, "%s %s %s %s", PICK(openers, random), PICK(hooks, random), url, PICK(ends, random));
	} else if (w == DIGEST) {
		snprintf(body, SIMULATE_BODY, "%s", url);
		*ret_attached = str_of(body);
	} else if (w == LINKLESS) {
		snprintf(number, sizeof(number), "+44 %u %06u", 700 + (unsigned)(run % 90), (unsigned)(run * 7919 % 1000000));
		snprintf(body, SIMULATE_BODY, "%s, your payslip could not be delivered; call %s and give the code you get", name, number);
	} else {
		size_t n = w == NAMES || w == DOMAINS ? (size_t)snprintf(body, SIMULATE_BODY, "%s, ", name) : 0;

		fill(lure, url, name, simulate_below(random, 1000), body + n);
	}
}

/* --- read ----------------------------------------------------------------------------------------------------------------------- */

/* The column that is the text. */
static struct str column(struct str line)
{
	struct str last = STR_NONE;

	for (size_t at = 0, end; at <= line.n; at = end + 1) {
		for (end = at; end < line.n && line.p[end] != '\t'; end++)
			;
		last = str_make(line.p + at, end - at);
		if (str_find(last, STR("{url}")) >= 0)
			break;
	}
	return last;
}

int simulate_words_read(struct str text, struct simulate_texts *ret)
{
	size_t lines = 1;

	*ret = (struct simulate_texts){ 0 };
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	lines = lines < SIMULATE_TEXTS ? lines : SIMULATE_TEXTS;
	ret->v = malloc(lines * sizeof(*ret->v));
	if (!ret->v)
		return ERR_NOMEM;
	for (size_t at = 0, end; at < text.n && ret->n < lines; at = end + 1) {
		struct str part;

		for (end = at; end < text.n && text.p[end] != '\n'; end++)
			;
		part = column(str_make(text.p + at, end - at));
		if (part.n)
			ret->v[ret->n++] = part;
	}
	if (ret->n == 0) {
		simulate_words_release(ret);
		return ERR_BAD_FORMAT;
	}
	return 0;
}

void simulate_words_release(struct simulate_texts *t)
{
	free(t->v);
	*t = (struct simulate_texts){ 0 };
}
