/* pubsub_form.c - see pubsub_form.h. One table of options: how they are called and what they may be. */
#include "pubsub/pubsub_form.h"

#include <stdio.h>

#include "base/check.h"
#include "xmpp/ns.h"

enum kind { WORD, SWITCH, NUMBER };

static const char *const access_words[] = { "open", "presence", "roster", "whitelist", "authorize", NULL };
static const char *const publish_words[] = { "publishers", "subscribers", "open", NULL };
static const char *const last_words[] = { "never", "on_sub", "on_sub_and_presence", NULL };
static const char *const message_words[] = { "headline", "normal", "chat", NULL };

static const struct {
	const char *var, *label;
	enum kind kind;
	const char *const *words;
} options[PUBSUB_OPTIONS] = {
	[PUBSUB_ACCESS] = { "pubsub#access_model", "Who may subscribe and read", WORD, access_words },
	[PUBSUB_PUBLISH_MODEL] = { "pubsub#publish_model", "Who may publish", WORD, publish_words },
	[PUBSUB_SEND_LAST] = { "pubsub#send_last_published_item", "When to send the last item", WORD, last_words },
	[PUBSUB_PERSIST] = { "pubsub#persist_items", "Keep what is published", SWITCH, NULL },
	[PUBSUB_MAX_ITEMS] = { "pubsub#max_items", "How many items are kept", NUMBER, NULL },
	[PUBSUB_EXPIRE_S] = { "pubsub#item_expire", "Seconds until an item is removed", NUMBER, NULL },
	[PUBSUB_PAYLOADS] = { "pubsub#deliver_payloads", "Send items with their notification", SWITCH, NULL },
	[PUBSUB_NOTIFY] = { "pubsub#deliver_notifications", "Notify of items", SWITCH, NULL },
	[PUBSUB_NOTIFY_RETRACT] = { "pubsub#notify_retract", "Notify of items that are removed", SWITCH, NULL },
	[PUBSUB_NOTIFY_DELETE] = { "pubsub#notify_delete", "Notify when the node is deleted", SWITCH, NULL },
	[PUBSUB_NOTIFY_CONFIG] = { "pubsub#notify_config", "Notify of changed options", SWITCH, NULL },
	[PUBSUB_MESSAGE_TYPE] = { "pubsub#notification_type", "The type of notifications", WORD, message_words },
};

static const struct {
	const char *var, *label, *type;
	size_t max;
} texts[PUBSUB_TEXTS] = {
	[PUBSUB_TITLE] = { "pubsub#title", "A short name", "text-single", PUBSUB_TEXT },
	[PUBSUB_DESCRIPTION] = { "pubsub#description", "A description", "text-single", PUBSUB_TEXT },
	[PUBSUB_TYPE] = { "pubsub#type", "The namespace of what is published", "text-single", PUBSUB_TEXT },
	[PUBSUB_GROUPS] = { "pubsub#roster_groups_allowed", "Groups of the roster that may read", "list-multi", PUBSUB_GROUPS_TEXT },
};

/* --- showing ------------------------------------------------------------------------------------------------------- */

static struct node *add_field(struct arena *a, struct node *x, const char *var, const char *type, const char *label)
{
	struct node *f = node_add(a, x, NS_XDATA, "field");

	if (!f || node_set_attr(a, f, "var", str_of(var)) < 0 || (type && node_set_attr(a, f, "type", str_of(type)) < 0) ||
	    (label && node_set_attr(a, f, "label", str_of(label)) < 0))
		return NULL;
	return f;
}

static int add_value(struct arena *a, struct node *f, struct str value)
{
	return f && node_add_leaf(a, f, NS_XDATA, "value", value) ? 0 : ERR_LIMIT;
}

static struct node *new_form(struct arena *a, struct node *parent, const char *type, const char *form_type)
{
	struct node *x = node_add(a, parent, NS_XDATA, "x");

	if (!x || node_set_attr(a, x, "type", str_of(type)) < 0 ||
	    add_value(a, add_field(a, x, "FORM_TYPE", "hidden", NULL), str_of(form_type)) < 0)
		return NULL;
	return x;
}

static struct str number_text(struct arena *a, size_t option, uint32_t n)
{
	if (option == PUBSUB_MAX_ITEMS && n >= PUBSUB_ITEMS)
		return STR("max");
	return arena_printf(a, "%u", n);
}

