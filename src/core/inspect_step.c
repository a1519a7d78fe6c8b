/* inspect_step.c - the impure shell around the guard: gathers what is judged, obeys the decision.
 *
 * On the sender's shard, so one sender's burst is judged in order; the copy is reserved here, before
 * anybody gets it. Nobody is exempt for being a contact, an administrator or the help desk.
 */
#include "base/clock.h"
#include "core/blocklist.h"
#include "core/breakers.h"
#include "core/file_key.h"
#include "core/file_link.h"
#include "core/gate.h"
#include "core/hold.h"
#include "core/mask.h"
#include "core/own_password.h"
#include "core/pipeline.h"
#include "core/presence_step.h"
#include "core/policy_step.h"
#include "core/rewrite.h"
#include "core/router.h"
#include "core/service.h"
#include "core/shared.h"
#include "core/state.h"
#include "core/transfer_step.h"
#include "core/user.h"
#include "inspect/gather.h"
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

/* Everything that some client may show or open: every body and subject, the text of markup, OOB, references. */
static bool gather(struct trip *t, const struct node *m, struct subject *sub)
{
	const struct service_ops *service = service_of(t->server, t->to.domain);

	sub->from = t->from.bare;
	sub->to = t->to_self ? t->from.bare : t->to.bare;
	sub->seat = service && t->to.resource.n ? t->to.full : STR_NONE;
	sub->via = t->origin == TRIP_PEER ? VIA_S2S : t->origin == TRIP_COMPONENT ? VIA_GATEWAY : service ? VIA_ROOM : VIA_LOCAL;
	gate_facts(t, sub);
	sub->outward = !service && !server_is_local(t->server, t->to.domain);
	sub->audience = service && service->audience ? service->audience(t->server, &t->to) : 1;
	sub->cut = breakers_cut(t);
	sub->decoy = shared_is_decoy(t->server, sub->to);
	sub->ts_ms = clock_wall_ms();
	policy_step_facts(t, sub);
	blocklist_facts(t, sub);
	transfer_step_facts(t, sub);
	return gather_message(m, t->arena, sub);
}

static bool has_text(const struct subject *sub)
{
	return sub->body.n || sub->topic.n || sub->n_links || sub->cipher.n || (sub->before && sub->before->n);
}

static void hold_instead(struct trip *t)
{
	guard_unreserve(t->server->guard, &t->verdict);
	t->verdict.reserved = false;
	t->verdict.decision = DECISION_HOLD;
	t->verdict.first_hold = t->hold = true;
}

/* What nobody may change is held; what could not be changed is not delivered. */
static enum trip_next deliver_changed(struct trip *t, enum policy_link how)
{
	int r = rewrite_message(t, how);

	if (r == ERR_UNSUPPORTED) {
		hold_instead(t);
		return TRIP_NEXT;
	}
	if (r < 0)
		return trip_refuse(t, r, "the message could not be inspected; try again later");
	t->flagged = true;
	return TRIP_NEXT;
}

/* Takes out what is not to be read. What cannot be taken out is held. */
static int mask(struct trip *t)
{
	struct guard *g = t->server->guard;
	struct subject sub = { 0 };
	int r = mask_stanza(g, t->stanza, t->own_password, t->arena);

	if (r == 0 && !gather(t, t->stanza, &sub))
		r = ERR_NOMEM;
	if (r == ERR_POLICY || (r == 0 && mask_remains(g, &sub, t->own_password, t->arena))) {
		hold_instead(t);
		r = 0;
	}
	return r;
}

/* What a rule on trial would have refused outright goes before what it would have done with the content. */
static void note_trial(struct trip *t)
{
	if (t->would > t->verdict.decision) {
		t->verdict.differs = true;
		t->verdict.would = t->would;
		t->verdict.would_by = t->would_by;
		memcpy(t->verdict.policy, guard_policy(t->server->guard)->digest, sizeof(t->verdict.policy));
	}
	t->server->metrics.would += t->verdict.differs;
}

