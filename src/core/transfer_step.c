/* transfer_step.c - see transfer_step.h. */
#include "core/transfer_step.h"

#include "base/check.h"
#include "base/log.h"
#include "core/bot.h"
#include "core/breakers.h"
#include "core/files.h"
#include "core/gate.h"
#include "core/policy_step.h"
#include "core/router.h"
#include "core/service.h"
#include "core/state.h"
#include "core/user.h"
#include "inspect/transfer.h"
#include "policy/policy_file.h"
#include "xmpp/ns.h"

static const enum policy_what what_of[] = {
	[TRANSFER_JINGLE] = POLICY_WHAT_JINGLE,	    [TRANSFER_SI] = POLICY_WHAT_SI,
	[TRANSFER_IBB] = POLICY_WHAT_IBB,	    [TRANSFER_SOCKS5] = POLICY_WHAT_SOCKS5,
	[TRANSFER_OOB] = POLICY_WHAT_OOB,	    [TRANSFER_SHARING] = POLICY_WHAT_SHARING,
	[TRANSFER_THUMBNAIL] = POLICY_WHAT_THUMBNAILS, [TRANSFER_BOB] = POLICY_WHAT_BOB,
	[TRANSFER_DATA_URI] = POLICY_WHAT_DATA_URI, [TRANSFER_BASE64] = POLICY_WHAT_BASE64,
	[TRANSFER_AVATAR] = POLICY_WHAT_AVATARS,    [TRANSFER_CIPHER] = POLICY_WHAT_ENCRYPTED_UPLOADS,
};

static struct people_pair pair_of(struct trip *t, const struct policy *p)
{
	const struct service_ops *service = service_of(t->server, t->to.domain);
	struct subject s = { .from = t->from.bare, .to = t->to_self ? t->from.bare : t->to.bare };

	s.via = t->origin == TRIP_PEER ? VIA_S2S : t->origin == TRIP_COMPONENT ? VIA_GATEWAY : service ? VIA_ROOM : VIA_LOCAL;
	gate_facts(t, &s);
	policy_step_facts(t, &s);
	return people_pair_of(&p->people, &s);
}

/* What carries its bytes itself must be a picture; of what is encrypted nothing can be taken out. */
static void ask(const struct policy *p, struct people_pair pair, const struct transfer_part *part, struct policy_file_view *ret)
{
	policy_file_road(p, pair, what_of[part->road], ret);
	if (part->road == TRANSFER_CIPHER && ret->act == FILE_CLEAN)
		ret->act = FILE_HOLD;
	if (part->wrong && ret->act < FILE_CLEAN)
		ret->act = FILE_CLEAN;
}

static struct str key_of(struct trip *t, const struct policy_file_view *v, const struct transfer_part *part)
{
	struct str key = v->by ? v->by->name : arena_printf(t->arena, "files.%s", policy_file_name(what_of[part->road]));

	return key.p ? key : STR("files");
}

static int note(struct trip *t, const struct policy_file_view *v, const struct transfer_part *part)
{
	struct str evidence;

	if (!t->roads)
		t->roads = arena_alloc(t->arena, sizeof(*t->roads));
	if (!t->roads)
		return ERR_NOMEM;
	evidence = v->act == FILE_ALLOW ? part->what : arena_printf(t->arena, "%.*s (%.*s)", STR_FMT(part->what), STR_FMT(key_of(t, v, part)));
	if (!evidence.p)
		return ERR_NOMEM;
	inspect_add(t->roads, transfer_rule(part), evidence);
	if (v->act == FILE_REFUSE && part->road <= TRANSFER_SOCKS5)
		inspect_add(t->roads, POLICY_DIRECT, key_of(t, v, part));
	return 0;
}

static void note_would(struct trip *t, const struct policy *p, struct people_pair pair, const struct transfer_part *part, const struct policy_file_view *v)
{
	static const enum decision of[] = { [FILE_ALLOW] = DECISION_DELIVER, [FILE_CLEAN] = DECISION_DEFANG, [FILE_HOLD] = DECISION_HOLD,
					    [FILE_REFUSE] = DECISION_REJECT };
	enum decision would = v->would_by ? of[v->would] : DECISION_DELIVER;
	struct str by = v->would_by ? v->would_by->name : STR_NONE;

	if (p->trial) {
		struct policy_file_view other;

		ask(p->trial, pair, part, &other);
		if (other.act > v->act && of[other.act] > would) {
			would = of[other.act];
			by = key_of(t, &other, part);
		}
	}
	if (would <= t->would)
		return;
	by = arena_str(t->arena, by);
	if (by.p) {
		t->would = would;
		t->would_by = by;
	}
}

