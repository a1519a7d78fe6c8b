/* pubsub_call.h - one request at a node: read here, done on the store thread in one transaction, answered and told of here.
 *
 * Everything that changes items or nodes goes through a call, also what a feature converts (bookmarks, avatars):
 * such a feature fills mod_hooks.pubsub_changed, which runs in the same transaction and adds changes of its own.
 *
 * Ownership  Everything lives in the request's arena.
 * Threads    pubsub_call_run, pubsub_call_begin and _finish: loop's thread; the rest while the store job runs.
 *            work may run twice: what it collected is forgotten before each run.
 * Limits     PUBSUB_NODES nodes of an account, PUBSUB_SERVICE_NODES of the service; PUBSUB_BYTES, PUBSUB_SERVICE_BYTES of items
 *            in all of them; PUBSUB_PAGE_BYTES of items in one answer.
 */
#ifndef PUBSUB_PUBSUB_CALL_H
#define PUBSUB_PUBSUB_CALL_H

#include "core/mod.h"
#include "pubsub/pubsub_access.h"
#include "pubsub/pubsub_node.h"

#define PUBSUB_NODES 250
#define PUBSUB_SERVICE_NODES 1000
#define PUBSUB_BYTES (32ull << 20)
#define PUBSUB_SERVICE_BYTES (1024ull << 20)
#define PUBSUB_PAGE_BYTES (512 * 1024)

enum pubsub_change_kind { CHANGE_ITEM, CHANGE_RETRACT, CHANGE_PURGE, CHANGE_DELETE, CHANGE_CONFIG, CHANGE_SUBSCRIBED,
			  CHANGE_ASKED, CHANGE_ANSWERED };	/* of a subscription that owners decide on (pubsub_approve.h) */

/* What somebody is to be told of. */
struct pubsub_change {
	struct pubsub_change *next;
	enum pubsub_change_kind kind;
	const struct pubsub_node *node;
	struct str id;			/* of the item */
	struct str publisher;		/* of the item; empty: who calls */
	struct str jid;			/* CHANGE_SUBSCRIBED, ASKED, ANSWERED: who */
	bool yes;			/* CHANGE_ANSWERED */
	const struct node *payload;	/* NULL: none */
	bool tell;
};

struct pubsub_call {
	struct iq *iq;
	struct arena *arena;
	uint64_t now_ms;
	struct str owner;		/* whose nodes: a bare JID, or the service's domain */
	struct pubsub_viewer viewer;
	const struct node *op;		/* <publish/>, <items/>, ... in the request */
	const struct pubsub_op *row;
	struct str name;		/* of the node; empty: none named */
	int (*work)(struct vault *v, struct pubsub_call *c);
	void *data;			/* the caller's own */

	/* What work() came to: */
	struct node *reply;		/* payload of the answer; NULL: empty */
	const char *condition;		/* the specific one of an error (XEP-0060 17.2); NULL: none */
	const char *feature;		/* of <unsupported/> */
	struct pubsub_change *changes, **last;
	struct str new_keys;		/* ids of device keys that were never published before; features/new_device.c */
	bool photo_changed;		/* of the account's vCard (XEP-0153): its hash, empty for none */
	char photo[41];
	bool converting;		/* a hook adds changes: they call no hook */
};

/* An iq hook's whole body: pubsub or pubsub#owner, to an account or the service. service: its domain; empty: an account. */
MUST_CHECK int pubsub_call_run(struct iq *iq, struct str service);
/* The same for a feature's own work on nodes of iq->user or the service; the answer is c->reply. IQ_LATER or ERR_*. */
MUST_CHECK int pubsub_call_begin(struct iq *iq, struct str service, int (*work)(struct vault *v, struct pubsub_call *c), void *data);

/* --- store thread ---------------------------------------------------------------------------------------------------- */
/* ERR_NOT_FOUND when there is none. */
MUST_CHECK int pubsub_call_load(struct vault *v, struct pubsub_call *c, struct str name, struct pubsub_node **ret);
MUST_CHECK int pubsub_call_save(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n);
/* A new node with its defaults, for the viewer; not saved yet. ERR_LIMIT: the owner has enough. */
MUST_CHECK int pubsub_call_create(struct vault *v, struct pubsub_call *c, struct str name, struct pubsub_node **ret);
MUST_CHECK int pubsub_call_publish(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct str id,
				   const struct node *payload);
/* ERR_NOT_FOUND: no such item. */
MUST_CHECK int pubsub_call_retract(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct str id, bool tell);
MUST_CHECK int pubsub_call_change(struct pubsub_call *c, const struct pubsub_change *change);
/* Every node of the owner, one after the other, in an arena of its own; an error of fn ends it. */
typedef int pubsub_node_fn(void *ctx, const struct pubsub_node *n);
MUST_CHECK int pubsub_call_each(struct vault *v, struct str owner, pubsub_node_fn *fn, void *ctx);

#endif
