#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define LINE_BYTES 2048

/* RULE: mutable file-scope state: the log level and format, set once at start. */
static struct {
	enum log_level least;
	enum log_format format;
} setup = { LOG_NOTE, LOG_TEXT };

struct line {
	char p[LINE_BYTES];
	size_t n;
};

void log_setup(enum log_level least, enum log_format format)
{
	setup.least = least;
	setup.format = format;
}

bool log_wants(enum log_level level)
{
	return level >= setup.least;
}

static void put(struct line *l, const char *p, size_t n)
{
	if (n > LINE_BYTES - 2 - l->n)
		n = LINE_BYTES - 2 - l->n;
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

static void put_z(struct line *l, const char *z)
{
	put(l, z, strlen(z));
}

static void put_escaped(struct line *l, struct str s)
{
	size_t at = 0;

	while (at < s.n && l->n < LINE_BYTES - 64) {
		size_t from = at;
		uint32_t cp = utf8_next(s, &at);
		char esc[16];

		if (cp == '"' || cp == '\\') {
			snprintf(esc, sizeof(esc), "\\%c", (char)cp);
			put_z(l, esc);
		} else if (cp < 0x20 || cp == 0x7f || (cp >= 0x80 && cp < 0xa0) || (cp >= 0x200b && cp <= 0x200f) ||
			   (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0xfffd) {
			snprintf(esc, sizeof(esc), "\\u%04x", cp & 0xffffu);
			put_z(l, esc);
		} else {
			put(l, s.p + from, at - from);
		}
	}
}

static bool bare(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=' || (uint8_t)s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static void put_value(struct line *l, const struct log_field *f)
{
	char number[32];

	if (f->is_number) {
		snprintf(number, sizeof(number), "%lld", (long long)f->number);
		put_z(l, number);
	} else if (setup.format == LOG_TEXT && bare(f->text)) {
		put(l, f->text.p, f->text.n);
	} else {
		put_z(l, "\"");
		put_escaped(l, f->text);
		put_z(l, "\"");
	}
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	static const char *const names[] = { "debug", "info", "note", "warn", "error" };
	struct line l = { .n = 0 };
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(clock_wall_ms(), stamp);
	if (setup.format == LOG_JSON) {
		put_z(&l, "{\"time\":\"");
		put_z(&l, stamp);
		put_z(&l, "\",\"level\":\"");
		put_z(&l, names[level]);
		put_z(&l, "\",\"event\":\"");
		put_z(&l, event);
		put_z(&l, "\"");
	} else {
		put_z(&l, stamp);
		put_z(&l, " ");
		put_z(&l, names[level]);
		put_z(&l, " ");
		put_z(&l, event);
	}
	for (size_t i = 0; i < n; i++) {
		put_z(&l, setup.format == LOG_JSON ? ",\"" : " ");
		put_z(&l, fields[i].key);
		put_z(&l, setup.format == LOG_JSON ? "\":" : "=");
		put_value(&l, &fields[i]);
	}
	if (setup.format == LOG_JSON)
		put_z(&l, "}");
	l.p[l.n++] = '\n';
	if (write(STDERR_FILENO, l.p, l.n) < 0)
		return;
}
