/* archive.c - what a message leaves behind, in one transaction, before anybody gets it.
 *
 * One job holds: the archive rows of both accounts (or the held row), the offline row, the receivers'
 * XEP-0198 queues, the sender's XEP-0198 count, findings and audit. When it is committed the message is
 * delivered and counted as handled; when it fails the sender gets an error and nothing has happened.
 * What leaves nothing behind still waits its turn when earlier stanzas of the session are in the store.
 */
#include "core/archive.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/deliver.h"
#include "core/file_link.h"
#include "core/gate.h"
#include "core/hold.h"
#include "core/jobs.h"
#include "core/outward.h"
#include "core/pipeline.h"
#include "core/prefs.h"
#include "core/retract.h"
#include "core/service.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/state.h"
#include "core/user.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

struct archive_job {
	struct job job;
	struct trip *t;
	struct vault_message message;
	struct str bytes;		/* the stanza as archived */
	struct str from_bare, to_bare;
	uint64_t session_id;
};

/* Body-less messages that other devices need (client-xeps.md): receipts, markers, reactions, retractions... */
static const struct {
	const char *ns, *name;
} worth_keeping[] = {
	{ NS_RECEIPTS, "received" }, { NS_MARKERS, "received" }, { NS_MARKERS, "displayed" },
	{ NS_MARKERS, "acknowledged" }, { NS_REACTIONS, "reactions" }, { NS_RETRACT, "retract" },
	{ NS_OMEMO, "encrypted" }, { NS_OMEMO_2, "encrypted" }, { NS_HINTS, "store" }, { NS_CONFERENCE, "x" },
	{ NS_JINGLE_MESSAGE, "propose" }, { NS_JINGLE_MESSAGE, "finish" },
};

static bool has_hint(const struct node *m, const char *name)
{
	return node_child(m, NS_HINTS, name) != NULL;
}

/* Rooms keep their own. */
static bool keep(const struct node *m)
{
	struct str type = node_attr(m, "type");

	return !str_is(type, "error") && !str_is(type, "groupchat") && !str_is(type, "headline") && archive_worth(m);
}

