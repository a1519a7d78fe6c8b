/* mod.h - what a feature is made of, and what it may call.
 *
 * A feature is one file in features/ that fills a const struct mod_def, and one line MOD(name)
 * in core/features.def. It never includes another feature: two of them meet at a hook.
 *
 * Threads    Handlers and hooks run on the loop's thread and must not block. Work on stored
 *            data goes through iq_store() or server_store() to the store thread.
 * Errors     A handler returns 0 (it has replied), IQ_LATER (it will), IQ_PASS (not its own), or ERR_*: the one place
 *            in trip.c turns that into a stanza error.
 */
#ifndef CORE_MOD_H
#define CORE_MOD_H

#include "base/arena.h"
#include "base/err.h"
#include "core/service.h"
#include "core/session.h"
#include "core/trip.h"
#include "core/user.h"
#include "xmpp/ns.h"
#include "xmpp/node.h"
#include "xmpp/stanza.h"

struct adhoc_command;
struct config_component;
struct pubsub_call;
struct pubsub_caps;
struct pubsub_change;
struct vault;

enum iq_type { IQ_GET = 1, IQ_SET = 2 };
/* Whom the request is addressed to. */
enum iq_target {
	TO_SERVER = 1,		/* the domain itself */
	TO_SELF = 2,		/* the own account: no 'to', or the own bare JID */
	TO_ACCOUNT = 4,		/* another local account's bare JID; iq->user is that account */
	TO_SERVICE = 8,		/* the domain of a service (core/service.h) */
	TO_ROOM = 16,		/* local@service: a room, say */
	TO_OCCUPANT = 32,	/* local@service/resource */
};

#define IQ_LATER 1
#define IQ_PASS 2			/* not for this handler: the next one that fits */

struct iq {
	struct trip *trip;
	struct server *server;
	struct arena *arena;		/* the trip's; lives until the reply is sent */
	struct session *session;	/* who asks; NULL: gone by the time of a late reply, or a peer, a component */
	struct user *user;		/* the account addressed: own or other; NULL when it is none */
	const struct node *stanza;	/* <iq/> */
	const struct node *payload;	/* its only child */
	enum iq_target target;
	enum iq_type type;
	void *data;			/* the handler's own, between work and done; in the arena */
	int (*work)(struct vault *v, struct iq *iq);
	int (*done)(struct iq *iq, int err);
};

/* Sends <iq type='result'/> with payload (NULL: empty; not yet attached, in iq->arena). Returns 0. */
int iq_reply(struct iq *iq, struct node *payload);
/* Answers with a stanza error and a sentence. Returns 0. */
int iq_refuse(struct iq *iq, int err, const char *text);
/* work() runs on the store thread within a transaction (its ERR_* rolls back), then done() here with
 * work's result; done returns like a handler. Returns IQ_LATER. */
int iq_store(struct iq *iq, int (*work)(struct vault *v, struct iq *iq), int (*done)(struct iq *iq, int err));

struct iq_hook {
	unsigned types;			/* IQ_GET | IQ_SET */
	const char *ns, *name;		/* of the payload */
	unsigned targets;		/* TO_* */
	int (*fn)(struct iq *iq);
};