static enum trip_next obey(struct trip *t)
{
	enum policy_link how = t->verdict.link_act;

	switch (t->verdict.decision) {
	case DECISION_DELIVER:
		return TRIP_NEXT;
	case DECISION_FLAG:
		if (how == POLICY_LINK_WARN)
			return deliver_changed(t, how);
		t->flagged = true;
		return TRIP_NEXT;
	case DECISION_DEFANG:
		return deliver_changed(t, how == POLICY_LINK_REWRITE ? how : POLICY_LINK_DEFANG);
	case DECISION_HOLD:
	case DECISION_CHALLENGE:
	case DECISION_FREEZE:
		t->hold = true;
		return TRIP_NEXT;
	case DECISION_REJECT:
		return policy_step_refuse(t, "refused by the company's policy");
	}
	return trip_refuse(t, ERR_POLICY, NULL);
}

/* Nodes whose items no client shows to a person who is not their owner: keys, bytes of pictures, what was read. */
static bool is_shown(struct str node)
{
	static const char *const families[] = { NS_OMEMO, NS_OMEMO_2, NS_AVATAR_DATA, NS_BOOKMARKS, NS_BOOKMARKS_OLD, NS_MDS };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (str_starts(node, str_of(families[i])))
			return false;
	return true;
}

/* A card as it is read: pictures and keys are bytes, not text. NULL: no memory. */
static struct node *card_of(struct trip *t, const struct node *card)
{
	static const char *const bytes[] = { "BINVAL", "CRED" };
	struct node *copy = node_dup(t->arena, card);

	for (struct node *c = copy ? node_first_element(copy) : NULL; c; c = node_next_element(c))
		for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
			struct node *b = node_child(c, NS_VCARD, bytes[i]);

			if (b)
				node_remove(b);
		}
	return copy;
}

/* What somebody publishes reaches his contacts as a message would (XEP-0163), and his card (XEP-0054) or a room's
 * (XEP-0486) whoever looks: it is judged as one to all of them. */
static const struct node *publication(struct trip *t)
{
	const struct node *payload = t->kind == STANZA_IQ ? node_first_element(t->stanza) : NULL, *publish;

	if (!payload || !str_is(node_attr(t->stanza, "type"), "set") || (t->origin != TRIP_CLIENT && !trip_is_foreign(t)))
		return NULL;
	if (node_is(payload, NS_VCARD, "vCard") || node_is(payload, NS_IQ_OOB, "query"))	/* XEP-0066 3: a client opens or shows it */
		return payload;
	publish = node_is(payload, NS_PUBSUB, "pubsub") ? node_child(payload, NS_PUBSUB, "publish") : NULL;
	return publish && is_shown(node_attr(publish, "node")) ? publish : NULL;
}

static unsigned count_contacts(const struct user *u)
{
	struct map_iter it = { 0 };
	unsigned n = 0;
	void *item;

	while (u && u->roster.items && map_next(u->roster.items, &it, NULL, &item)) {
		enum roster_sub s = ((const struct roster_item *)item)->sub;

		n += s == SUB_FROM || s == SUB_BOTH;
	}
	return n;
}

/* Recorded with the number that its author is told, so that `wardroom why` can explain it. */
static enum trip_next refuse_publication(struct trip *t)
{
	static const char *const text = "refused by the company's policy";
	struct str whole = STR_NONE;
	char id[VAULT_ID_TEXT];

	t->judged = true;	/* the copy that was counted is given back */
	if (hold_refused(t, id) == 0)
		whole = arena_printf(t->arena, "%s (number %s)", text, id);
	return trip_refuse(t, ERR_POLICY, whole.p && whole.n ? whole.p : text);
}

/* There is no quarantine for it: what would be held is refused. The items alone: the name of a form is a link, too. */
static enum trip_next inspect_publication(struct trip *t, const struct node *publish)
{
	struct subject sub = { 0 };
	int r = ERR_NOMEM;

