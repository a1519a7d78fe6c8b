/* sm.h - stream management of one session (XEP-0198): counts, the unacknowledged queue, resumption.
 *
 * The queue keeps order: a copy that waits for the store holds a place (sm_reserve), and nothing behind it
 * is written before it is ready (sm_ready) or given up (sm_cancel).
 *
 * Promise    <a h/> never names a stanza that is not on disk or answered: the count goes out only after
 *            the transaction that holds it (or a later one) has been committed.
 * Ownership  The session.
 * Threads    The loop's thread.
 * Limits     LIMIT_SM_QUEUE stanzas: then the stream is closed and the session ends; what it had not
 *            acknowledged goes to the offline store.
 */
#ifndef CORE_SM_H
#define CORE_SM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "xmpp/node.h"

struct server;
struct session;
struct stream;
struct trip;
struct vault;

#define SM_ID_BYTES 27

struct sm_entry {
	struct sm_entry *next;
	uint32_t seq;			/* as the client counts */
	uint32_t ticket;		/* as the store numbers it: rises for ever, at or above seq */
	bool ready;
	size_t n;
	char bytes[];
};

struct sm {
	char id[SM_ID_BYTES];
	bool resumable;
	bool dirty;			/* presence or flags changed since the last store */
	bool asked;			/* our <r/> is out */
	bool answer_due;		/* the client's <r/> waits for handled to reach answer_at */
	bool storing;			/* a job of sm_store is under way */
	uint32_t answer_at;
	uint32_t in;			/* stanzas received */
	uint32_t stored_h;		/* last count on disk */
	uint32_t out;			/* last number given to a stanza of ours */
	uint32_t acked;			/* last number the client acknowledged */
	uint32_t holes;			/* tickets given up: ticket = seq + holes when given */
	uint32_t acked_ticket;		/* what the store may forget */
	bool restored;			/* came back from the store; its client has not resumed yet */
	bool rewrite;			/* the stored queue must be numbered anew */
	struct sm_entry *first, *last, *unsent;
	size_t n;
	struct stream *resuming;	/* a new stream that waits for the session to settle */
	uint32_t resume_h;
};

/* <enable/>, <r/>, <a/>: true when n was one of them (and is dealt with, errors included). */
bool sm_nonza(struct session *s, const struct node *n);
/* <enable/>, asked while binding or after: appends <enabled/> or <failed/> to b. */
void sm_enable(struct session *s, const struct node *n, struct buf *b);
/* <resume/> on a stream that has signed in as 'bare'. Answers <resumed/> or <failed/>, perhaps later. */
void sm_resume(struct server *srv, struct stream *st, struct str bare, const struct node *n);
/* The new stream went away before the resumption was answered. */
void sm_resume_lost(struct session *s, struct stream *st);

/* A stanza of ours in order; bytes are copied. False: the queue is full (the caller ends the session). */
MUST_CHECK bool sm_send(struct session *s, struct str bytes);
/* A place for a copy (bytes and, behind them, tail) that waits for the store: its ticket; 0: no place. */
MUST_CHECK uint32_t sm_reserve(struct session *s, struct str bytes, struct str tail);
void sm_ready(struct session *s, uint32_t ticket);
void sm_cancel(struct session *s, uint32_t ticket);
/* Other bytes under the same number. Returns the entry in its place; the old one when there is no memory. */
struct sm_entry *sm_replace(struct session *s, struct sm_entry *e, struct str bytes);

uint32_t sm_handled(const struct session *s);
/* A stanza of the client has been handled: sends a due <a/>, goes on with a waiting resumption. */
void sm_settled(struct session *s);
/* The trip whose job carries this session's count has been committed. */
/* Brings a stream that can be resumed to disk when something of it has changed: also one whose client never asked for an <a/>. */
void sm_keep(struct session *s);
void sm_stored(struct session *s, uint32_t h);
/* The connection was lost: everything unacknowledged is to be sent again. */
void sm_detached(struct session *s);
/* The state to store (resource, flags, presence, h) as text. */
MUST_CHECK int sm_state(const struct session *s, uint32_t h, struct buf *ret);
/* At the start of a server: sessions of stored streams come back, waiting for their clients. */
MUST_CHECK int sm_restore(struct server *srv, struct vault *v);
/* The session ends: unacknowledged messages go to the offline store, the stored stream is removed. */
void sm_free(struct session *s);

#endif