static int show_option(struct arena *a, struct node *x, size_t i, const struct pubsub_config *c, bool account)
{
	static const char *const types[] = { [WORD] = "list-single", [SWITCH] = "boolean", [NUMBER] = "text-single" };
	struct node *f = add_field(a, x, options[i].var, types[options[i].kind], options[i].label);
	int r;

	if (!f)
		return ERR_LIMIT;
	if (options[i].kind == SWITCH)
		return add_value(a, f, c->n[i] ? STR("1") : STR("0"));
	if (options[i].kind == NUMBER)
		return add_value(a, f, number_text(a, i, c->n[i]));
	r = add_value(a, f, str_of(options[i].words[c->n[i]]));
	for (const char *const *w = options[i].words; *w && r == 0; w++) {
		struct node *o = NULL;

		/* Presence and roster are an account's; at the service owners can be asked. */
		if (i == PUBSUB_ACCESS && (account ? str_is(str_of(*w), "authorize") : str_is(str_of(*w), "presence") || str_is(str_of(*w), "roster")))
			continue;
		o = node_add(a, f, NS_XDATA, "option");
		r = o && node_set_attr(a, o, "label", str_of(*w)) == 0 ? add_value(a, o, str_of(*w)) : ERR_LIMIT;
	}
	return r;
}

/* One value a line. */
static int add_lines(struct arena *a, struct node *f, struct str lines)
{
	int r = f ? 0 : ERR_LIMIT;

	while (r == 0 && lines.n) {
		ptrdiff_t end = str_find_char(lines, '\n');
		size_t n = end < 0 ? lines.n : (size_t)end;

		r = add_value(a, f, str_make(lines.p, n));
		lines = str_cut(lines, n + 1);
	}
	return r;
}

int pubsub_form_show(struct arena *a, struct node *parent, const struct pubsub_config *config, bool account)
{
	struct node *x = new_form(a, parent, "form", NS_PUBSUB_CONFIG);
	int r = x ? 0 : ERR_LIMIT;

	for (size_t i = 0; i < PUBSUB_OPTIONS && r == 0; i++)
		r = show_option(a, x, i, config, account);
	for (size_t i = 0; i < PUBSUB_TEXTS && r == 0; i++) {
		struct node *f;

		if (i == PUBSUB_GROUPS && !account)
			continue;
		f = add_field(a, x, texts[i].var, texts[i].type, texts[i].label);
		r = i == PUBSUB_GROUPS ? add_lines(a, f, config->text[i]) : add_value(a, f, config->text[i]);
	}
	return r;
}

