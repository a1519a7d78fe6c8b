/* pubsub_node.h - a node (XEP-0060): its name, its options, who may what, who is subscribed; and its stored form.
 *
 * Ownership  Everything lives in the arena it was read into or made in.
 * Threads    Free of shared state.
 * Limits     PUBSUB_NAME bytes a name or id, PUBSUB_AFFILIATIONS, PUBSUB_SUBSCRIPTIONS: ERR_LIMIT.
 * Errors     ERR_CORRUPT for a stored form that cannot be one.
 */
#ifndef PUBSUB_PUBSUB_NODE_H
#define PUBSUB_PUBSUB_NODE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define PUBSUB_NAME 1023		/* a node's name, an item's id */
#define PUBSUB_ITEMS 2000		/* what pubsub#max_items 'max' comes to */
#define PUBSUB_ITEM_BYTES (256 * 1024)	/* one item's payload */
#define PUBSUB_AFFILIATIONS 500
#define PUBSUB_SUBSCRIPTIONS 2000	/* at a node of the service */
#define PUBSUB_ACCOUNT_SUBSCRIPTIONS 100	/* at one of an account: contacts need none */
#define PUBSUB_PENDING 100		/* who waits for an owner's yes at a node */
#define PUBSUB_OF_ONE 8			/* by one bare JID */
#define PUBSUB_SUBSCRIBER 512		/* bytes of an address that subscribes */
#define PUBSUB_TEXT 1023		/* a title, a description, a type */
#define PUBSUB_GROUPS_TEXT 4096		/* all names of roster groups together */

enum pubsub_access { ACCESS_OPEN, ACCESS_PRESENCE, ACCESS_ROSTER, ACCESS_WHITELIST, ACCESS_AUTHORIZE };	/* numbers are stored */
enum pubsub_publishers { PUBLISH_PUBLISHERS, PUBLISH_SUBSCRIBERS, PUBLISH_OPEN };
enum pubsub_last { LAST_NEVER, LAST_ON_SUB, LAST_ON_SUB_AND_PRESENCE };

/* The options that are numbers, switches or words; pubsub_form.c knows their names. */
enum pubsub_option {
	PUBSUB_ACCESS, PUBSUB_PUBLISH_MODEL, PUBSUB_SEND_LAST, PUBSUB_PERSIST, PUBSUB_MAX_ITEMS, PUBSUB_EXPIRE_S,
	PUBSUB_PAYLOADS, PUBSUB_NOTIFY, PUBSUB_NOTIFY_RETRACT, PUBSUB_NOTIFY_DELETE, PUBSUB_NOTIFY_CONFIG,
	PUBSUB_MESSAGE_TYPE,
	PUBSUB_OPTIONS
};
/* Those that are texts; the groups are a line each. */
enum pubsub_text { PUBSUB_TITLE, PUBSUB_DESCRIPTION, PUBSUB_TYPE, PUBSUB_GROUPS, PUBSUB_TEXTS };

struct pubsub_config {
	uint32_t n[PUBSUB_OPTIONS];
	struct str text[PUBSUB_TEXTS];
};

enum pubsub_affiliation { AFFILIATION_NONE, AFFILIATION_OUTCAST, AFFILIATION_MEMBER, AFFILIATION_PUBLISH_ONLY,
			  AFFILIATION_PUBLISHER, AFFILIATION_OWNER };

struct pubsub_affiliate { struct str jid; enum pubsub_affiliation is; };	/* bare */

struct pubsub_node {
	struct str owner;		/* the account's bare JID, or the service's domain */
	struct str name;
	uint64_t created_ms;
	struct str creator;		/* bare */
	struct pubsub_config config;
	struct pubsub_affiliate *affiliates;
	size_t n_affiliates;
	struct str *subscribers;	/* bare or full JIDs */
	size_t n_subscribers;
	struct str *pending;		/* who has asked, where owners decide (ACCESS_AUTHORIZE) */
	size_t n_pending;
};

/* A node of this name that does not exist yet, with the defaults of accounts (XEP-0163 5) or of the service. */
MUST_CHECK int pubsub_node_new(struct arena *a, struct str owner, bool account, struct str name, struct pubsub_node **ret);
MUST_CHECK int pubsub_node_encode(const struct pubsub_node *n, struct buf *ret);
MUST_CHECK int pubsub_node_decode(struct arena *a, struct str owner, struct str name, struct str bytes, struct pubsub_node **ret);

enum pubsub_affiliation pubsub_node_affiliation(const struct pubsub_node *n, struct str bare);
/* AFFILIATION_NONE takes it out. */
MUST_CHECK int pubsub_node_affiliate(struct arena *a, struct pubsub_node *n, struct str bare, enum pubsub_affiliation is);
const char *pubsub_node_affiliation_text(enum pubsub_affiliation is);
bool pubsub_node_affiliation_parse(struct str text, enum pubsub_affiliation *ret);

bool pubsub_node_subscribed(const struct pubsub_node *n, struct str jid);	/* exactly this address */
bool pubsub_node_subscribed_bare(const struct pubsub_node *n, struct str bare);	/* it, or a resource of it */
MUST_CHECK int pubsub_node_subscribe(struct arena *a, struct pubsub_node *n, struct str jid);
void pubsub_node_unsubscribe(struct pubsub_node *n, struct str jid);

bool pubsub_node_pending(const struct pubsub_node *n, struct str jid);
MUST_CHECK int pubsub_node_ask(struct arena *a, struct pubsub_node *n, struct str jid);	/* ERR_LIMIT */
/* False: it was not waiting. */
bool pubsub_node_answered(struct pubsub_node *n, struct str jid);

/* How many items it keeps. */
uint64_t pubsub_node_keeps(const struct pubsub_node *n);

#endif
