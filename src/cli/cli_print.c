/* cli_print.c - replies for people: a list in columns, an object line by line, an outbreak as a tree. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

struct view {
	const char *command, *list;	/* the key of its list */
	const char *columns[6];
	const char *none;
};

static const struct view views[] = {
	{ "user list", "accounts", { "jid", "role", "state", "created" }, "no accounts yet" },
	{ "device list", "devices", { "id", "connected", "access", "last_seen", "software", "device" }, "no client has signed in yet" },
	{ "held list", "held", { "id", "when", "state", "from", "to", "reason" }, "nothing is held" },
	{ "file list", "files", { "id", "when", "state", "owner", "size", "name" }, "no files" },
	{ "report list", "reports", { "id", "when", "by", "about", "reason", "evidence" }, "nobody has reported anything" },
	{ "exchange list", "entries", { "hash", "kind", "weight", "expires", "when" }, "nothing is told to anybody" },
	{ "purge list", "purges", { "id", "state", "what", "purged", "to_tell", "told" }, "no purges" },
	{ "outbreak list", "outbreaks", { "id", "started", "patient_zero", "contained" }, "no outbreaks" },
	{ "breaker list", "breakers", { "link", "since", "by", "reason" }, "links and files pass everywhere" },
	{ "decoy list", "decoys", { "jid", "name", "group", "created" }, "no decoys: policy.yaml shares no group (roster.shared)" },
	{ "decoy rotate", "removed", { "jid", "name", "group", "created" }, "there were no decoys" },
	{ "policy list", "versions", { "version", "when", "how", "digest" }, "no policy has been in force yet" },
	{ "feed list", "feeds", { "name", "entries", "made", "lines", "broken", "source" }, "policy.yaml names no lists (links.feeds)" },
	{ "feed update", "feeds", { "name", "entries", "made", "lines", "broken", "source" }, "nothing was read" },
	{ "audit list", "entries", { "seq", "when", "kind", "what" }, "no entries" },
};

/* A value as text. */
static const char *text_of(const struct cli *c, json_t *v)
{
	char *s;
	const char *r;

	if (json_is_string(v))
		return json_string_value(v);
	if (!v || json_is_null(v))
		return "-";
	if (json_is_boolean(v))
		return json_is_true(v) ? "yes" : "no";
	s = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	r = s ? arena_dup(c->arena, s, strlen(s)) : NULL;
	free(s);
	return r ? r : "-";
}

/* Control characters would let a peer write on the operator's terminal. */
static void put(const char *s, int width)
{
	int n = 0;

	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		fputc(ch < 0x20 || ch == 0x7f ? '?' : ch, stdout);
		n += (ch & 0xc0) != 0x80;
	}
	for (; n < width; n++)
		fputc(' ', stdout);
}

void cli_put(const char *text)
{
	put(text, 0);
}

static int width_of(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void columns(const struct cli *c, const struct view *v, json_t *list)
{
	int width[6] = { 0 };
	size_t i;
	json_t *row;

	if (json_array_size(list) == 0) {
		puts(v->none);
		return;
	}
	json_array_foreach(list, i, row)
		for (int k = 0; k < 6 && v->columns[k]; k++) {
			int w = width_of(text_of(c, json_object_get(row, v->columns[k])));

			width[k] = w > width[k] ? w : width[k];
		}
	json_array_foreach(list, i, row) {
		for (int k = 0; k < 6 && v->columns[k]; k++) {
			bool last = k == 5 || !v->columns[k + 1];

			put(text_of(c, json_object_get(row, v->columns[k])), last ? 0 : width[k] + 2);
		}
		fputc('\n', stdout);
	}
}

/* What he did with it. */
static void did(const struct cli *c, json_t *exposure)
{
	static const struct { const char *key, *word; } what[] = { { "read", "read" }, { "clicked", "clicked" }, { "downloaded", "downloaded" },
								   { "passed_on", "passed it on" } };

	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
		if (json_object_get(exposure, what[i].key))
			printf(", %s %s", what[i].word, text_of(c, json_object_get(exposure, what[i].key)));
}

static void branch(const struct cli *c, json_t *tree, json_t *exposures, const char *who, int depth)
{
	size_t i;
	json_t *copy;

	json_array_foreach(tree, i, copy) {
		const char *from = text_of(c, json_object_get(copy, "from")), *to = text_of(c, json_object_get(copy, "to"));

		if (strcmp(from, who) != 0 || strcmp(to, who) == 0)
			continue;
		printf("%*s", 2 * depth, "");
		put(to, 0);
		printf("  %s", text_of(c, json_object_get(copy, "when")));
		did(c, json_object_get(exposures, to));
		fputc('\n', stdout);
		if (depth < 40)
			branch(c, tree, exposures, to, depth + 1);
	}
}

static void object(const struct cli *c, json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v) {
		if (json_is_array(v) && json_array_size(v) > 0 && json_is_object(json_array_get(v, 0))) {
			size_t i;
			json_t *row;

			printf("%s:\n", key);
			json_array_foreach(v, i, row) {
				fputs("  ", stdout);
				put(text_of(c, row), 0);
				fputc('\n', stdout);
			}
			continue;
		}
		printf("%s: ", key);
		put(text_of(c, v), 0);
		fputc('\n', stdout);
	}
}