int pubsub_form_meta(struct arena *a, struct node *parent, const struct pubsub_node *n, uint64_t n_items)
{
	static const enum pubsub_option shown[] = { PUBSUB_ACCESS, PUBSUB_PUBLISH_MODEL, PUBSUB_MAX_ITEMS };
	struct node *x = new_form(a, parent, "result", NS_PUBSUB "#meta-data");
	int r = x ? 0 : ERR_LIMIT;

	for (size_t i = 0; i < ARRAY_SIZE(shown) && r == 0; i++) {
		uint32_t v = n->config.n[shown[i]];

		r = add_value(a, add_field(a, x, options[shown[i]].var, NULL, NULL),
			      options[shown[i]].kind == WORD ? str_of(options[shown[i]].words[v]) : number_text(a, shown[i], v));
	}
	for (size_t i = 0; i < PUBSUB_GROUPS && r == 0; i++)
		if (n->config.text[i].n)
			r = add_value(a, add_field(a, x, texts[i].var, NULL, NULL), n->config.text[i]);
	if (r == 0 && n->creator.n)
		r = add_value(a, add_field(a, x, "pubsub#creator", "jid-single", NULL), n->creator);
	if (r == 0)
		r = add_value(a, add_field(a, x, "pubsub#num_subscribers", NULL, NULL), arena_printf(a, "%zu", n->n_subscribers));
	return r < 0 ? r : add_value(a, add_field(a, x, "pubsub#num_items", NULL, NULL), arena_printf(a, "%llu", (unsigned long long)n_items));
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static int read_word(const char *const *words, struct str text, uint32_t *ret)
{
	for (uint32_t i = 0; words[i]; i++)
		if (str_is(text, words[i])) {
			*ret = i;
			return 0;
		}
	return ERR_NOT_ACCEPTABLE;
}

static int read_switch(struct str text, uint32_t *ret)
{
	bool on = str_is(text, "1") || str_is(text, "true");

	if (!on && !str_is(text, "0") && !str_is(text, "false"))
		return ERR_NOT_ACCEPTABLE;
	*ret = on;
	return 0;
}

/* More than is kept is asked for as 'max' is. */
static int read_number(size_t option, struct str text, uint32_t *ret)
{
	uint64_t v = 0, most = option == PUBSUB_MAX_ITEMS ? PUBSUB_ITEMS : UINT32_MAX;
	bool all = str_is(text, "max");

	if (!all && !str_to_u64(text, UINT64_MAX, &v))
		return ERR_NOT_ACCEPTABLE;
	if (option == PUBSUB_EXPIRE_S && all)
		v = 0;
	else if (all || v > most)
		v = most;
	if (option == PUBSUB_MAX_ITEMS && v == 0)
		v = 1;
	*ret = (uint32_t)v;
	return 0;
}

static int read_option(size_t i, struct str value, uint32_t *ret)
{
	value = str_trim(value);
	switch (options[i].kind) {
	case WORD:
		return read_word(options[i].words, value, ret);
	case SWITCH:
		return read_switch(value, ret);
	case NUMBER:
		return read_number(i, value, ret);
	}
	return ERR_NOT_ACCEPTABLE;
}

static int read_text(struct arena *a, const struct node *field, size_t i, struct str *ret)
{
	struct str all = STR_NONE;

	for (const struct node *v = node_child(field, NS_XDATA, "value"); v; v = node_child_next(v, NS_XDATA, "value")) {
		struct str one = node_text(a, v);

		if (str_find_char(one, '\n') >= 0 || one.n + all.n > texts[i].max)
			return ERR_NOT_ACCEPTABLE;
		if (i != PUBSUB_GROUPS && all.n)
			return ERR_BAD_REQUEST;
		all = all.n ? arena_printf(a, "%.*s\n%.*s", STR_FMT(all), STR_FMT(one)) : one;
		if (!all.p)
			return ERR_LIMIT;
	}
	*ret = all;
	return 0;
}

/* ERR_CONFLICT: no such option. */
static int read_field(struct arena *a, const struct node *field, struct pubsub_config *c)
{
	struct str var = node_attr(field, "var");
	const struct node *v = node_child(field, NS_XDATA, "value");

	for (size_t i = 0; i < PUBSUB_OPTIONS; i++) {
		if (!str_is(var, options[i].var))
			continue;
		if (!v || node_child_next(v, NS_XDATA, "value"))
			return ERR_BAD_REQUEST;
		return read_option(i, node_text(a, v), &c->n[i]);
	}
	for (size_t i = 0; i < PUBSUB_TEXTS; i++)
		if (str_is(var, texts[i].var))
			return read_text(a, field, i, &c->text[i]);
	return ERR_CONFLICT;
}

/* Names that a client may send back as it got them, or that mean nothing here. */
static bool is_idle(struct str var)
{
	static const char *const vars[] = { "pubsub#node_type", "pubsub#creator", "pubsub#purge_offline", "pubsub#subscribe",
					    "pubsub#presence_based_delivery", "pubsub#notify_sub", "pubsub#itemreply",
					    "pubsub#max_payload_size", "pubsub#language", "pubsub#contact", "pubsub#tempsub" };

	for (size_t i = 0; i < ARRAY_SIZE(vars); i++)
		if (str_is(var, vars[i]))
			return true;
	return false;
}

static int check_form(struct arena *a, const struct node *x, bool strict)
{
	const char *want = strict ? NS_PUBSUB_OPTIONS : NS_PUBSUB_CONFIG;

	if (!str_is(node_attr(x, "type"), "submit"))
		return ERR_BAD_REQUEST;
	for (const struct node *f = node_child(x, NS_XDATA, "field"); f; f = node_child_next(f, NS_XDATA, "field")) {
		const struct node *v = node_child(f, NS_XDATA, "value");

		if (str_is(node_attr(f, "var"), "FORM_TYPE"))
			return v && str_is(str_trim(node_text(a, v)), want) ? 0 : ERR_BAD_REQUEST;
	}
	/* Old clients leave it out when they set options, and there is no other form it could be. */
	return strict ? ERR_BAD_REQUEST : 0;
}

int pubsub_form_read(struct arena *a, const struct node *form, bool strict, struct pubsub_config *config)
{
	int r;

	if (!form)
		return 0;
	r = check_form(a, form, strict);
	for (const struct node *f = node_child(form, NS_XDATA, "field"); f && r == 0; f = node_child_next(f, NS_XDATA, "field")) {
		if (str_is(node_attr(f, "var"), "FORM_TYPE"))
			continue;
		r = read_field(a, f, config);
		if (r == ERR_CONFLICT && (!strict || is_idle(node_attr(f, "var"))))
			r = 0;
	}
	return r;
}

int pubsub_form_matches(struct arena *a, const struct node *form, const struct pubsub_config *config, bool *ret)
{
	struct pubsub_config want = *config;
	int r = pubsub_form_read(a, form, true, &want);

	if (r < 0)
		return r;
	*ret = memcmp(want.n, config->n, sizeof(want.n)) == 0;
	for (size_t i = 0; i < PUBSUB_TEXTS; i++)
		*ret = *ret && str_eq(want.text[i], config->text[i]);
	return 0;
}
