/* defang.c - see defang.h. A reader still sees where the link led, so he can ask; his client makes nothing of it. */
#include "inspect/defang.h"

struct str defang_host(struct str host, char *text, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < host.n && n + 4 < cap; i++) {
		if (host.p[i] == '.' || host.p[i] == ':') {
			text[n++] = '[';
			text[n++] = host.p[i];
			text[n++] = ']';
		} else {
			text[n++] = host.p[i];
		}
	}
	text[n] = '\0';
	return str_make(text, n);
}

/* A path may carry another link, or what a client takes for one: its dots are broken where a name could begin. */
static void put_path(struct buf *b, struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		struct str rest = str_cut(path, i);

		if (str_starts(rest, STR("://"))) {
			buf_str_add(b, STR("[:]//"));
			i += 2;
		} else if (path.p[i] == '.') {
			buf_str_add(b, STR("[.]"));
		} else {
			buf_char(b, path.p[i]);
		}
	}
}

void defang_put(struct buf *b, const struct url *u)
{
	char host[DEFANG_HOST];

	if (str_is(u->scheme, "http") || str_is(u->scheme, "https"))
		buf_printf(b, "hxxp%s://", u->scheme.n > 4 ? "s" : "");
	else if (u->scheme.n)
		buf_printf(b, "%.*s[:]//", STR_FMT(u->scheme));
	buf_str_add(b, defang_host(u->host, host, sizeof(host)));
	if (u->port)
		buf_printf(b, "[:]%u", u->port);
	put_path(b, u->path);
}

static int put(struct defang *d, struct buf *b, const struct url *u)
{
	if (d->n++ == 0)
		d->first = *u;
	if (d->put)
		return d->put(d->ctx, b, u);
	defang_put(b, u);
	return 0;
}

/* One window: writes its links anew. Returns how much of it is done, or ERR_*. */
static ptrdiff_t window(struct defang *d, struct str text, struct arena *a, struct buf *b)
{
	struct str part = str_make(text.p, text.n < URL_TEXT ? text.n : URL_TEXT);
	struct url found[URLS];
	size_t at = 0;
	bool more;
	unsigned n = url_find(part, a, found, &more);

	for (unsigned i = 0; i < n; i++) {
		const struct url *u = &found[i];

		if (part.n < text.n && u->to + DEFANG_LINK > part.n && u->from > 0)
			break;		/* it may go on behind the window: the next one begins with it */
		buf_add(b, part.p + at, u->from - at);
		at = u->to;
		if (links_trusted(u, d->conf)) {
			buf_add(b, part.p + u->from, u->to - u->from);
		} else {
			int r = put(d, b, u);

			if (r < 0)
				return r;
		}
	}
	if (n == URLS && more)
		return (ptrdiff_t)at;		/* as many as are found at once: the next window looks for the rest */
	if (part.n == text.n) {
		buf_add(b, part.p + at, part.n - at);
		return (ptrdiff_t)part.n;
	}
	if (at == 0) {				/* no link in it, or one that fills it: half of a window is passed on */
		at = URL_TEXT / 2;
		while (((uint8_t)part.p[at] & 0xc0) == 0x80)
			at--;
		buf_add(b, part.p, at);
	}
	return (ptrdiff_t)at;
}

int defang_text(struct defang *d, struct str text, struct arena *a, struct str *ret)
{
	unsigned before = d->n;
	struct str whole = text;
	struct buf b;
	int r = 0;

	buf_init(&b, text.n * 4 + 64 * DEFANG_LINK);
	while (text.n && r == 0) {
		ptrdiff_t done = window(d, text, a, &b);

		if (done <= 0)
			r = done < 0 ? (int)done : ERR_LIMIT;
		else
			text = str_cut(text, (size_t)done);
	}
	if (r == 0 && b.failed)
		r = ERR_LIMIT;
	if (r == 0) {
		*ret = d->n == before ? whole : arena_str(a, buf_str(&b));
		r = ret->p ? 0 : ERR_NOMEM;
	}
	buf_release(&b);
	return r;
}

bool defang_wants(const struct defang *d, struct str target, struct arena *a)
{
	struct url u;

	return url_parse(target, a, &u) && !links_trusted(&u, d->conf);
}
