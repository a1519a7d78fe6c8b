#include "xmpp/wire.h"

#include "base/limits.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

static const char *escape_of(char c, bool in_attr)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '\'': return "&apos;";
	case '"': return "&quot;";
	case '\r': return "&#13;";
	case '\n': return in_attr ? "&#10;" : NULL;
	case '\t': return in_attr ? "&#9;" : NULL;
	default: return NULL;
	}
}

static int escape(struct buf *b, struct str s, bool in_attr)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *e;

		/* Almost every character of a text is a letter, a space or a high byte. */
		if ((uint8_t)s.p[i] > '>' || s.p[i] == ' ')
			continue;
		e = escape_of(s.p[i], in_attr);
		if (!e)
			continue;
		buf_add(b, s.p + from, i - from);
		buf_add(b, e, strlen(e));
		from = i + 1;
	}
	return buf_add(b, s.p + from, s.n - from);
}

int wire_escape(struct buf *b, struct str text)
{
	return escape(b, text, false);
}

/* Attributes in a namespace get a declared prefix of their own: a0, a1 ... on the element that has them. */
static void write_attrs(struct buf *b, const struct node *n)
{
	unsigned prefixes = 0;

	for (const struct attr *at = n->attrs; at; at = at->next) {
		if (at->ns.n) {
			buf_printf(b, " xmlns:a%u='", prefixes);
			escape(b, at->ns, true);
			buf_printf(b, "' a%u:", prefixes++);
		} else {
			buf_char(b, ' ');
		}
		buf_str_add(b, at->name);
		buf_add(b, "='", 2);
		escape(b, at->value, true);
		buf_char(b, '\'');
	}
}

static void open_tag(struct buf *b, const struct node *n, struct str scope)
{
	buf_char(b, '<');
	buf_str_add(b, n->name);
	if (!str_eq(n->ns, scope)) {
		buf_add(b, " xmlns='", 8);
		escape(b, n->ns, true);
		buf_char(b, '\'');
	}
	write_attrs(b, n);
	if (!n->first)
		buf_char(b, '/');
	buf_char(b, '>');
}

static void close_tag(struct buf *b, const struct node *n)
{
	buf_add(b, "</", 2);
	buf_str_add(b, n->name);
	buf_char(b, '>');
}

int wire_write(struct buf *b, const struct node *root, struct str scope_ns)
{
	const struct node *n = root;

	while (n) {
		if (n->name.n)
			open_tag(b, n, n == root ? scope_ns : n->parent->ns);
		else
			escape(b, n->text, false);
		if (n->first) {
			n = n->first;
			continue;
		}
		while (n != root && !n->next) {
			n = n->parent;
			close_tag(b, n);
		}
		n = n == root ? NULL : n->next;
	}
	return b->failed ? ERR_LIMIT : 0;
}

struct reading {
	struct arena *arena;
	struct node *found;
};

static int on_open(void *ctx, const struct node *header)
{
	(void)ctx;
	(void)header;
	return 0;
}

static int on_stanza(void *ctx, struct arena **a, struct node *n)
{
	struct reading *r = ctx;

	(void)a;
	if (r->found)
		return ERR_BAD_FORMAT;
	r->found = node_dup(r->arena, n);
	return r->found ? 0 : ERR_LIMIT;
}

static int on_close(void *ctx)
{
	(void)ctx;
	return ERR_BAD_FORMAT;
}

int wire_parse(struct arena *a, struct str bytes, struct node **ret)
{
	static const struct xml_sink sink = { .open = on_open, .stanza = on_stanza, .close = on_close };
	struct reading r = { .arena = a };
	struct xml *x = xml_new(NULL, &sink, &r, LIMIT_STANZA_BYTES_MAX * 2, LIMIT_STANZA_BYTES_MAX * 32);
	int err;

	if (!x)
		return ERR_NOMEM;
	err = xml_feed(x, STR("<stream:stream xmlns='" NS_CLIENT "' xmlns:stream='" NS_STREAM "'>"));
	if (err == 0)
		err = xml_feed(x, bytes);
	xml_free(&x);
	if (err < 0)
		return err;
	if (!r.found)
		return ERR_BAD_FORMAT;
	*ret = r.found;
	return 0;
}
