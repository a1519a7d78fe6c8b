/* inspect_step.c - the impure shell around the guard: gathers what is judged, obeys the decision.
 *
 * On the sender's shard, so one sender's burst is judged in order; the copy is reserved here, before
 * anybody gets it. Nobody is exempt for being a contact, an administrator or the help desk.
 */
#include "base/clock.h"
#include "core/pipeline.h"
#include "core/state.h"
#include "core/user.h"
#include "inspect/subject.h"
#include "xmpp/ns.h"

/* A frozen account talks to the bot and the help desk alone; what it asks of the server itself goes on. */
static bool frozen_out(const struct trip *t)
{
	/* What an officer lets go was decided on by a human. */
	if (t->origin != TRIP_CLIENT || !t->from_user || !t->from_user->frozen || t->to_self || t->to.full.n == 0)
		return false;
	if (t->to.local.n == 0 && server_is_local(t->server, t->to.domain))
		return false;
	return !str_eq(t->to.bare, t->server->bot) && !str_eq(t->to.bare, t->server->helpdesk);
}

static void add_links(struct subject *sub, struct arena *a, const struct node *html)
{
	const struct node *n = html;

	while (n) {
		if (n->name.n && str_is(n->name, "a") && str_is(n->ns, NS_XHTML))
			subject_add_link(sub, node_attr(n, "href"), node_deep_text(a, n));
		if (n->first) {
			n = n->first;
			continue;
		}
		while (n != html && !n->next)
			n = n->parent;
		n = n == html ? NULL : n->next;
	}
}

static void gather(struct trip *t, struct subject *sub)
{
	const struct node *m = t->stanza, *c;
	struct str *texts[] = { &sub->body, &sub->topic };
	const char *names[] = { "body", "subject" };

	sub->from = t->from.bare;
	sub->to = t->to_self ? t->from.bare : t->to.bare;
	sub->via = VIA_LOCAL;
	sub->known = true;		/* colleagues know one another */
	sub->ts_ms = clock_wall_ms();
	for (size_t i = 0; i < 2; i++) {
		c = node_child(m, NS_CLIENT, names[i]);
		*texts[i] = c ? node_text(t->arena, c) : STR_NONE;
	}
	c = node_child(m, NS_XHTML_IM, "html");
	if (c)
		add_links(sub, t->arena, c);
	for (c = node_child(m, NS_OOB, "x"); c; c = node_child_next(c, NS_OOB, "x")) {
		const struct node *url = node_child(c, NS_OOB, "url");

		if (url)
			subject_add_link(sub, node_text(t->arena, url), STR_NONE);
	}
}

static bool has_text(const struct subject *sub)
{
	return sub->body.n || sub->topic.n || sub->n_links;
}

static enum trip_next obey(struct trip *t)
{
	switch (t->verdict.decision) {
	case DECISION_DELIVER:
		return TRIP_NEXT;
	case DECISION_FLAG:
	case DECISION_DEFANG:
		t->flagged = true;
		return TRIP_NEXT;
	case DECISION_HOLD:
	case DECISION_CHALLENGE:
	case DECISION_FREEZE:
		t->hold = true;
		return TRIP_NEXT;
	case DECISION_REJECT:
		return trip_refuse(t, ERR_POLICY, "refused by the company's policy");
	}
	return trip_refuse(t, ERR_POLICY, NULL);
}

enum trip_next step_inspect(struct trip *t)
{
	struct subject sub = { 0 };
	int r;

	if (frozen_out(t))
		return trip_refuse(t, ERR_POLICY, "this account is frozen; please write to the help desk");
	if (t->kind != STANZA_MESSAGE || t->origin != TRIP_CLIENT || str_is(node_attr(t->stanza, "type"), "error"))
		return TRIP_NEXT;
	gather(t, &sub);
	if (!has_text(&sub))
		return TRIP_NEXT;
	r = guard_judge(t->server->guard, &sub, t->arena, &t->verdict);
	if (r < 0)
		return trip_refuse(t, r, "the message could not be inspected; try again later");
	t->judged = t->verdict.decision != DECISION_DELIVER || t->verdict.n_findings || t->verdict.risky;
	return obey(t);
}
