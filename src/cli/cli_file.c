/* cli_file.c - a file for people: what it is, what was seen in it, its story, who has it. */
#include <stdio.h>

#include "cli/cli.h"

static const char *text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void line(const char *label, const char *value)
{
	printf("%-12s ", label);
	cli_put(value);
	fputc('\n', stdout);
}

static void seen(json_t *list, const char *title, const char *other)
{
	json_t *one;
	size_t i;

	if (json_array_size(list))
		printf("\n%s\n", title);
	json_array_foreach(list, i, one) {
		printf("  %s  ", text(one, "last"));
		cli_put(*text(one, "who") ? text(one, "who") : "(not signed in)");
		printf("  %s ", strcmp(other, "by") == 0 ? "from" : "at");
		cli_put(text(one, other));
		if (json_integer_value(json_object_get(one, "times")) > 1)
			printf("  (%lld times)", (long long)json_integer_value(json_object_get(one, "times")));
		fputc('\n', stdout);
	}
}

static void clean(json_t *o)
{
	json_t *copy = json_object_get(o, "clean"), *fact;
	size_t i;

	if (!copy)
		return;
	printf("%-12s %lld bytes, without", "cleaned", (long long)json_integer_value(json_object_get(copy, "size")));
	json_array_foreach(json_object_get(copy, "removed"), i, fact)
		printf("%s %s", i ? "," : "", json_string_value(fact));
	fputc('\n', stdout);
	line("", text(copy, "sha256"));
}

void cli_file_print(json_t *o)
{
	char size[64];
	json_t *one;
	size_t i;

	snprintf(size, sizeof(size), "%lld bytes", (long long)json_integer_value(json_object_get(o, "size")));
	line("id", text(o, "id"));
	line("name", text(o, "name"));
	line("from", text(o, "owner"));
	line("uploaded", text(o, "when"));
	line("size", size);
	line("type", text(o, "type"));
	if (*text(o, "sha256"))
		line("sha256", text(o, "sha256"));
	line("state", text(o, "state"));
	if (*text(o, "why"))
		line("why", text(o, "why"));
	if (*text(o, "rule"))
		line("rule", text(o, "rule"));
	clean(o);
	if (json_array_size(json_object_get(o, "found")))
		puts("\nseen in it");
	json_array_foreach(json_object_get(o, "found"), i, one) {
		printf("  %-18s ", text(one, "fact"));
		cli_put(text(one, "means"));
		if (*text(one, "evidence"))
			fputs(": ", stdout);
		cli_put(text(one, "evidence"));
		fputc('\n', stdout);
	}
	if (json_array_size(json_object_get(o, "story")))
		puts("\nstory");
	json_array_foreach(json_object_get(o, "story"), i, one) {
		printf("  %s  ", text(one, "when"));
		cli_put(text(one, "by"));
		fputs(": ", stdout);
		cli_put(text(one, "what"));
		fputc('\n', stdout);
	}
	seen(json_object_get(o, "sent_to"), "the link went to", "by");
	seen(json_object_get(o, "downloads"), "downloaded by", "address");
}