	if (str_is(publish->ns, NS_VCARD))
		publish = card_of(t, publish);
	if (publish && gather(t, publish, &sub))
		r = 0;
	if (t->from_user && sub.audience < 2)
		sub.audience = count_contacts(t->from_user);
	if (r == 0 && !has_text(&sub))
		return TRIP_NEXT;
	if (r == 0)
		r = guard_judge(t->server->guard, &sub, t->arena, &t->verdict);
	if (r < 0)
		return trip_refuse(t, r, "what you publish could not be inspected; try again later");
	if (t->verdict.decision == DECISION_DELIVER || t->verdict.decision == DECISION_FLAG)
		return TRIP_NEXT;	/* what would be defanged is refused: it has no text to be changed */
	return refuse_publication(t);
}

enum trip_next step_inspect(struct trip *t)
{
	struct subject sub = { 0 };
	const struct node *publish;
	enum trip_next next;
	int r;

	if (frozen_out(t))
		return trip_refuse(t, ERR_POLICY, "this account is frozen; please write to the help desk");
	if (file_key_take(t) < 0)
		return trip_refuse(t, ERR_NOMEM, "the message could not be inspected; try again later");
	gate_knock(t);
	if (policy_step_reach(t) == TRIP_ENDED)
		return TRIP_ENDED;
	next = transfer_step(t);
	if (next != TRIP_NEXT)
		return next;
	if (t->kind == STANZA_PRESENCE)
		return presence_step(t);
	publish = publication(t);
	if (publish && t->origin == TRIP_CLIENT && t->from_user && t->from_user->frozen)
		return trip_refuse(t, ERR_POLICY, "this account is frozen; please write to the help desk");
	if (publish) {
		next = file_link_publish(t);
		return next == TRIP_NEXT ? inspect_publication(t, publish) : next;
	}
	if (t->kind == STANZA_MESSAGE && t->origin == TRIP_RELEASE)
		return file_link_find(t);
	if (t->kind != STANZA_MESSAGE || (t->origin != TRIP_CLIENT && !trip_is_foreign(t)) ||
	    str_is(node_attr(t->stanza, "type"), "error"))
		return TRIP_NEXT;
	if (trip_is_foreign(t) && server_is_local(t->server, t->to.domain) && !t->to.local.n)
		return TRIP_NEXT;	/* nobody reads it; what it may hold for somebody else comes this way by itself */
	if (trip_is_foreign(t) && server_is_local(t->server, t->to.domain) && router_find(t) == TRIP_WAIT)
		return TRIP_WAIT;
	if (!gather(t, t->stanza, &sub))
		return trip_refuse(t, ERR_NOMEM, "the message could not be inspected; try again later");
	if (policy_step_encryption(t, &sub) == TRIP_ENDED)
		return TRIP_ENDED;
	next = file_link_find(t);
	if (next != TRIP_NEXT)
		return next;
	if (has_text(&sub)) {
		if (t->origin == TRIP_CLIENT && own_password_find(t, &sub) == TRIP_WAIT)
			return TRIP_WAIT;
		sub.own_password = t->own_password.n > 0;
		r = guard_judge(t->server->guard, &sub, t->arena, &t->verdict);
		if (r < 0)
			return trip_refuse(t, r, "the message could not be inspected; try again later");
		breakers_judged(t);
	}
	if (t->hold_road && t->verdict.decision < DECISION_HOLD)
		hold_instead(t);
	note_trial(t);
	t->judged = t->verdict.decision != DECISION_DELIVER || t->verdict.n_findings || t->verdict.risky || t->verdict.differs;
	if (t->verdict.leak == POLICY_LEAK_MASK && mask(t) < 0)
		return trip_refuse(t, ERR_NOMEM, "the message could not be inspected; try again later");
	next = obey(t);
	return next == TRIP_NEXT && !t->hold ? file_link_obey(t, &sub) : next;
}
