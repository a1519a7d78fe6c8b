/* gather.c - see gather.h. */
#include "inspect/gather.h"

#include "xmpp/ns.h"

/* Where an element leads: links of markup, references, sources of files. */
static void add_targets(struct subject *sub, struct arena *a, const struct node *n)
{
	static const char *const names[] = { "href", "uri", "url", "target", "src" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str v = node_attr(n, names[i]);
		bool anchor = i == 0 && str_is(n->name, "a") && str_is(n->ns, NS_XHTML);

		if (anchor || str_find(v, STR("//")) >= 0)
			subject_add_link(sub, v, anchor ? node_deep_text(a, n) : STR_NONE);
	}
}

/* Is this piece of text the topic, or what a reader reads? Whatever is not known may be shown by somebody's client. */
static bool is_topic(const struct node *text, const struct node *message)
{
	return text->parent->parent == message && str_is(text->parent->name, "subject");
}

/* "http://ev<b>il</b>.example" is one word to who reads it, and <br/> ends a line. */
static bool breaks(const struct node *text)
{
	static const char *const within_a_line[] = { "a", "b", "i", "u", "em", "strong", "span", "tt", "code" };

	if (text->next)
		return str_is(text->next->name, "br");
	for (size_t i = 0; i < sizeof(within_a_line) / sizeof(within_a_line[0]); i++)
		if (str_is(text->parent->name, within_a_line[i]))
			return false;
	return true;
}

static bool is_encryption(const struct node *n)
{
	static const struct { const char *ns, *name; } of[] = {
		{ NS_OMEMO, "encrypted" }, { NS_OMEMO_2, "encrypted" }, { NS_OPENPGP, "openpgp" }, { NS_PGP_ENCRYPTED, "x" },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		if (node_is(n, of[i].ns, of[i].name))
			return true;
	return false;
}

/* Ciphertext says nothing to anybody's client. What only stands where it should be is text like any other. */
static bool is_cipher(const struct node *text, const struct node *message)
{
	bool within = false;

	for (const struct node *n = text->parent; n && n != message; n = n->parent)
		within |= n->parent == message && is_encryption(n);
	for (size_t i = 0; within && i < text->text.n; i++) {
		char c = text->text.p[i];

		within = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=' || c == '\n' ||
			 c == '\r' || c == ' ' || c == '\t';
	}
	return within;
}

/* The longest piece of it: the payload, not the keys that are sealed for each device. */
static struct str cipher_of(const struct node *m)
{
	struct str longest = STR_NONE;

	for (const struct node *n = m; n; n = node_walk(m, n))
		if (node_is_text(n) && n->parent != m && !str_is(n->parent->name, "key") && n->text.n > longest.n && is_cipher(n, m))
			longest = n->text;
	return longest;
}

/* Attributes that clients show as text: why somebody is invited (XEP-0249), names of fields and of files. */
static bool is_read(const struct attr *at)
{
	static const char *const names[] = { "reason", "label", "title", "name", "nick", "desc", "alt", "summary", "status" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(at->name, names[i]))
			return at->value.n > 0;
	return false;
}

/* Writes these attributes, a line each; p NULL: says how much room they need. */
static size_t read_attrs(const struct node *n, char *p)
{
	size_t at = 0;

	for (const struct attr *one = node_is_text(n) ? NULL : n->attrs; one; one = one->next) {
		if (!is_read(one))
			continue;
		if (p) {
			memcpy(p + at, one->value.p, one->value.n);
			p[at + one->value.n] = '\n';
		}
		at += one->value.n + 1;
	}
	return at;
}

/* All texts of one kind, a line each; one piece is not copied. */
static bool join(const struct node *m, bool topic, struct arena *a, struct str *ret)
{
	const struct node *n, *only = NULL;
	size_t total = 0, pieces = 0, at = 0, attrs = 0;
	char *p;

	*ret = STR_NONE;
	for (n = m; n; n = node_walk(m, n)) {
		attrs += n == m || topic ? 0 : read_attrs(n, NULL);
		if (!node_is_text(n) || n->parent == m || is_topic(n, m) != topic || is_cipher(n, m))
			continue;
		only = n;
		pieces++;
		total += n->text.n + 1;
	}
	if (pieces <= 1 && attrs == 0) {
		*ret = only ? only->text : STR_NONE;
		return true;
	}
	p = arena_alloc(a, total + attrs + pieces);
	for (n = m; p && n; n = node_walk(m, n)) {
		if (!node_is_text(n) || n->parent == m || is_topic(n, m) != topic || is_cipher(n, m))
			continue;
		memcpy(p + at, n->text.p, n->text.n);
		at += n->text.n;
		if (breaks(n))
			p[at++] = '\n';
	}
	if (p && attrs && at && p[at - 1] != '\n')
		p[at++] = '\n';
	for (n = m; p && attrs && n; n = node_walk(m, n))
		at += n == m ? 0 : read_attrs(n, p + at);
	*ret = str_make(p, at);
	return p != NULL;
}

/* A file, or where one is (XEP-0066, 0385, 0447). */
static bool brings_file(const struct node *m)
{
	return node_child(m, NS_OOB, "x") || node_child(m, NS_SFS, "file-sharing") || node_child(m, NS_SIMS, "media-sharing") ||
	       node_child(m, NS_BOB, "data");
}

bool gather_message(const struct node *m, struct arena *a, struct subject *s)
{
	s->has_file = brings_file(m);
	s->cipher = cipher_of(m);
	for (const struct node *n = node_walk(m, m); n; n = node_walk(m, n))
		if (!node_is_text(n))
			add_targets(s, a, n);
	return join(m, false, a, &s->body) && join(m, true, a, &s->topic);
}
