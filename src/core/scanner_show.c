/* scanner_show.c - the scanner as `wardroom status` shows it. */
#include <jansson.h>
#include <stdio.h>

#include "core/scanner.h"

static void add_text(json_t *reply, const char *key, const char *text)
{
	json_object_set_new(reply, key, json_string(text));
}

static void add_number(json_t *reply, const char *key, uint64_t n)
{
	json_object_set_new(reply, key, json_integer((json_int_t)n));
}

static const char *state_of(const struct scanner_state *st)
{
	if (st->clamd_wanted && !st->clamd_there)
		return "files wait for clamd";
	if (st->idle + st->running == 0)
		return "no process that looks at files: the log says why";
	return "at work";
}

void scanner_show(struct scanner *s, json_t *reply)
{
	struct scanner_state st;
	char text[SCAN_JOB_TEXT + 32];

	if (!s) {
		add_text(reply, "scanner", "none: there is no way for files to come (listen.https is 0)");
		return;
	}
	scanner_state_of(s, &st);
	add_text(reply, "scanner", st.clamd_wanted && !st.clamd_there && !st.clamd_required ? "at work, without clamd" : state_of(&st));
	add_text(reply, "scanner_clamd", st.clamd_wanted ? st.clamd_says : "not configured: the built-in checks alone");
	snprintf(text, sizeof(text), "%u files%s%s", st.yara_files, st.yara_says[0] ? "; refused: " : "", st.yara_says);
	add_text(reply, "scanner_yara", text);
	snprintf(text, sizeof(text), "%u%s%s", st.digests, st.digests_says[0] ? "; " : "", st.digests_says);
	add_text(reply, "scanner_digests", text);
	add_number(reply, "scanner_processes", st.idle + st.running);
	add_number(reply, "scanner_running", st.running);
	add_number(reply, "scanner_queued", st.queued);
	add_number(reply, "scanner_queued_low", st.queued_low);
	add_number(reply, "scanner_looked_at", st.done);
	add_number(reply, "scanner_found", st.found);
	add_number(reply, "scanner_failed", st.failed);
	add_number(reply, "scanner_timed_out", st.timed_out);
}
