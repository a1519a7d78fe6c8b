/* trip.h - one stanza under way: what the steps of the pipeline know about it.
 *
 * Ownership  A trip owns its arena (and with it the stanza). trip_end() releases both. Whoever a
 *            parked trip waits for holds it and calls trip_run() again.
 * Threads    The loop's thread; while a store job runs, the store thread alone touches it.
 */
#ifndef CORE_TRIP_H
#define CORE_TRIP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "outbreak/guard.h"
#include "xmpp/jid.h"
#include "xmpp/node.h"
#include "xmpp/stanza.h"

struct gate;
struct server;
struct service_ops;
struct session;
struct trip_files;
struct user;

enum trip_origin {
	TRIP_CLIENT,		/* a bound session sent it */
	TRIP_PEER,		/* a federated server; its link has proven the domain of 'from' */
	TRIP_COMPONENT,		/* a gateway (XEP-0114), likewise */
	TRIP_SERVER,		/* we made it: pushes, the bot, presence */
	TRIP_RELEASE,		/* a held message let go by an officer or its sender: not judged again */
};

enum trip_next { TRIP_NEXT, TRIP_WAIT, TRIP_ENDED };

enum trip_route { ROUTE_NONE, ROUTE_SERVER, ROUTE_ACCOUNT, ROUTE_RESOURCE, ROUTE_BOT, ROUTE_HELPDESK, ROUTE_REMOTE,
		  ROUTE_SERVICE };

/* One copy to be written to one session once the store has said yes. */
struct copy {
	struct copy *next;
	uint64_t session_id;		/* looked up again at delivery: it may be gone */
	struct session *session;	/* it, while no session has ended (server->session_ends is 'ends'): a look-up saved */
	uint64_t ends;
	struct str bytes, tail;		/* tail: what is the same in all copies, behind bytes; mostly empty */
	uint32_t ticket;		/* its place in the session's XEP-0198 queue; 0: not managed */
	uint32_t trim;			/* the store may forget that stream's entries up to here */
	bool durable;			/* resumable: the job stores it too */
	bool main;			/* counts as reaching the receiver (not a carbon) */
	char stream_id[27];
	struct str owner;
};

struct trip {
	struct server *server;
	struct arena *arena;
	struct node *stanza;
	enum stanza_kind kind;
	enum trip_origin origin;
	unsigned step;
	bool ended;

	uint64_t session_id;		/* of the sending session; 0: none */
	struct list queue;		/* place in session->waiting until it is started */
	struct list inbound;		/* place in the session's list of stanzas not yet handled (XEP-0198 h) */
	bool in_order;			/* holds back later stanzas of its session until it moves on */
	uint32_t h;			/* the sender's inbound count with this stanza in it */
	bool count_h;			/* sender's stream is resumable: h goes to the store with the job */
	char stream_id[27];		/* of the sender's resumable stream */
	struct str stream_state;	/* its state to store */
	uint32_t stream_trim;

	struct jid from, to;		/* to.full.n == 0: none */
	bool to_self;			/* no 'to', or the own bare JID */
	struct user *from_user, *to_user;	/* references held; NULL: not local or not looked up */
	enum trip_route route;

	bool looked_up;			/* router_find() has an answer */
	int lookup_err;
	const struct service_ops *service;	/* ROUTE_SERVICE, and what the service keeps on the way */
	void *service_data;
	bool service_writes;		/* its write() is part of the store job */

	struct judgement verdict;
	enum decision would;		/* a rule on trial would have done that; would_by is its name */
	struct str would_by;
	struct verdict *roads;		/* files on other roads than the upload (core/transfer_step.h); NULL: none */
	bool road_seen, hold_road;	/* looked for; one of them is to be held */
	bool judged, hold, flagged;
	bool password_asked;		/* core/own_password.h */
	struct str own_password;	/* what of the message is the sender's password; empty: nothing */
	bool key_taken;			/* core/file_key.c: it held a key, which the stanza holds no more */
	struct trip_files *files;	/* core/file_link.c: what it brings of our own upload service; NULL: not looked for, or nothing */
	struct gate *gate;		/* core/gate.c: a stranger's, held until the receiver says what becomes of it; NULL: none */
	bool knocked, too_many;		/* core/gate.c: he approaches somebody; and has approached too many */
	uint64_t prefix;		/* the range of addresses it came from (hash); 0: not known */

