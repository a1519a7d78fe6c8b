/* adhoc.c - see adhoc.h. */
#include "core/adhoc.h"

#include <stdlib.h>

#include "base/rand.h"
#include "core/mod.h"
#include "core/state.h"

/* --- sessions ------------------------------------------------------------------------------------------- */

struct adhoc_session *adhoc_find(struct server *srv, uint64_t client, struct str id)
{
	LIST_EACH(it, &srv->adhoc) {
		struct adhoc_session *s = LIST_ITEM(it, struct adhoc_session, node);

		if (s->client == client && str_is(id, s->id))
			return s;
	}
	return NULL;
}

void adhoc_drop(struct server *srv, struct adhoc_session *s)
{
	list_remove(&s->node);
	srv->n_adhoc--;
	free(s);
}

void adhoc_forget(struct server *srv, uint64_t client)
{
	LIST_EACH(it, &srv->adhoc) {
		struct adhoc_session *s = LIST_ITEM(it, struct adhoc_session, node);

		if (!client || s->client == client)
			adhoc_drop(srv, s);
	}
}

/* What is over, and the oldest of those that are too many. */
static void make_room(struct server *srv, uint64_t client, uint64_t now)
{
	struct adhoc_session *oldest = NULL;
	unsigned own = 0;

	LIST_EACH(it, &srv->adhoc) {
		struct adhoc_session *s = LIST_ITEM(it, struct adhoc_session, node);

		if (s->until_ms < now) {
			adhoc_drop(srv, s);
		} else if (s->client == client) {
			own++;
			oldest = oldest ? oldest : s;
		}
	}
	if (own >= ADHOC_PER_CLIENT)
		adhoc_drop(srv, oldest);
	else if (srv->n_adhoc >= ADHOC_SESSIONS)
		adhoc_drop(srv, LIST_ITEM(srv->adhoc.next, struct adhoc_session, node));
}

static int keep(struct adhoc *c)
{
	struct server *srv = c->iq->server;
	uint64_t now = loop_now_ms(srv->loop), client = c->iq->trip->session_id;
	struct adhoc_session *s;

	make_room(srv, client, now);
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->client = client;
	s->command = c->command;
	s->stage = c->stage + 1;
	s->until_ms = now + ADHOC_MS;
	memcpy(s->id, c->id, sizeof(s->id));
	list_append(&srv->adhoc, &s->node);
	srv->n_adhoc++;
	return 0;
}

/* --- answers -------------------------------------------------------------------------------------------------- */

static struct node *command(struct adhoc *c, const char *status)
{
	struct arena *a = c->iq->arena;
	struct node *n = node_new(a, NS_COMMANDS, "command");

	if (!c->id[0])
		rand_text(c->id, ADHOC_ID);
	if (!n || node_set_attr(a, n, "node", str_of(c->command->node)) < 0 ||
	    node_set_attr(a, n, "sessionid", str_of(c->id)) < 0 || node_set_attr(a, n, "status", str_of(status)) < 0)
		return NULL;
	return n;
}

int adhoc_ask(struct adhoc *c, struct node *form)
{
	struct arena *a = c->iq->arena;
	struct node *n = command(c, "executing"), *actions = n ? node_add(a, n, NS_COMMANDS, "actions") : NULL;
	int r;

	if (!actions || !node_add(a, actions, NS_COMMANDS, "complete"))
		return ERR_LIMIT;
	r = node_set_attr(a, actions, "execute", STR("complete"));
	if (r == 0)
		r = keep(c);
	if (r < 0)
		return r;
	node_append(n, form);
	return iq_reply(c->iq, n);
}

int adhoc_done(struct adhoc *c, struct node *payload, const char *note)
{
	struct arena *a = c->iq->arena;
	struct node *n = command(c, "completed"), *text;

	if (!n)
		return ERR_LIMIT;
	if (note) {
		text = node_add_leaf(a, n, NS_COMMANDS, "note", str_of(note));
		if (!text || node_set_attr(a, text, "type", STR("info")) < 0)
			return ERR_LIMIT;
	}
	if (payload)
		node_append(n, payload);
	return iq_reply(c->iq, n);
}

int adhoc_form(struct adhoc *c, struct node **ret)
{
	const struct adhoc_command *cmd = c->command;
	struct form f;

	form_begin(&f, c->iq->arena, NULL, "form", cmd->form_type);
	form_text(&f, "title", cmd->name);
	if (cmd->instructions)
		form_text(&f, "instructions", cmd->instructions);
	for (const struct adhoc_field *x = cmd->fields; x->type; x++) {
		form_field(&f, x->type, x->var, x->label, x->options ? str_of(x->options[0]) : (struct str){ 0 });
		if (x->required)
			form_required(&f);
		for (const char *const *o = x->options; o && *o; o++)
			form_option(&f, *o, *o);
	}
	*ret = f.x;
	return form_end(&f);
}
