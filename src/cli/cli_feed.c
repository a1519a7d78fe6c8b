/* cli_feed.c - lists of malicious links: read, shown, asked.
 *
 * The server never fetches anything. This command does, from files and mirrors that the operator has named in policy.yaml,
 * when a timer or a human runs it; what it makes is a file that the server maps.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "policy/feed_file.h"

#define SOURCE_BYTES (256ll * 1024 * 1024)
#define FETCH_S 300l
#define SHRINK 2			/* a list of less than one in so many of its old entries was cut on the way */
#define POLICY_ARENA (64 * 1024 * 1024)

/* --- sources ----------------------------------------------------------------------------------------------------------- */

/* Lines as they come in pieces. */
struct pump {
	struct feed_build *b;
	struct buf line;
	long long bytes;
	int err;
};

static bool feed_piece(struct pump *p, struct str s)
{
	p->bytes += (long long)s.n;
	if (p->bytes > SOURCE_BYTES)
		p->err = ERR_LIMIT;
	while (s.n && p->err == 0) {
		const char *end = memchr(s.p, '\n', s.n);
		size_t n = end ? (size_t)(end - s.p) : s.n;

		if (p->line.n <= FEED_LINE)		/* what is longer is broken: its end is not needed */
			buf_add(&p->line, s.p, n);
		s = str_cut(s, end ? n + 1 : n);
		if (end) {
			p->err = feed_line(p->b, buf_str(&p->line));
			buf_clear(&p->line);
		}
	}
	return p->err == 0;
}

static int pump_end(struct pump *p)
{
	if (p->err == 0 && p->line.n)
		p->err = feed_line(p->b, buf_str(&p->line));
	buf_release(&p->line);
	return p->err;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
	return feed_piece(ctx, str_make(bytes, size * n)) ? size * n : 0;
}

static int from_mirror(struct cli *c, const char *url, struct pump *p)
{
	CURL *h = curl_easy_init();
	CURLcode code;

	(void)c;
	if (!h)
		return cli_fail(CLI_NOT, "out of memory");
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1l);
	curl_easy_setopt(h, CURLOPT_MAXREDIRS, 3l);
	curl_easy_setopt(h, CURLOPT_FAILONERROR, 1l);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, FETCH_S);
	curl_easy_setopt(h, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)SOURCE_BYTES);
	curl_easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(h, CURLOPT_USERAGENT, "wardroom");
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, p);
	code = curl_easy_perform(h);
	curl_easy_cleanup(h);
	if (p->err == ERR_LIMIT)
		return cli_fail(CLI_NOT, "%s: more than %d entries or %lld bytes", url, FEED_ENTRIES, SOURCE_BYTES);
	return code == CURLE_OK ? CLI_OK : cli_fail(CLI_NOT, "%s: %s", url, curl_easy_strerror(code));
}

static int from_file(const char *path, struct pump *p)
{
	char bytes[65536];
	FILE *f = fopen(path, "re");
	size_t n;
	int r = CLI_OK;

	if (!f)
		return cli_fail(CLI_NOT, "%s cannot be read", path);
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0 && feed_piece(p, str_make(bytes, n)))
		;
	if (ferror(f) || p->err)
		r = cli_fail(CLI_NOT, "%s: %s", path, p->err == ERR_LIMIT ? "more entries or bytes than a list may have" : "it cannot be read");
	fclose(f);
	return r;
}

/* --- making one ---------------------------------------------------------------------------------------------------------- */

static json_t *facts(struct str name, struct str source, const struct feed_head *h)
{
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(h->made_ms, stamp);
	return json_pack("{s:s%, s:s%, s:I, s:s, s:I, s:I}", "name", name.p, name.n, "source", source.p, source.n, "entries", (json_int_t)h->n, "made",
			 h->made_ms ? stamp : "never", "lines", (json_int_t)h->lines, "broken", (json_int_t)h->broken);
}

static json_t *named(const struct feed_build *b)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < FEED_NAMED && i < b->broken; i++)
		json_array_append_new(list, json_pack("{s:I, s:s, s:s}", "line", (json_int_t)b->named[i].line, "text", b->named[i].text, "why", b->named[i].why));
	return list;
}

/* Why the new list must not take the old one's place; NULL: it may. */
static const char *doubt(const struct feed_build *b, size_t old)
{
	if (b->n == 0)
		return "it has no entries";
	if (b->broken > b->n)
		return "most of its lines cannot be read";
	if (b->n < old / SHRINK)
		return "it has less than half of the entries it had, as if it had been cut on the way";
	return NULL;
}

static int put_file(struct cli *c, struct str name, const struct feed_build *b, struct feed_head *h)
{
	char path[FEED_FILE_PATH];
	struct str why = STR_NONE, dir = arena_printf(c->arena, "%s/feeds", c->in.data);
	size_t n = sizeof(*h) + b->n * sizeof(*b->v);
	char *whole = malloc(n);
	int r;

	feed_file_head(h, b, clock_wall_ms());
	if (!whole || !dir.p || !feed_file_path(c->in.data, name, path)) {
		free(whole);
		return cli_fail(CLI_NOT, "out of memory");
	}
	mkdir(dir.p, 0700);		/* there already: good */
	memcpy(whole, h, sizeof(*h));
	if (b->n)
		memcpy(whole + sizeof(*h), b->v, b->n * sizeof(*b->v));
	r = instance_write(path, str_make(whole, n), 0600, c->arena, &why);
	free(whole);
	return r < 0 ? cli_fail(CLI_NOT, "%.*s", STR_FMT(why)) : CLI_OK;
}