/* Who sent it and had it from nobody that is known. */
static bool is_root(const struct cli *c, json_t *tree, size_t at)
{
	const char *who = text_of(c, json_object_get(json_array_get(tree, at), "from"));
	size_t i;
	json_t *edge;

	json_array_foreach(tree, i, edge)
		if (strcmp(text_of(c, json_object_get(edge, "to")), who) == 0 ||
		    (i < at && strcmp(text_of(c, json_object_get(edge, "from")), who) == 0))
			return false;
	return true;
}

static void outbreak(const struct cli *c, json_t *o)
{
	json_t *tree = json_incref(json_object_get(o, "tree")), *copies = json_object_get(o, "copies");
	json_t *exposures = json_incref(json_object_get(o, "exposures"));
	const char *zero = text_of(c, json_object_get(o, "patient_zero"));
	size_t n = json_array_size(copies), reached = json_object_size(json_object_get(o, "exposures"));

	json_object_del(o, "copies");
	json_object_del(o, "exposures");
	json_object_del(o, "tree");
	object(c, o);
	printf("copies: %zu, reached: %zu accounts\n\n", n, reached);
	put(zero, 0);
	fputs("  (patient zero)\n", stdout);
	branch(c, tree, exposures, zero, 1);
	for (size_t i = 0; i < json_array_size(tree); i++) {
		const char *who = text_of(c, json_object_get(json_array_get(tree, i), "from"));

		if (strcmp(who, zero) == 0 || !is_root(c, tree, i))
			continue;
		put(who, 0);
		fputc('\n', stdout);
		branch(c, tree, exposures, who, 1);
	}
	json_decref(tree);
	json_decref(exposures);
}

/* Two lines for everybody; what they were made from, for who wants to know. */
static void why(const struct cli *c, json_t *o)
{
	json_t *lines = json_incref(json_object_get(o, "lines"));

	for (size_t i = 0; i < json_array_size(lines); i++) {
		put(text_of(c, json_array_get(lines, i)), 0);
		fputc('\n', stdout);
	}
	json_decref(lines);
	json_object_del(o, "lines");
	fputc('\n', stdout);
	object(c, o);
}

void cli_print(const struct cli *c, const char *command, json_t *reply)
{
	if (c->json) {
		json_dumpf(reply, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		fputc('\n', stdout);
		return;
	}
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (strcmp(views[i].command, command) == 0) {
			columns(c, &views[i], json_object_get(reply, views[i].list));
			return;
		}
	if (strcmp(command, "outbreak show") == 0 || (strcmp(command, "purge") == 0 && json_object_get(reply, "tree")))
		outbreak(c, reply);
	else if (strcmp(command, "file show") == 0)
		cli_file_print(reply);
	else if (strcmp(command, "why") == 0)
		why(c, reply);
	else
		object(c, reply);
}

void cli_progress(const char *what, uint64_t done, uint64_t total)
{
	enum { WIDTH = 40 };
	int n = total ? (int)(done * WIDTH / total) : WIDTH;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%s [%.*s%*s] %3llu %%%s", what, n, "########################################", WIDTH - n, "",
		total ? (unsigned long long)(done * 100 / total) : 100ULL, done >= total ? "\n" : "");
}