	uint64_t id, when_ms;		/* archive id and stamp; id 0: not given yet */
	bool archive_from, archive_to, offline, storable;	/* set by the archive step */
	uint32_t outbox_seq;		/* a copy waits there for another server; 0: none */
	struct str *readers;		/* rooms: whom a post reaches, bare, as many as are noted */
	unsigned n_readers;
	struct str whisper_to;		/* rooms: who somebody in a room is; empty: it is no private message in one */
	uint64_t whisper_id;		/* and the id of his copy */
	void (*settled)(void *ctx, int err);	/* trip_emit_settled() */
	void *settled_ctx;
	unsigned n_main;		/* copies that reach the receiver */
	struct copy *copies;
	int err;			/* of the store job */
	struct iq *iq;
};

/* Begins the road: takes *a and the stanza in it. s NULL: from the server itself, from the stanza's 'from'. */
void trip_start(struct server *srv, struct session *s, enum trip_origin origin, struct arena **a, struct node *stanza);
/* A stanza of a peer or a component, which has proven that the domain of its 'from' is its own. Takes *a. */
void trip_enter(struct server *srv, enum trip_origin origin, struct arena **a, struct node *stanza);
/* The same, from this range of addresses (a hash; 0: not known). */
void trip_enter_from(struct server *srv, enum trip_origin origin, uint64_t prefix, struct arena **a, struct node *stanza);
/* From another domain: no account of ours stands behind it. */
static inline bool trip_is_foreign(const struct trip *t)
{
	return t->origin == TRIP_PEER || t->origin == TRIP_COMPONENT;
}
/* A reply or an error for whoever sent the stanza: its session, its link, or who asked (core/ask.h). */
void trip_answer(struct trip *t, const struct node *reply);
/* Runs until the stanza ends or waits. */
void trip_run(struct trip *t);
/* Answers the sender with a stanza error and ends the trip (an error is never answered with one). */
enum trip_next trip_refuse(struct trip *t, int err, const char *text);
enum trip_next trip_refuse_cond(struct trip *t, const char *type, const char *condition, struct node *extra);
void trip_end(struct trip *t);
/* The store has it, in order: the next stanza of its session may start. */
void trip_moved_on(struct trip *t);
/* What an iq handler returned: 0 ends the trip, ERR_* refuses, IQ_LATER waits. */
void trip_iq_result(struct trip *t, int r);
/* A message that was held goes on under its first id and time; the sender is from_user (a reference is taken), or NULL. */
void trip_release(struct server *srv, struct user *from, struct arena **a, struct node *stanza, uint64_t id, uint64_t when_ms);
/* What a component says in the name of 'from', who is one of ours (a reference is taken). It is judged all the same. */
void trip_enter_for(struct server *srv, struct user *from, struct arena **a, struct node *stanza);
/* A message, presence or iq of ours, on the same road as everybody's; copies the node. ERR_LIMIT, ERR_NOMEM. */
int trip_emit(struct server *srv, const struct node *stanza);
/* A message of ours that no block list keeps out; settled(ctx, err) when it is stored and on its way, or refused. from: the account of ours
 * in whose name it is (a reference is taken), or NULL. An error here: it is not called. */
MUST_CHECK int trip_emit_settled(struct server *srv, struct user *from, const struct node *stanza, void (*settled)(void *ctx, int err), void *ctx);
int trip_emit_as(struct server *srv, enum trip_origin origin, const struct node *stanza);

#endif