static int read_source(struct cli *c, struct str source, struct feed_build *b)
{
	struct pump p = { .b = b };
	char *z = arena_dup(c->arena, source.p, source.n);
	int r;

	if (!z || feed_begin(b) < 0)
		return cli_fail(CLI_NOT, "out of memory");
	buf_init(&p.line, SOURCE_BYTES);
	r = z[0] == '/' ? from_file(z, &p) : from_mirror(c, z, &p);
	if (pump_end(&p) < 0 && r == CLI_OK)
		r = cli_fail(CLI_NOT, "%s: %s", z, err_text(p.err));
	feed_finish(b);
	return r;
}

static int update(struct cli *c, struct str name, struct str source, json_t *list)
{
	struct feed_build b;
	struct feed_file old;
	struct feed_head h;
	const char *why;
	json_t *o;
	int r = feed_file_read(c->in.data, name, &old);
	size_t n_old = r == 0 ? old.set.n : 0;

	feed_file_release(&old);
	r = read_source(c, source, &b);
	why = r == CLI_OK && !cli_flag(c, "force") ? doubt(&b, n_old) : NULL;
	if (why)
		r = cli_fail(CLI_NOT, "%.*s: the old list of %zu entries stays: %s; --force takes it all the same", STR_FMT(name), n_old, why);
	if (r == CLI_OK)
		r = put_file(c, name, &b, &h);
	if (r == CLI_OK) {
		o = facts(name, source, &h);
		json_object_set_new(o, "broken_lines", named(&b));
		json_array_append_new(list, o);
	}
	feed_free(&b);
	return r;
}

/* --- commands ---------------------------------------------------------------------------------------------------------------- */

static int read_policy(struct cli *c, struct policy **ret)
{
	struct str text = STR_NONE, why = STR_NONE;
	int r = instance_read(c->in.policy, POLICY_FILE_BYTES, c->arena, &text, &why);

	if (r == 0 || r == ERR_NOT_FOUND)
		r = policy_parse(r == 0 ? text : STR_NONE, c->in.policy, c->config->domain, c->arena, ret, &why);
	return r < 0 ? cli_fail(CLI_NOT, "%.*s", STR_FMT(why)) : CLI_OK;
}

static int give(struct cli *c, const char *command, json_t *list)
{
	json_t *reply = json_pack("{s:o}", "feeds", list);

	cli_print(c, command, reply);
	json_decref(reply);
	return CLI_OK;
}

int cli_feed_list(struct cli *c)
{
	struct policy *p;
	json_t *list = json_array();

	if (read_policy(c, &p) != CLI_OK)
		return CLI_NOT;
	for (size_t i = 0; i < p->n_feed_lines; i++) {
		struct str name, source;
		struct feed_file f;

		if (!feed_file_source(p->feed_lines[i], &name, &source))
			continue;
		if (feed_file_read(c->in.data, name, &f) < 0)
			memset(&f.head, 0, sizeof(f.head));
		json_array_append_new(list, facts(name, source, &f.head));
		feed_file_release(&f);
	}
	policy_free(&p);
	return give(c, "feed list", list);
}

int cli_feed_update(struct cli *c)
{
	struct policy *p;
	json_t *list = json_array();
	bool any = false;
	int r = read_policy(c, &p), bad = CLI_OK;

	if (r != CLI_OK)
		return r;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (size_t i = 0; i < p->n_feed_lines; i++) {
		struct str name, source;

		if (!feed_file_source(p->feed_lines[i], &name, &source) || (c->n_words && !str_is(name, c->words[0])))
			continue;
		any = true;
		if (update(c, name, source, list) != CLI_OK)
			bad = CLI_NOT;
	}
	policy_free(&p);
	if (c->n_words && !any)
		return cli_fail(CLI_USAGE, "policy.yaml has no list '%s' under links.feeds", c->words[0]);
	give(c, "feed update", list);
	return bad;
}

int cli_feed_check(struct cli *c)
{
	struct policy *p;
	const struct feed_set *s = NULL;
	struct url u;
	json_t *reply;
	int r = read_policy(c, &p);

	if (r != CLI_OK)
		return r;
	if (!url_parse(str_of(c->words[0]), c->arena, &u))
		r = cli_fail(CLI_USAGE, "'%s' is not a link to a host", c->words[0]);
	else if (feed_file_open(p, c->in.data) < 0)
		r = cli_fail(CLI_NOT, "out of memory");
	else
		s = links_listed(&u, &p->links, NULL, 0);
	if (r == CLI_OK) {
		reply = json_pack("{s:s, s:s%, s:b, s:s%}", "url", c->words[0], "host", u.host.p, u.host.n, "listed", s != NULL, "list", s ? s->name.p : "",
				  s ? s->name.n : 0);
		cli_print(c, "feed check", reply);
		json_decref(reply);
		r = s ? CLI_NOT : CLI_OK;
	}
	policy_free(&p);
	return r;
}
