/* rewrite.c - see rewrite.h. What is known to show a link is written anew; of what is not known, nothing that leads
 * anywhere is left. */
#include "core/rewrite.h"

#include "base/check.h"
#include "base/clock.h"
#include "core/link_check.h"
#include "core/state.h"
#include "inspect/defang.h"
#include "xmpp/ns.h"

struct rewriting {
	struct trip *t;
	struct defang d;
	bool moved;			/* a body has other places than before */
};

/* Nothing in them leads anywhere, or nobody may change it. */
static bool untouched(const struct node *n)
{
	static const char *const families[] = { NS_OMEMO, NS_OMEMO_2, NS_OPENPGP, NS_PGP_ENCRYPTED, NS_EME, NS_SID, NS_HINTS, NS_RECEIPTS, NS_MARKERS,
						NS_CHATSTATES, NS_DELAY, NS_CORRECT };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (str_is(n->ns, families[i]))
			return true;
	return false;
}

static bool is_signed(const struct node *m)
{
	return node_child(m, NS_PGP_SIGNED, "x") != NULL;
}

static bool text_leads(struct rewriting *w, struct str text)
{
	struct defang d = { .conf = w->d.conf };
	struct str out;

	return defang_text(&d, text, w->t->arena, &out) < 0 || d.n > 0;
}

static bool attr_leads(struct rewriting *w, const struct node *n)
{
	static const char *const names[] = { "href", "uri", "url", "target", "src" };
	static const char *const texts[] = { "reason", "label", "title", "name", "nick", "desc", "alt", "summary", "status" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (text_leads(w, node_attr(n, texts[i])))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct str v = node_attr(n, names[i]);

		if ((i == 0 || str_find(v, STR("//")) >= 0) && v.n && (defang_wants(&w->d, v, w->t->arena) || text_leads(w, v)))
			return true;
	}
	return false;
}

/* Does anything below it lead where policy does not trust? */
static bool leads(struct rewriting *w, const struct node *top)
{
	for (const struct node *n = top; n; n = node_walk(top, n)) {
		if (node_is_text(n)) {
			if (text_leads(w, n->text))
				return true;
			continue;
		}
		if (attr_leads(w, n))
			return true;
	}
	/* "http://ev<b>il</b>.example" is one word to who reads it. */
	return str_is(top->ns, NS_XHTML_IM) && text_leads(w, node_deep_text(w->t->arena, top));
}

static int set_text(struct rewriting *w, struct node *n, struct str text)
{
	while (n->first)
		node_remove(n->first);
	return node_add_text(w->t->arena, n, text);
}

static int rewrite_text(struct rewriting *w, struct node *n)
{
	struct str text = node_deep_text(w->t->arena, n), out;
	int r = defang_text(&w->d, text, w->t->arena, &out);

	if (r < 0 || (out.p == text.p && out.n == text.n))
		return r;
	w->moved = w->moved || str_is(n->name, "body");
	return set_text(w, n, out);
}

/* XEP-0428, 0372 and the like count the characters of a body that is another now. */
static bool counts(const struct node *n)
{
	return str_is(n->ns, NS_FALLBACK) || str_is(n->ns, "urn:xmpp:reference:0");
}

static int rewrite_children(struct rewriting *w)
{
	struct node *next;
	int r = 0;

	for (struct node *n = w->t->stanza->first; n && r == 0; n = next) {
		next = n->next;
		if (node_is_text(n) || untouched(n))
			continue;
		if (str_is(n->ns, NS_CLIENT) && (str_is(n->name, "body") || str_is(n->name, "subject")))
			r = rewrite_text(w, n);
		else if (leads(w, n))
			node_remove(n);
	}
	for (struct node *n = w->t->stanza->first; n && w->moved; n = next) {
		next = n->next;
		if (!node_is_text(n) && counts(n))
			node_remove(n);
	}
	return r;
}

/* Below the text, so that nothing in it moves. */
static int warn(struct rewriting *w)
{
	const struct judgement *j = &w->t->verdict;
	const char *why = NULL, *where = NULL;
	struct arena *a = w->t->arena;

	for (unsigned i = 0; i < j->n_findings && !why; i++)
		if (strcmp(inspect_rule_inspector(j->findings[i].rule), "links") == 0) {
			why = inspect_rule_text(j->findings[i].rule);
			where = j->findings[i].evidence;
		}
	for (struct node *n = w->t->stanza->first; n; n = n->next) {
		struct str text;
		int r;

		if (!node_is(n, NS_CLIENT, "body"))
			continue;
		text = node_deep_text(a, n);
		if (why)
			text = arena_printf(a, "%.*s\n\n[%.*s: careful with %s: %s]", STR_FMT(text), STR_FMT(w->t->server->domain), where, why);
		else
			text = arena_printf(a, "%.*s\n\n[%.*s: look where a link leads before you open it]", STR_FMT(text), STR_FMT(w->t->server->domain));
		r = text.p ? set_text(w, n, text) : ERR_NOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

/* In its place a link of ours, and where it leads. What cannot be led over a page is dead. */
static int put_checked(void *ctx, struct buf *b, const struct url *u)
{
	struct rewriting *w = ctx;
	char host[DEFANG_HOST];
	int r = link_check_url(w->t->server, w->t->id, w->t->when_ms, u, b);

	if (r == ERR_UNSUPPORTED) {
		defang_put(b, u);
		return 0;
	}
	if (r == 0)
		buf_printf(b, " (to %.*s)", STR_FMT(defang_host(u->host, host, sizeof(host))));
	return r;
}

int rewrite_message(struct trip *t, enum policy_link how)
{
	struct rewriting w = { .t = t, .d.conf = &guard_policy(t->server->guard)->links };

	if (how == POLICY_LINK_REWRITE && link_check_possible(t->server)) {
		if (!t->id) {		/* the archive keeps to it */
			t->when_ms = clock_wall_ms();
			t->id = vault_next_id(t->server->vault, t->when_ms);
		}
		w.d.ctx = &w;
		w.d.put = put_checked;
	}

	if (is_signed(t->stanza))
		return ERR_UNSUPPORTED;
	if (how == POLICY_LINK_WARN)
		return warn(&w);
	return rewrite_children(&w);
}
