/* session.h - one bound resource of an account: "user@domain/resource".
 *
 * It outlives its connection when the stream is resumable (XEP-0198): then it waits, queues
 * and is resumed, or expires.
 *
 * Ownership  Its user. Elsewhere a session is named by its id, never by pointer: session_find().
 * Threads    The loop's thread.
 * Limits     LIMIT_SESSIONS_PER_ACCOUNT; unsent bytes LIMIT_SEND_BYTES; LIMIT_SM_QUEUE stanzas.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "base/list.h"
#include "base/str.h"
#include "net/loop.h"
#include "xmpp/node.h"

struct server;
struct sm;
struct stream;
struct trip;
struct user;

#define SESSION_MAGIC 0x5e551040u

struct session {
	uint32_t magic;
	struct server *server;
	struct user *user;		/* a reference */
	struct list of_user;		/* in user->sessions */
	uint64_t id;			/* unique in this process */
	struct str resource;		/* points into full */
	struct str full;		/* user@domain/resource, own memory */
	struct stream *stream;		/* NULL while waiting for resumption */
	struct sm *sm;			/* NULL: not resumable */

	/* Presence (RFC 6121 4): */
	struct str presence;		/* last broadcast <presence/> as XML, own memory; empty: unavailable */
	int priority;			/* -128 .. 127 */
	bool available, was_available;
	bool roster_wanted;		/* "interested resource": asked for the roster */
	bool blocklist_wanted;
	bool carbons;			/* XEP-0280 */
	bool inactive;			/* XEP-0352 */
	struct map *directed;		/* full or bare JIDs that got directed presence; NULL: none */
	struct buf *csi_held;		/* stanzas kept back while inactive; NULL: none */
	void *csi;			/* features/csi.c */

	struct list inbound;		/* trips not yet handled, in order */
	struct list waiting;		/* stanzas not started yet: an earlier one is still being routed */
	unsigned n_inbound, n_waiting;
	unsigned in_store;		/* trips in the store: later ones must not overtake */
	struct loop_timer expiry;
	uint64_t rate_at_ms;		/* token bucket of limits.messages_per_s */
	double rate_tokens;
};

struct session *session_find(struct server *srv, uint64_t id);		/* NULL when gone */
/* The session of this user with that resource, or NULL. */
struct session *session_of_resource(const struct user *u, struct str resource);
/* Serialises a stanza (content namespace jabber:client) and sends it, in order with everything else; counted and
 * queued when the stream is resumable. */
void session_send(struct session *s, const struct node *stanza);
void session_send_bytes(struct session *s, struct str stanza_bytes);
/* Ends it: stream error condition (NULL: none), session_gone hooks, unavailable presence. Frees s. */
void session_end(struct session *s, const char *stream_error);

#endif
