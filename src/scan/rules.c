/* rules.c - see rules.h. libyara's answers as ours; it opens nothing, and catches no signals: a crash is to be one. */
#include "scan/rules.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yara.h>

#include "ipc/scan_job.h"

struct rules {
	YR_RULES *rules;
};

int rules_start(void)
{
	return yr_initialize() == ERROR_SUCCESS ? 0 : ERR_NOMEM;
}

static int err_of(int error)
{
	return error == ERROR_SUCCESS ? 0 : error == ERROR_INSUFFICIENT_MEMORY ? ERR_NOMEM : ERR_BAD_FORMAT;
}

/* --- rules become code -------------------------------------------------------------------------------------------------- */

struct complaints {
	const char *file;
	char *text;
	size_t n, room;
};

static void complain(int level, const char *file, int line, const YR_RULE *rule, const char *message, void *ctx)
{
	struct complaints *c = ctx;
	int n;

	(void)file;
	(void)rule;
	if (level != YARA_ERROR_LEVEL_ERROR)
		return;
	n = snprintf(c->text + c->n, c->room - c->n, "%s:%d: %s\n", c->file, line, message);
	if (n < 0 || (size_t)n >= c->room - c->n)
		c->text[c->n] = '\0';		/* whole lines alone */
	else
		c->n += (size_t)n;
}

/* One file more for this compiler; the names of files are namespaces, so that rules of two files may be called alike. */
static int add(YR_COMPILER *compiler, const char *name, const char *text, struct complaints *c)
{
	c->file = name;
	yr_compiler_set_callback(compiler, complain, c);
	yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
	return yr_compiler_add_string(compiler, text, name) == 0 ? 0 : ERR_BAD_FORMAT;
}

/* The next file of sources, as two strings of their own. ERR_EOF behind the last. */
static int next_source(struct str *left, char **ret_name, char **ret_text)
{
	struct scan_job_source head;
	char *name, *text;

	if (left->n == 0)
		return ERR_EOF;
	if (left->n < sizeof(head))
		return ERR_BAD_FORMAT;
	memcpy(&head, left->p, sizeof(head));
	*left = str_cut(*left, sizeof(head));
	if (head.name_n > left->n || head.text_n > left->n - head.name_n)
		return ERR_BAD_FORMAT;
	name = strndup(left->p, head.name_n);
	text = strndup(left->p + head.name_n, head.text_n);
	if (!name || !text) {
		free(name);
		free(text);
		return ERR_NOMEM;
	}
	*left = str_cut(*left, (size_t)head.name_n + head.text_n);
	*ret_name = name;
	*ret_text = text;
	return 0;
}

/* Every file into a compiler of its own, as one that has met a mistake is good for nothing more; or those that were found good into one. */
static int add_all(struct str sources, YR_COMPILER *all, bool bad[RULES_FILES], struct complaints *c)
{
	YR_COMPILER *one = all;
	char *name, *text;
	int r;

	for (unsigned i = 0; (r = next_source(&sources, &name, &text)) == 0; i++) {
		r = i == RULES_FILES ? ERR_LIMIT : all ? 0 : err_of(yr_compiler_create(&one));
		if (r == 0 && !(all && bad[i])) {
			r = add(one, name, text, c);
			if (!all && r == ERR_BAD_FORMAT) {
				bad[i] = true;
				r = 0;
			}
			if (!all)
				yr_compiler_destroy(one);
		}
		free(name);
		free(text);
		if (r < 0)
			return r;
	}
	return r == ERR_EOF ? 0 : r;
}

static size_t write_out(const void *p, size_t size, size_t count, void *ctx)
{
	int fd = *(const int *)ctx;
	const char *at = p;
	size_t left = size * count;

	while (left) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		at += n;
		left -= (size_t)n;
	}
	return count;
}

int rules_compile(struct str sources, int out, char *text, size_t text_room, uint64_t *ret_n)
{
	struct complaints c = { .text = text, .room = text_room }, none = { .text = (char[128]){ 0 }, .room = 128 };
	YR_STREAM stream = { .user_data = &out, .write = write_out };
	bool bad[RULES_FILES] = { false };
	YR_COMPILER *compiler = NULL;
	YR_RULES *rules = NULL;
	off_t end = 0;
	int r = add_all(sources, NULL, bad, &c);

	text[c.n] = '\0';
	if (r == 0)
		r = err_of(yr_compiler_create(&compiler));
	if (r == 0)
		r = add_all(sources, compiler, bad, &none);
	if (r == 0)
		r = err_of(yr_compiler_get_rules(compiler, &rules));
	if (r == 0 && yr_rules_save_stream(rules, &stream) != ERROR_SUCCESS)
		r = ERR_IO;
	if (r == 0 && (end = lseek(out, 0, SEEK_CUR)) < 0)
		r = ERR_IO;
	if (r == 0)
		*ret_n = (uint64_t)end;
	if (rules)
		yr_rules_destroy(rules);
	if (compiler)
		yr_compiler_destroy(compiler);
	return r;
}

/* --- and are asked -------------------------------------------------------------------------------------------------------- */

static size_t read_in(void *p, size_t size, size_t count, void *ctx)
{
	struct str *left = ctx;
	size_t n = size ? left->n / size : 0;

	if (n > count)
		n = count;
	if (n)
		memcpy(p, left->p, n * size);
	*left = str_cut(*left, n * size);
	return n;
}

int rules_load(struct str compiled, struct rules **ret)
{
	YR_STREAM stream = { .user_data = &compiled, .read = read_in };
	struct rules *y = calloc(1, sizeof(*y));
	int r = y ? err_of(yr_rules_load_stream(&stream, &y->rules)) : ERR_NOMEM;

	if (r < 0) {
		free(y);
		return r;
	}
	*ret = y;
	return 0;
}

void rules_free(struct rules **y)
{
	if (!*y)
		return;
	yr_rules_destroy((*y)->rules);
	free(*y);
	*y = NULL;
}

static void note(struct rules_found *f, const char *file, const char *rule)
{
	char name[RULES_NAME];

	snprintf(name, sizeof(name), "%s: %s", file, rule);
	for (char *p = name; *p; p++)
		*p = *p >= 0x20 && *p < 0x7f ? *p : '?';
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->name[i], name) == 0)
			return;
	if (f->n < RULES_FOUND)
		memcpy(f->name[f->n++], name, sizeof(name));
}

static int on_word(YR_SCAN_CONTEXT *context, int message, void *data, void *ctx)
{
	const YR_RULE *rule = data;

	(void)context;
	if (message == CALLBACK_MSG_RULE_MATCHING)
		note(ctx, rule->ns->name, rule->identifier);
	return CALLBACK_CONTINUE;
}

int rules_scan(struct rules *y, struct str bytes, struct rules_found *ret)
{
	int flags = SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING | SCAN_FLAGS_FAST_MODE;

	return err_of(yr_rules_scan_mem(y->rules, (const uint8_t *)bytes.p, bytes.n, flags, on_word, ret, 0));
}