/* Hooks: named places on the two roads. Each is called for every feature that fills it, in the order of features.def. */
struct mod_hooks {
	/* The server begins, before it listens and before the store's thread: srv->vault may be read here; and ends, after the last session. */
	int (*server_start)(struct server *srv);
	void (*server_stop)(struct server *srv);
	/* A resource was bound or resumed / is about to be forgotten. */
	void (*session_bound)(struct session *s);
	void (*session_resumed)(struct session *s);
	/* After a restart: it has come back from the store and waits for its client. */
	void (*session_restored)(struct session *s);
	void (*session_gone)(struct session *s);
	/* Its connection was lost; it waits for a resumption. */
	void (*session_detached)(struct session *s);
	/* A stanza is about to be sent to this session: true keeps it back (the feature sends it later itself). head and tail: the bytes
	 * that go out for it, a carbon's wrapping included; none: the stanza as it is. */
	bool (*session_filter)(struct session *s, const struct node *stanza, struct str head, struct str tail);
	/* Available presence of an own session has come, to nobody in particular or to somebody: what the account adds to it. */
	int (*presence_stamp)(struct trip *t, const struct user *u);
	/* presence from this own session without 'to' (broadcast), already stored in s->presence; initial: first available one. */
	void (*presence_out)(struct session *s, struct trip *t, bool initial);
	/* presence with 'to' that reached a local account or left a local session; see features/presence.c. Return 0, or ERR_*. */
	int (*presence_directed)(struct trip *t);
	/* It is known, or has changed, what the session wants to be told of (XEP-0115); had: before, NULL: not known. */
	void (*session_caps)(struct session *s, const struct pubsub_caps *had);
	/* Store thread, in the transaction of a request at a node (pubsub/pubsub_call.h): what else it changes. 0 or ERR_*. */
	int (*pubsub_changed)(struct vault *v, struct pubsub_call *c, const struct pubsub_change *ch);
	/* It has been committed, answered and told of. */
	void (*pubsub_done)(struct pubsub_call *c);
	/* A component (XEP-0114) has connected. */
	void (*component_open)(struct server *srv, const struct config_component *c);
	/* A request that somebody else shall answer than the one whose hook fits: that hook, or NULL. */
	const struct iq_hook *(*iq_claim)(const struct trip *t, unsigned target, const struct node *payload);
	/* Another policy is in force. */
	void (*policy_changed)(struct server *srv);
	/* An account is gone for good, and its sessions have ended. */
	void (*account_removed)(struct server *srv, struct str bare);
	/* A message to the server itself: 0, or ERR_* to refuse it. */
	int (*message_server)(struct trip *t);
	/* A roster has changed: the push, as its account's resources get it but for 'to'. */
	void (*roster_push)(struct user *u, struct arena *a, struct node *iq);
	/* The server has made 'contact' one of u's, or has ended that (core/shared.h); the roster says so already. */
	void (*roster_shared)(struct user *u, struct str contact, bool ended);
	/* A message is about to be planned for delivery: add copies with deliver_copy(). */
	void (*message_plan)(struct trip *t);
	/* A message has been stored and its copies are on their way. */
	void (*message_done)(struct trip *t);
	/* Whose archive a request to a room means, when the asker may read it: 0, or ERR_*; ERR_UNAVAILABLE: not mine. */
	int (*archive_access)(struct iq *iq, struct str *ret_owner, uint64_t *ret_since_ms);
	/* First-level element that is no stanza (nonza) from a bound session: true when it was ours. */
	bool (*nonza)(struct session *s, const struct node *n);
	/* A session is being bound by <bind/> of XEP-0386: what its children ask for is switched on at once. */
	void (*session_binding)(struct session *s, const struct node *bind);
	/* Children to add to <stream:features/> after login. */
	void (*stream_features)(struct server *srv, struct arena *a, struct node *features);
	/* More for disco#info of server or account (see iq->target): identities, features, forms; entries of disco#items. */
	void (*disco_info)(struct iq *iq, struct node *query);
	/* Forms of the server's own information (XEP-0128): they count for the hash of its capabilities, so they change with the
	 * configuration alone. */
	void (*server_forms)(struct server *srv, struct arena *a, struct node *query);
	void (*disco_items)(struct iq *iq, struct node *query);
};

struct mod_def {
	const char *name;
	unsigned xep;			/* 0: an RFC */
	const char *xep_version;
	bool xep_partial;
	const char *xep_note;		/* for docs/protocol.md; NULL: nothing to say */
	const char *const *disco_server;	/* feature vars of the server, NULL-terminated; NULL: none */
	const char *const *disco_account;	/* feature vars of an account */
	const struct iq_hook *iq;	/* ends with an empty row; NULL: none */
	const struct mod_hooks *hooks;	/* NULL: none */
	const struct adhoc_command *commands;	/* core/adhoc.h; ends with an empty row; NULL: none */
	const char *bind_feature;	/* what session_binding understands (XEP-0386 3.1); NULL: nothing */
	const struct service_ops *service;	/* NULL: none */
};

/* Every registered feature, in the order of features.def; *ret_n of them. */
const struct mod_def *const *mod_all(size_t *ret_n);

#endif
