/* preferences.c - XEP-0441: an account looks at what its archive keeps, and chooses where the company lets it (core/prefs.h).
 *
 * Where it does not, a wish is answered with what holds all the same (2: "these MAY be different to the preferences sent by the
 * client"), and nothing of it is kept: the day the company changes its mind nobody is surprised by what he once clicked.
 */
#include "base/buf.h"
#include "core/mod.h"
#include "core/prefs.h"
#include "core/state.h"

static int add_list(struct iq *iq, struct node *prefs, const char *name, const struct str *v, size_t n)
{
	struct node *list = node_add(iq->arena, prefs, NS_MAM, name);

	for (size_t i = 0; list && i < n; i++)
		if (!node_add_leaf(iq->arena, list, NS_MAM, "jid", v[i]))
			return ERR_LIMIT;
	return list ? 0 : ERR_LIMIT;
}

static int reply(struct iq *iq)
{
	struct node *p = node_new(iq->arena, NS_MAM, "prefs");
	const struct prefs *own;
	enum prefs_default def = prefs_of(iq->server, iq->user, &own);
	int r = p ? node_set_attr(iq->arena, p, "default", str_of(prefs_word(def))) : ERR_LIMIT;

	if (r == 0)
		r = add_list(iq, p, "always", own ? own->v : NULL, own ? own->n_always : 0);
	if (r == 0)
		r = add_list(iq, p, "never", own ? own->v + own->n_always : NULL, own ? own->n - own->n_always : 0);
	return r < 0 ? r : iq_reply(iq, p);
}

static int read_list(struct iq *iq, const char *name, char mark, size_t *n, struct buf *b)
{
	const struct node *list = node_child(iq->payload, NS_MAM, name);

	for (const struct node *j = list ? node_child(list, NS_MAM, "jid") : NULL; j; j = node_child_next(j, NS_MAM, "jid")) {
		struct jid jid;

		if ((*n)++ == PREFS_JIDS)
			return ERR_LIMIT;
		if (jid_parse(iq->arena, str_trim(node_text(iq->arena, j)), &jid) < 0)
			return ERR_JID;
		buf_char(b, mark);
		buf_str_add(b, jid.full);
		buf_char(b, '\n');
	}
	return b->failed ? ERR_LIMIT : 0;
}

/* A wish, as core/prefs.h stores it. */
static int read_wish(struct iq *iq, struct str *ret)
{
	enum prefs_default def = prefs_default_of(node_attr(iq->payload, "default"));
	struct buf b;
	size_t n = 0;
	int r;

	if (def == PREFS_DEFAULTS)
		return ERR_BAD_REQUEST;
	buf_init(&b, PREFS_BYTES);
	buf_printf(&b, "%s\n", prefs_word(def));
	r = read_list(iq, "always", '+', &n, &b);
	if (r == 0)
		r = read_list(iq, "never", '-', &n, &b);
	if (r == 0) {
		*ret = arena_str(iq->arena, buf_str(&b));
		r = ret->p ? 0 : ERR_LIMIT;
	}
	buf_release(&b);
	return r;
}

static int put(struct vault *v, struct iq *iq)
{
	const struct str *text = iq->data;

	return vault_item_put(v, iq->user->bare, ITEM_PREFS, STR_NONE, *text);
}

static int put_done(struct iq *iq, int err)
{
	const struct str *text = iq->data;
	struct prefs *p;

	if (err == 0)
		err = prefs_decode(*text, &p);
	if (err < 0)
		return err;
	prefs_free(&iq->user->prefs);
	iq->user->prefs = p;
	return reply(iq);
}

static int on_prefs(struct iq *iq)
{
	struct str *text = arena_alloc(iq->arena, sizeof(*text));
	int r = 0;

	/* To who is from elsewhere an account is as one that is not there. */
	if (iq->target != TO_SELF)
		return trip_is_foreign(iq->trip) ? ERR_UNAVAILABLE : ERR_FORBIDDEN;
	if (!text)
		return ERR_LIMIT;
	if (iq->type == IQ_SET)
		r = read_wish(iq, text);
	if (r < 0)
		return r;
	if (iq->type == IQ_GET || iq->server->config->archive.choice != CONFIG_CHOICE_ACCOUNT)
		return reply(iq);
	iq->data = text;
	return iq_store(iq, put, put_done);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET | IQ_SET, NS_MAM, "prefs", TO_SELF | TO_ACCOUNT, on_prefs },
	{ 0 }
};

const struct mod_def mod_preferences = {
	.name = "preferences",
	.xep = 441,
	.xep_version = "0.2.0",
	.xep_note = "stored for each account where archive.choice says so; else the company's, which is shown",
	.iq = iqs,
};
