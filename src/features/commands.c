/* commands.c - XEP-0050: finds the commands of all features for those who may run them, and leads through their forms.
 *
 * Who may not run a command does not find it either. A form belongs to the client session that asked for it.
 */
#include "core/adhoc.h"

#include "core/mod.h"
#include "core/state.h"

/* Only people of this server that are signed in. */
static const struct user *asker(const struct iq *iq)
{
	const struct user *u = iq->trip->from_user;

	return iq->session && u && iq->trip->origin == TRIP_CLIENT && !u->frozen ? u : NULL;
}

static const struct adhoc_command *find(struct str node)
{
	size_t n;
	const struct mod_def *const *mods = mod_all(&n);

	for (size_t i = 0; i < n; i++)
		for (const struct adhoc_command *c = mods[i]->commands; c && c->node; c++)
			if (str_is(node, c->node))
				return c;
	return NULL;
}

static bool may(const struct iq *iq, const struct adhoc_command *c)
{
	const struct user *u = asker(iq);

	return u && c->may(u);
}

/* --- discovery ---------------------------------------------------------------------------------------------- */

static int on_items(struct iq *iq)
{
	struct arena *a = iq->arena;
	struct node *query;
	size_t n;
	const struct mod_def *const *mods = mod_all(&n);

	if (!str_is(node_attr(iq->payload, "node"), NS_COMMANDS))
		return IQ_PASS;
	query = node_new(a, NS_DISCO_ITEMS, "query");
	if (!query || node_set_attr(a, query, "node", STR(NS_COMMANDS)) < 0)
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++)
		for (const struct adhoc_command *c = mods[i]->commands; c && c->node; c++) {
			struct node *item = may(iq, c) ? node_add(a, query, NS_DISCO_ITEMS, "item") : NULL;

			if (!may(iq, c))
				continue;
			if (!item || node_set_attr(a, item, "jid", iq->server->domain) < 0 ||
			    node_set_attr(a, item, "node", str_of(c->node)) < 0 || node_set_attr(a, item, "name", str_of(c->name)) < 0)
				return ERR_LIMIT;
		}
	return iq_reply(iq, query);
}

static int add_identity(struct iq *iq, struct node *query, const char *type, const char *name)
{
	struct node *id = node_add(iq->arena, query, NS_DISCO_INFO, "identity");
	int r = id ? node_set_attr(iq->arena, id, "category", STR("automation")) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(iq->arena, id, "type", str_of(type));
	return r == 0 ? node_set_attr(iq->arena, id, "name", str_of(name)) : r;
}

static int on_info(struct iq *iq)
{
	struct str asked = node_attr(iq->payload, "node");
	bool list = str_is(asked, NS_COMMANDS);
	const struct adhoc_command *c = list ? NULL : find(asked);
	static const char *const vars[] = { NS_COMMANDS, NS_XDATA };
	struct node *query;
	int r;

	if (!list && (!c || !may(iq, c)))
		return IQ_PASS;
	query = node_new(iq->arena, NS_DISCO_INFO, "query");
	r = query ? node_set_attr(iq->arena, query, "node", asked) : ERR_LIMIT;
	if (r == 0)
		r = list ? add_identity(iq, query, "command-list", "Commands") : add_identity(iq, query, "command-node", c->name);
	for (size_t i = 0; r == 0 && i < sizeof(vars) / sizeof(vars[0]); i++) {
		struct node *f = node_add(iq->arena, query, NS_DISCO_INFO, "feature");

		r = f ? node_set_attr(iq->arena, f, "var", str_of(vars[i])) : ERR_LIMIT;
	}
	return r < 0 ? r : iq_reply(iq, query);
}

/* --- running ---------------------------------------------------------------------------------------------------- */

/* XEP-0050 3.5: a condition of its own beneath the general one. */
static int refuse(struct iq *iq, const char *type, const char *condition, const char *own)
{
	struct node *extra = node_new(iq->arena, NS_COMMANDS, own);
	struct node *e = extra ? stanza_error_cond(iq->arena, iq->stanza, type, condition, extra) : NULL;

	if (!e)
		return ERR_LIMIT;
	trip_answer(iq->trip, e);
	return 0;
}

