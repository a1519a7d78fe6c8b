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

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "net/loop.h"
#include "xmpp/node.h"

struct pubsub_caps;
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
	uint64_t since_ms;		/* wall clock */
	char device[13];		/* vault/vault_device.h: which client signed in; "": it did not say */

	/* Presence (RFC 6121 4): */
	struct str presence;		/* last broadcast <presence/> as XML, own memory; empty: unavailable */
	int priority;			/* -128 .. 127 */
	bool available, was_available;
	bool roster_wanted;		/* "interested resource": asked for the roster */
	bool blocklist_wanted;
	bool offline_asked;		/* the offline messages were asked for since it last wanted none */
	uint64_t synced_id;		/* the newest in the archive when it bound (XEP-0386); 0: it did not ask */
	bool carbons;			/* XEP-0280 */
	bool inactive;			/* XEP-0352 */
	struct map *directed;		/* full or bare JIDs that got directed presence; NULL: none */
	struct buf *csi_held;		/* stanzas kept back while inactive; NULL: none */
	void *csi;			/* features/csi.c */
	struct pubsub_caps *caps;	/* what it wants to be told of (XEP-0115); NULL: not known */
	struct str caps_key;		/* what its presence says of them; own memory */
	bool caps_asked;		/* and has not answered yet */
	bool no_photo;			/* its presence says that it shows no picture (XEP-0153) */
	bool last_walk;			/* it is being sent what was published last */

	struct list inbound;		/* trips not yet handled, in order */
	struct list waiting;		/* stanzas not started yet: an earlier one is still being routed */
	unsigned n_inbound, n_waiting;
	unsigned in_store;		/* trips in the store: later ones must not overtake */
	bool routing;			/* a trip is between its start and the store: the next one waits */
	bool ending, pumping;
	bool throttled;			/* out of tokens: rate_timer goes on with what waits */
	struct loop_timer expiry, rate_timer;
	struct loop_item overrun;	/* fn set: queued to be ended */
	uint64_t rate_at_ms;		/* token bucket of limits.messages_per_s */
	double rate_tokens;
};

/* Binds a resource (normalised, free). ERR_LIMIT: too many sessions of this account. */
MUST_CHECK int session_new(struct server *srv, struct user *u, struct str resource, struct session **ret);
void session_attach(struct session *s, struct stream *st);
/* The connection is gone: waits for resumption, or ends (then s is freed). */
void session_detach(struct session *s);
/* A restored session begins its wait for a client. */
void session_hibernate(struct session *s);
/* The stored broadcast presence; empty: unavailable. */
MUST_CHECK int session_set_presence(struct session *s, struct str xml);
/* <presence/> without 'to': keeps it, tells the features. ERR_BAD_REQUEST for a wrong type or priority. */
MUST_CHECK int session_broadcast(struct session *s, struct trip *t);
/* More is queued than may be: ends the session after this turn. */
void session_overrun(struct session *s);

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
