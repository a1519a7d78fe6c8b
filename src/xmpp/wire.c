#include "xmpp/wire.h"

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
	return escape(b, text, true);
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

/* Elements of XML's own namespace can only be written with its prefix. */
static void tag_name(struct buf *b, const struct node *n)
{
	if (str_is(n->ns, NS_XML))
		buf_add(b, "xml:", 4);
	buf_str_add(b, n->name);
}

/* The default namespace in force around n. */
static struct str scope_of(const struct node *n, const struct node *root, struct str outside)
{
	while (n != root) {
		n = n->parent;
		if (!str_is(n->ns, NS_XML))
			return n->ns;
	}
	return outside;
}

static void open_tag(struct buf *b, const struct node *n, struct str scope)
{
	buf_char(b, '<');
	tag_name(b, n);
	if (!str_eq(n->ns, scope) && !str_is(n->ns, NS_XML)) {
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
	tag_name(b, n);
	buf_char(b, '>');
}

int wire_write(struct buf *b, const struct node *root, struct str scope_ns)
{
	const struct node *n = root;
	size_t before = b->n;

	while (n && !b->failed) {
		if (n->name.n)
			open_tag(b, n, scope_of(n, root, scope_ns));
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
	if (!b->failed)
		return 0;
	b->n = before;
	return ERR_LIMIT;
}

int wire_parse(struct arena *a, struct str bytes, struct node **ret)
{
	return xml_parse_one(a, bytes, ret);
}
