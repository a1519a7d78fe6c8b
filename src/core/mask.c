/* mask.c - see mask.h. */
#include "core/mask.h"

#define REMOVED "[password removed]"

/* Every place where it stands. .p NULL without memory. */
static struct str without(struct str text, struct str secret, struct arena *a)
{
	size_t times = 0, n = 0;
	ptrdiff_t at;
	char *p;

	for (struct str rest = text; (at = str_find(rest, secret)) >= 0; rest = str_cut(rest, (size_t)at + secret.n))
		times++;
	if (times == 0)
		return text;
	p = arena_alloc(a, text.n + times * sizeof(REMOVED));
	if (!p)
		return (struct str){ NULL, 0 };
	for (; (at = str_find(text, secret)) >= 0; text = str_cut(text, (size_t)at + secret.n)) {
		memcpy(p + n, text.p, (size_t)at);
		n += (size_t)at;
		memcpy(p + n, REMOVED, sizeof(REMOVED) - 1);
		n += sizeof(REMOVED) - 1;
	}
	memcpy(p + n, text.p, text.n);
	return str_make(p, n + text.n);
}

static bool holds(struct guard *g, struct str text, struct str own_password, struct arena *a)
{
	return guard_mask(g, text, a).p != text.p || (own_password.n && str_find(text, own_password) >= 0);
}

int mask_stanza(struct guard *g, struct node *stanza, struct str own_password, struct arena *a)
{
	for (struct node *n = stanza; n; n = node_walk(stanza, n)) {
		if (!node_is_text(n)) {
			for (const struct attr *at = n == stanza ? NULL : n->attrs; at; at = at->next)
				if (holds(g, at->value, own_password, a))
					return ERR_POLICY;
			continue;
		}
		if (own_password.n)
			n->text = without(n->text, own_password, a);
		if (n->text.p)
			n->text = guard_mask(g, n->text, a);
		if (!n->text.p)
			return ERR_NOMEM;
	}
	return 0;
}

bool mask_remains(struct guard *g, const struct subject *sub, struct str own_password, struct arena *a)
{
	return holds(g, sub->body, own_password, a) || holds(g, sub->topic, own_password, a);
}
