/* prefs.c - see prefs.h. */
#include "core/prefs.h"

#include <stdlib.h>

#include "core/roster.h"
#include "core/state.h"
#include "core/user.h"

static const char *const names[] = { [PREFS_ALWAYS] = "always", [PREFS_NEVER] = "never", [PREFS_ROSTER] = "roster" };

const char *prefs_word(enum prefs_default def)
{
	return def < PREFS_DEFAULTS ? names[def] : "";
}

enum prefs_default prefs_default_of(struct str word)
{
	for (size_t i = 0; i < PREFS_DEFAULTS; i++)
		if (str_is(word, names[i]))
			return (enum prefs_default)i;
	return PREFS_DEFAULTS;
}

void prefs_free(struct prefs **p)
{
	free(*p);
	*p = NULL;
}

static struct str next_line(struct str *text)
{
	ptrdiff_t end = str_find_char(*text, '\n');
	struct str line = end < 0 ? *text : str_make(text->p, (size_t)end);

	*text = str_cut(*text, end < 0 ? text->n : (size_t)end + 1);
	return line;
}

static int add_line(struct prefs *p, struct str line)
{
	if (line.n < 2 || p->n == PREFS_JIDS || (line.p[0] != '+' && line.p[0] != '-'))
		return ERR_CORRUPT;
	if (line.p[0] == '+' && p->n_always < p->n)
		return ERR_CORRUPT;
	p->n_always += line.p[0] == '+';
	p->v[p->n++] = str_cut(line, 1);
	return 0;
}

int prefs_decode(struct str text, struct prefs **ret)
{
	size_t head = sizeof(struct prefs) + PREFS_JIDS * sizeof(struct str);
	struct prefs *p = text.n <= PREFS_BYTES ? calloc(1, head + text.n + 1) : NULL;
	int r = 0;

	if (!p)
		return text.n <= PREFS_BYTES ? ERR_NOMEM : ERR_CORRUPT;
	if (text.n)
		memcpy((char *)p + head, text.p, text.n);
	text.p = (char *)p + head;
	p->def = prefs_default_of(next_line(&text));
	if (p->def == PREFS_DEFAULTS)
		r = ERR_CORRUPT;
	while (r == 0 && text.n)
		r = add_line(p, next_line(&text));
	if (r < 0)
		free(p);
	else
		*ret = p;
	return r;
}

enum prefs_default prefs_of(const struct server *srv, const struct user *u, const struct prefs **ret_own)
{
	const struct config *c = srv->config;

	*ret_own = u && c->archive.choice == CONFIG_CHOICE_ACCOUNT ? u->prefs : NULL;
	if (*ret_own)
		return (*ret_own)->def;
	switch (c->archive.def) {
	case CONFIG_ARCHIVE_NEVER:
		return PREFS_NEVER;
	case CONFIG_ARCHIVE_ROSTER:
		return PREFS_ROSTER;
	case CONFIG_ARCHIVE_ALWAYS:
		break;
	}
	return PREFS_ALWAYS;
}

/* XEP-0441 5: a listed address with a resource means that one alone. */
static bool lists(const struct str *v, size_t n, struct str bare, struct str full)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i], bare) || str_eq(v[i], full))
			return true;
	return false;
}

bool prefs_archives(const struct server *srv, const struct user *u, struct str bare, struct str full)
{
	const struct prefs *own;
	enum prefs_default def = prefs_of(srv, u, &own);
	const struct roster_item *it;

	if (own && lists(own->v, own->n_always, bare, full))
		return true;
	if (own && lists(own->v + own->n_always, own->n - own->n_always, bare, full))
		return false;
	if (def != PREFS_ROSTER)
		return def == PREFS_ALWAYS;
	it = u ? roster_find(&u->roster, bare) : NULL;
	return it && it->listed;
}