/* From client to client over a link whose breaker is open. */
static bool is_cut(const struct trip *t, const struct transfer_part *part)
{
	return part->road <= TRANSFER_SOCKS5 && breakers_cut(t);
}

/* --- refusing --------------------------------------------------------------------------------------------------------------------- */

static const char *sentence(const struct trip *t, const struct transfer_part *part)
{
	if (is_cut(t, part))
		return "Files from and to this network are stopped at the moment.";
	if (part->wrong)
		return "Pictures inside of messages must be PNG, JPEG, GIF, WebP or BMP, and small; please use the upload of your client.";
	switch (part->road) {
	case TRANSFER_JINGLE:
	case TRANSFER_SI:
	case TRANSFER_IBB:
	case TRANSFER_SOCKS5:
		return "Files from client to client are not allowed here, as nobody could check them; please use the upload of your client.";
	case TRANSFER_OOB:
	case TRANSFER_SHARING:
		return "Files that lie elsewhere may not be sent from here; please use the upload of your client.";
	case TRANSFER_CIPHER:
		return "Encrypted files may not be sent here, as nobody could check them; please send the file without encryption.";
	case TRANSFER_THUMBNAIL:
	case TRANSFER_BOB:
	case TRANSFER_DATA_URI:
	case TRANSFER_AVATAR:
		return "Pictures inside of messages are not allowed here; please use the upload of your client.";
	case TRANSFER_BASE64:
		return "Files that are written out as text are not allowed here; please use the upload of your client.";
	case TRANSFER_ROADS:
		break;
	}
	return "Such files are not allowed here; please use the upload of your client.";
}

/* An answer cannot be refused to who gives it: who asked gets the error instead. */
static int turn_into_error(struct trip *t, const char *text)
{
	struct node *error, *next;

	for (struct node *c = t->stanza->first; c; c = next) {
		next = c->next;
		node_remove(c);
	}
	error = node_set_attr(t->arena, t->stanza, "type", STR("error")) == 0 ? node_add(t->arena, t->stanza, NS_CLIENT, "error") : NULL;
	if (!error || node_set_attr(t->arena, error, "type", STR("modify")) < 0 || !node_add(t->arena, error, NS_STANZAS, "policy-violation"))
		return ERR_NOMEM;
	return node_add_leaf(t->arena, error, NS_STANZAS, "text", str_of(text)) ? 0 : ERR_NOMEM;
}

static enum trip_next refuse(struct trip *t, const struct policy_file_view *v, const struct transfer_part *part)
{
	const char *text = sentence(t, part);
	struct str whole = v->by && v->by->reason.n ? arena_printf(t->arena, "%s %.*s", text, STR_FMT(v->by->reason)) : str_of(text);
	struct verdict *roads = t->roads;
	struct finding *f;

	text = whole.p ? whole.p : text;
	if (t->kind == STANZA_IQ && str_is(node_attr(t->stanza, "type"), "result"))
		return turn_into_error(t, text) < 0 ? trip_refuse(t, ERR_NOMEM, NULL) : TRIP_NEXT;
	f = roads && roads->n ? arena_alloc(t->arena, roads->n * sizeof(*f)) : NULL;
	if (!f)
		return trip_refuse(t, ERR_NOMEM, NULL);
	memcpy(f, roads->f, roads->n * sizeof(*f));
	t->verdict = (struct judgement){ .decision = DECISION_REJECT, .findings = f, .n_findings = roads->n, .patient_zero = STR_NONE, .memory = STR_NONE,
					 .would_by = STR_NONE };
	memcpy(t->verdict.policy, guard_policy(t->server->guard)->digest, sizeof(t->verdict.policy));
	return policy_step_refuse(t, text);
}

/* --- the road --------------------------------------------------------------------------------------------------------------------- */

/* Who sent it hears what became of it; who gets it sees a note, or is warned. */
static void tell(struct trip *t, const struct transfer_part *part, struct str by)
{
	t->server->metrics.stripped++;
	log_event(LOG_INFO, "file.stripped", LOG_Z("road", policy_file_name(what_of[part->road])), LOG_S("by", by));
	if (t->kind != STANZA_MESSAGE || !t->from_user)
		return;
	bot_tell(t->server, t->from.bare, "Something was taken out of your message to %.*s: %s. The company's policy wants it so (%.*s); please use the upload of "
		 "your client.", STR_FMT(t->to.bare), inspect_rule_text(transfer_rule(part)), STR_FMT(by));
}