static int first_stage(struct adhoc *c, struct str action)
{
	struct node *form;
	int r;

	if (action.n && !str_is(action, "execute"))
		return refuse(c->iq, "modify", "bad-request", "bad-action");
	if (!c->command->fields)
		return c->command->run(c);
	r = adhoc_form(c, &form);
	return r < 0 ? r : adhoc_ask(c, form);
}

static bool is_filled_in(struct adhoc *c)
{
	for (const struct adhoc_field *x = c->command->fields; x && x->type; x++)
		if (x->required && !str_trim(form_get(c->iq->arena, c->form, x->var)).n)
			return false;
	return true;
}

static int cancelled(struct adhoc *c)
{
	struct arena *a = c->iq->arena;
	struct node *n = node_new(a, NS_COMMANDS, "command");

	if (!n || node_set_attr(a, n, "node", str_of(c->command->node)) < 0 || node_set_attr(a, n, "sessionid", str_of(c->id)) < 0 ||
	    node_set_attr(a, n, "status", STR("canceled")) < 0)
		return ERR_LIMIT;
	return iq_reply(c->iq, n);
}

static int next_stage(struct adhoc *c, struct adhoc_session *s, struct str action)
{
	struct server *srv = c->iq->server;
	const struct node *x = node_child(c->iq->payload, NS_XDATA, "x");

	if (s->until_ms < loop_now_ms(srv->loop)) {
		adhoc_drop(srv, s);
		return refuse(c->iq, "cancel", "not-allowed", "session-expired");
	}
	memcpy(c->id, s->id, sizeof(c->id));
	c->stage = s->stage;
	if (str_is(action, "cancel") || (x && str_is(node_attr(x, "type"), "cancel"))) {
		adhoc_drop(srv, s);
		return cancelled(c);
	}
	if (str_is(action, "prev"))
		return refuse(c->iq, "modify", "bad-request", "bad-action");
	c->form = x && str_is(node_attr(x, "type"), "submit") ? x : NULL;
	if (!c->form || !is_filled_in(c))	/* it may be tried again */
		return refuse(c->iq, "modify", "bad-request", "bad-payload");
	adhoc_drop(srv, s);
	return c->command->run(c);
}

static bool is_action(struct str s)
{
	static const char *const names[] = { "execute", "next", "complete", "prev", "cancel" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(s, names[i]))
			return true;
	return s.n == 0;
}

static int on_command(struct iq *iq)
{
	const struct adhoc_command *cmd = find(node_attr(iq->payload, "node"));
	struct str id = node_attr(iq->payload, "sessionid"), action = node_attr(iq->payload, "action");
	struct adhoc *c = arena_alloc(iq->arena, sizeof(*c));
	struct adhoc_session *s;

	if (!asker(iq))
		return ERR_FORBIDDEN;
	if (!cmd)
		return ERR_NOT_FOUND;
	if (!may(iq, cmd))
		return ERR_FORBIDDEN;
	if (!is_action(action))
		return refuse(iq, "modify", "bad-request", "malformed-action");
	if (!c)
		return ERR_LIMIT;
	arena_wipe_on_free(iq->arena);		/* forms may hold passwords */
	*c = (struct adhoc){ .iq = iq, .command = cmd };
	if (!id.n)
		return first_stage(c, action);
	s = adhoc_find(iq->server, iq->trip->session_id, id);
	if (!s || s->command != cmd)
		return refuse(iq, "modify", "bad-request", "bad-sessionid");
	return next_stage(c, s, action);
}

/* --- start and end -------------------------------------------------------------------------------------------------- */

static void stop(struct server *srv)
{
	adhoc_forget(srv, 0);
}

static void session_gone(struct session *s)
{
	adhoc_forget(s->server, s->id);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_DISCO_ITEMS, "query", TO_SERVER, on_items },
	{ IQ_GET, NS_DISCO_INFO, "query", TO_SERVER, on_info },
	{ IQ_SET, NS_COMMANDS, "command", TO_SERVER, on_command },
	{ 0 }
};

static const struct mod_hooks hooks = { .server_stop = stop, .session_gone = session_gone };

const struct mod_def mod_commands = {
	.name = "commands",
	.xep = 50,
	.xep_version = "1.3.0",
	.disco_server = (const char *const[]){ NS_COMMANDS, NULL },
	.iq = iqs,
	.hooks = &hooks,
};