bool archive_worth(const struct node *m)
{
	if (has_hint(m, "no-store") || has_hint(m, "no-permanent-store"))
		return false;
	if (node_child(m, NS_CLIENT, "body"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(worth_keeping); i++)
		if (node_child(m, worth_keeping[i].ns, worth_keeping[i].name))
			return true;
	return false;
}

/* XEP-0160: what has something to read, for an account with nobody at home. */
static bool for_later(const struct node *m)
{
	struct str type = node_attr(m, "type");

	if (str_is(type, "error") || str_is(type, "groupchat") || str_is(type, "headline") || has_hint(m, "no-store"))
		return false;
	return node_child(m, NS_CLIENT, "body") || has_hint(m, "store") || node_child(m, NS_OMEMO, "encrypted") ||
	       (type.n == 0 && node_child(m, NS_CLIENT, "subject")) || node_child(m, NS_CONFERENCE, "x");
}

static int serialise(struct trip *t, struct str *ret)
{
	struct buf b;
	int r;

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	r = wire_write(&b, t->stanza, STR(NS_CLIENT));
	if (r == 0) {
		*ret = arena_str(t->arena, buf_str(&b));
		r = ret->p ? 0 : ERR_LIMIT;
	}
	buf_release(&b);
	return r;
}

static int push(struct vault *v, const struct copy *c, struct buf *whole)
{
	struct str bytes = c->bytes;

	if (c->tail.n) {
		buf_clear(whole);
		buf_str_add(whole, c->bytes);
		buf_str_add(whole, c->tail);
		if (whole->failed)
			return ERR_LIMIT;
		bytes = buf_str(whole);
	}
	return vault_stream_push(v, str_of(c->stream_id), c->owner, c->ticket, bytes);
}

static int write_queues(struct vault *v, struct trip *t)
{
	struct buf whole;
	int r = 0;

	buf_init(&whole, LIMIT_STANZA_BYTES_MAX * 2);

	for (struct copy *c = t->copies; c && r == 0; c = c->next) {
		if (!c->durable)
			continue;
		r = push(v, c, &whole);
		if (r == 0)
			r = vault_stream_trim(v, str_of(c->stream_id), c->trim);
	}
	buf_release(&whole);
	return r;
}

static int write_count(struct vault *v, struct trip *t)
{
	struct vault_stream st = { .id = str_of(t->stream_id), .owner = t->from.bare, .state = t->stream_state,
				   .expires_ms = t->when_ms + LIMIT_SM_RESUME_MS };
	int r;

	if (!t->count_h)
		return 0;
	r = vault_stream_put(v, &st);
	return r < 0 ? r : vault_stream_trim(v, st.id, t->stream_trim);
}

static int work(struct vault *v, struct job *job)
{
	struct archive_job *j = LIST_ITEM(job, struct archive_job, job);
	struct trip *t = j->t;
	int r = 0;

	if (t->gate)
		r = gate_work(v, t, j->bytes);
	else if (t->hold)
		r = hold_work(v, t, j->bytes);
	else if (j->message.n_owners)
		r = vault_archive_add(v, &j->message);
	if (r == 0 && t->offline) {
		r = vault_offline_add(v, j->to_bare, t->id, t->when_ms, j->bytes);
		if (r == ERR_LIMIT && t->archive_to)
			r = 0;		/* the offline store is full: it waits in the archive */
	}
	if (r == 0 && !t->hold)
		r = write_queues(v, t);
	if (r == 0 && j->message.n_owners && !t->hold)
		r = retract_work(v, t, j->message.owners[0]);
	if (r == 0 && t->service_writes)
		r = t->service->write(v, t);
	if (r == 0 && !t->hold && file_link_brings(t))
		r = file_link_work(v, t);
	if (r == 0 && t->judged)
		r = hold_story(v, t);
	if (r == 0 && t->origin == TRIP_RELEASE)
		r = hold_delivered(v, t);
	return r < 0 ? r : write_count(v, t);
}

/* The first stanza that does not wait behind this one may start now. */
static void leave_store(struct trip *t, int err)
{
	struct session *s = session_find(t->server, t->session_id);

	if (!s)
		return;
	if (s->in_store > 0)
		s->in_store--;
	if (err == 0 && t->count_h && s->sm)
		sm_stored(s, t->h);
}

static void done(struct job *job, int err)
{
	struct archive_job *j = LIST_ITEM(job, struct archive_job, job);
	struct trip *t = j->t;

	leave_store(t, err);
	if (err < 0) {
		t->server->metrics.store_failures++;
		deliver_cancel(t);
		log_event(LOG_ERROR, "archive.failed", LOG_Z("why", err_text(err)));
		trip_refuse(t, err == ERR_LIMIT ? ERR_LIMIT : err == ERR_FULL ? ERR_FULL : ERR_BUSY,
			    "the message could not be stored; try again later");
		return;
	}
	t->server->metrics.archived += j->message.n_owners > 0 && !t->hold;
	if (t->hold) {
		if (t->gate)
			gate_done(t);
		else if (file_link_waits(t))
			file_wait_begin(t);
		else
			hold_done(t);
		trip_end(t);
		return;
	}
	hold_flagged(t);
	hold_leaked(t);
	file_link_delivered(t);
	t->step++;
	trip_run(t);
}

static void plan_owners(struct trip *t, struct archive_job *j)
{
	struct vault_message *m = &j->message;

	m->id = t->id;
	m->when_ms = t->when_ms;
	m->stanza = j->bytes;
	if (t->archive_from)
		m->owners[m->n_owners++] = (struct vault_owner){ .owner = j->from_bare, .peer = j->to_bare };
	if (t->archive_to)
		m->owners[m->n_owners++] = (struct vault_owner){ .owner = j->to_bare, .peer = j->from_bare };
}

/* For another server: it is acknowledged to the sender now, so it must outlive a restart until it is passed on. */
static void plan_outbox(struct trip *t, struct str bytes)
{
	struct outward_place place;
	struct copy *c;

	if (t->route != ROUTE_REMOTE || !for_later(t->stanza) || !outward_reserve(t->server, &t->from, &t->to, &place))
		return;
	c = arena_alloc(t->arena, sizeof(*c));
	if (!c)
		return;
	*c = (struct copy){ .next = t->copies, .bytes = bytes, .ticket = place.seq, .trim = place.trim, .durable = true,
			    .owner = t->from.bare };
	memcpy(c->stream_id, place.stream_id, sizeof(c->stream_id));
	t->copies = c;
	t->outbox_seq = place.seq;
}

static int plan_message(struct trip *t, struct archive_job *j)
{
	bool worth = keep(t->stanza), to_other = t->to_user && t->to_user != t->from_user;
	int r;

	if (!t->id) {
		t->when_ms = clock_wall_ms();
		t->id = vault_next_id(t->server->vault, t->when_ms);
	}
	t->server->metrics.messages++;
	t->archive_from = worth && t->from_user && !t->hold && prefs_archives(t->server, t->from_user, t->to.bare, t->to.full);
	t->archive_to = worth && to_other && !t->hold && !t->to_user->decoy && prefs_archives(t->server, t->to_user, t->from.bare, t->from.full);
	t->storable = for_later(t->stanza) && (to_other || t->to_user);
	r = serialise(t, &j->bytes);
	if (r < 0)
		return r;
	plan_owners(t, j);
	if (!t->hold && t->route == ROUTE_SERVICE)
		r = t->service->plan ? t->service->plan(t) : 0;
	else if (!t->hold)
		deliver_plan(t);
	if (r == 0 && !t->hold)
		plan_outbox(t, j->bytes);
	if (r < 0)
		return r;
	file_link_plan(t);
	t->offline = t->storable && !t->hold && t->n_main == 0 && t->to_user && !t->to_user->decoy;
	t->server->metrics.offline_stored += t->offline;
	return 0;
}

/* The count of this stanza goes to disk with it: a client that resumes does not send it again. */
static int plan_count(struct trip *t, struct session *s)
{
	struct buf b;
	int r;

	if (!s || !s->sm || !s->sm->resumable || list_empty(&t->inbound))
		return 0;
	buf_init(&b, LIMIT_STANZA_BYTES_MAX);
	r = sm_state(s, t->h, &b);
	if (r == 0) {
		t->stream_state = arena_str(t->arena, buf_str(&b));
		r = t->stream_state.p ? 0 : ERR_LIMIT;
	}
	buf_release(&b);
	t->count_h = r == 0;
	t->stream_trim = s->sm->acked_ticket;
	memcpy(t->stream_id, s->sm->id, SM_ID_BYTES);
	return r;
}

static bool nothing_to_write(const struct trip *t, const struct archive_job *j)
{
	if (t->hold || t->offline || t->judged || t->service_writes || j->message.n_owners || file_link_brings(t))
		return false;
	for (const struct copy *c = t->copies; c; c = c->next)
		if (c->durable)
			return false;
	return true;
}

enum trip_next step_archive(struct trip *t)
{
	struct session *s = session_find(t->server, t->session_id);
	struct archive_job *j;
	int r = 0;

	if (t->kind != STANZA_MESSAGE && !(s && s->in_store))
		return TRIP_NEXT;
	j = arena_alloc(t->arena, sizeof(*j));
	if (!j)
		return trip_refuse(t, ERR_LIMIT, NULL);
	j->t = t;
	j->from_bare = t->from.bare;
	j->to_bare = t->to.bare;
	if (t->kind == STANZA_MESSAGE)
		r = plan_message(t, j);
	if (r == 0 && t->kind == STANZA_MESSAGE)
		r = plan_count(t, s);
	if (r < 0) {
		deliver_cancel(t);
		return trip_refuse(t, r, NULL);
	}
	if (nothing_to_write(t, j) && !(s && s->in_store)) {
		t->count_h = false;
		return TRIP_NEXT;
	}
	r = jobs_submit(t->server->jobs, &j->job, work, done);
	if (r < 0) {
		deliver_cancel(t);
		return trip_refuse(t, r, "the store is busy; try again later");
	}
	if (s)
		s->in_store++;
	trip_moved_on(t);
	return TRIP_WAIT;
}