/* From behind, so that the places in one text stay right. What is left of an answer, or of what is published, may be nothing. */
static enum trip_next strip(struct trip *t, struct transfer *found, const struct policy_file_view *views)
{
	unsigned last = found->n;

	for (unsigned i = found->n; i-- > 0;) {
		if (views[i].act != FILE_CLEAN)
			continue;
		if (transfer_strip(&found->v[i], t->arena) < 0)
			return trip_refuse(t, ERR_NOMEM, NULL);
		last = i;
	}
	if (last == found->n)
		return TRIP_NEXT;
	if (transfer_is_empty(t->stanza))
		return refuse(t, &views[last], &found->v[last]);
	tell(t, &found->v[last], key_of(t, &views[last], &found->v[last]));
	t->flagged |= t->kind == STANZA_MESSAGE;
	return TRIP_NEXT;
}

static bool is_set(const struct trip *t)
{
	return t->kind == STANZA_IQ && str_is(node_attr(t->stanza, "type"), "set");
}

static enum trip_next obey(struct trip *t, const struct policy *p, struct transfer *found)
{
	struct policy_file_view views[TRANSFER_PARTS];
	struct people_pair pair;
	unsigned worst = 0;

	/* Who knows whom is only known when the account is. */
	if (trip_is_foreign(t) && t->to.local.n && server_is_local(t->server, t->to.domain) && router_find(t) == TRIP_WAIT)
		return TRIP_WAIT;
	t->road_seen = true;			/* a trip that waits later on comes by again */
	pair = pair_of(t, p);
	for (unsigned i = 0; i < found->n; i++) {
		ask(p, pair, &found->v[i], &views[i]);
		if (is_cut(t, &found->v[i]))
			views[i].act = FILE_REFUSE;
		/* There is no quarantine for it; and who publishes what is no picture is told. */
		if (t->kind != STANZA_MESSAGE && (views[i].act == FILE_HOLD || (found->v[i].wrong && is_set(t))))
			views[i].act = FILE_REFUSE;
		note_would(t, p, pair, &found->v[i], &views[i]);
		if (note(t, &views[i], &found->v[i]) < 0)
			return trip_refuse(t, ERR_NOMEM, NULL);
		if (views[i].act > views[worst].act)
			worst = i;
	}
	if (views[worst].act == FILE_REFUSE || found->more)
		return refuse(t, &views[worst], &found->v[worst]);
	t->hold_road = views[worst].act == FILE_HOLD;
	if (t->hold_road)
		return TRIP_NEXT;		/* whole, as it was sent */
	return strip(t, found, views);
}

/* One of our upload, which is judged by what was seen in it (core/file_link.h). An encrypted one has the scheme aesgcm (XEP-0454). */
static bool is_own(void *ctx, struct str url)
{
	struct trip *t = ctx;
	uint8_t id[VAULT_FILE_ID];

	if (url.n > 6 && str_eq_nocase(str_make(url.p, 6), STR("aesgcm")))
		url = arena_printf(t->arena, "https%.*s", (int)url.n - 6, url.p + 6);
	return url.p && t->server->files && files_url(t->server, url, id);
}

/* A session's own business with the server, and what goes between two. */
static bool is_mine(const struct trip *t)
{
	return (t->origin == TRIP_CLIENT || trip_is_foreign(t)) && !str_is(node_attr(t->stanza, "type"), "error");
}

enum trip_next transfer_step(struct trip *t)
{
	const struct policy *p = guard_policy(t->server->guard);
	const struct transfer_conf conf = { .inline_bytes = p->files.inline_bytes, .own = is_own, .ctx = t };
	struct transfer *found;
	unsigned hidden = 0;

	if (!is_mine(t) || t->road_seen || (t->kind != STANZA_MESSAGE && t->kind != STANZA_IQ && t->kind != STANZA_PRESENCE))
		return TRIP_NEXT;
	found = arena_alloc(t->arena, sizeof(*found));
	if (!found || transfer_find(t->stanza, &conf, t->arena, found) < 0)
		return trip_refuse(t, ERR_NOMEM, NULL);
	if (t->kind == STANZA_IQ && !t->to_self)
		hidden = transfer_hide(t->stanza, p->files.addresses == POLICY_ADDRESSES_RELAY, p->call_addresses == POLICY_ADDRESSES_RELAY);
	if (hidden)
		log_event(LOG_DEBUG, "file.addresses_hidden", LOG_N("n", hidden));
	return found->n || found->more ? obey(t, p, found) : TRIP_NEXT;
}

void transfer_step_facts(const struct trip *t, struct subject *s)
{
	s->before = t->roads;
}
