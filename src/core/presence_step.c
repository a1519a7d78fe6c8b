/* presence_step.c - see presence_step.h. The links alone are judged, without the memory of who sent what: a status is said
 * anew at every login. */
#include "core/presence_step.h"

#include "base/log.h"
#include "core/bot.h"
#include "core/hold.h"
#include "core/service.h"
#include "core/blocklist.h"
#include "core/state.h"
#include "inspect/links.h"
#include "xmpp/ns.h"

static bool is_shown(const struct node *n)
{
	return node_is(n, NS_CLIENT, "status") || node_is(n, NS_NICK, "nick");
}

static struct str shown_text(struct trip *t)
{
	struct str all = STR_NONE;

	for (const struct node *n = node_first_element(t->stanza); n && all.p; n = node_next_element(n))
		if (is_shown(n))
			all = arena_printf(t->arena, "%.*s%.*s\n", STR_FMT(all), STR_FMT(node_deep_text(t->arena, n)));
	return all;
}

/* Findings with their weights in t->verdict; 0, or ERR_NOMEM. */
static int judge(struct trip *t, struct str text)
{
	const struct policy *p = guard_policy(t->server->guard);
	struct subject s = { .from = t->from.bare, .to = t->to.bare, .body = text, .topic = STR_NONE, .known = true };
	struct verdict v = { 0 };
	struct judgement j = { .patient_zero = STR_NONE, .memory = STR_NONE };
	struct links links;
	struct finding *f;

	s.shared = blocklist_links(t->server, &s.n_shared);
	links_gather(&s, t->arena, &links);
	if (links.n == 0 && !links.more)
		return 0;
	links_verdict(&links, &p->links, &v);
	f = arena_alloc(t->arena, (v.n + 1) * sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	for (unsigned i = 0; i < v.n; i++) {
		f[i] = v.f[i];
		f[i].weight = p->weights[f[i].rule];
		j.score += f[i].weight;
	}
	j.findings = f;
	j.n_findings = v.n;
	memcpy(j.policy, p->digest, sizeof(j.policy));
	t->verdict = j;
	return 0;
}

static bool is_bad(const struct trip *t)
{
	const struct policy *p = guard_policy(t->server->guard);
	unsigned at = p->flag ? p->flag : p->hold;

	return at && t->verdict.score >= at;
}

static enum trip_next refuse_name(struct trip *t)
{
	char id[VAULT_ID_TEXT];

	t->verdict.decision = DECISION_REJECT;
	if (hold_refused(t, id) < 0)
		log_event(LOG_ERROR, "presence.unrecorded");
	return trip_refuse(t, ERR_POLICY, "this name holds a link that is not allowed");
}

static void strip(struct trip *t)
{
	struct node *next;
	char id[VAULT_ID_TEXT];

	for (struct node *n = node_first_element(t->stanza); n; n = next) {
		next = node_next_element(n);
		if (is_shown(n))
			node_remove(n);
	}
	t->verdict.decision = DECISION_DEFANG;
	if (hold_refused(t, id) < 0)
		log_event(LOG_ERROR, "presence.unrecorded");
	else if (t->origin == TRIP_CLIENT)
		bot_tell(t->server, t->from.bare, "Your status was not shown to others (number %s): %s.", id, inspect_rule_text(t->verdict.findings[0].rule));
}

enum trip_next presence_step(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type"), text;
	bool named = t->to.resource.n && service_of(t->server, t->to.domain);

	if ((t->origin != TRIP_CLIENT && !trip_is_foreign(t)) || str_is(type, "error") || str_is(type, "probe"))
		return TRIP_NEXT;
	if (named && judge(t, t->to.resource) < 0)
		return trip_refuse(t, ERR_NOMEM, NULL);
	if (named && is_bad(t))
		return refuse_name(t);
	text = shown_text(t);
	if (!text.p)
		return trip_refuse(t, ERR_NOMEM, NULL);
	if (text.n == 0)
		return TRIP_NEXT;
	if (judge(t, text) < 0)
		return trip_refuse(t, ERR_NOMEM, NULL);
	if (is_bad(t))
		strip(t);
	return TRIP_NEXT;
}
