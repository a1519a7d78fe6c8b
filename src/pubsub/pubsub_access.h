/* pubsub_access.h - who may what at a node.
 *
 * Whether somebody is a contact is known on the loop's thread, the node on the store thread: the viewer is what the
 * first tells the second.
 *
 * Who may not read a node learns nothing of it. For a stranger an account with nothing for him is one that does not
 * exist (service-unavailable); a contact, and everybody at the service, finds no such node (item-not-found).
 */
#ifndef PUBSUB_PUBSUB_ACCESS_H
#define PUBSUB_PUBSUB_ACCESS_H

#include "pubsub/pubsub_node.h"
#include "xmpp/jid.h"

struct user;

struct pubsub_viewer {
	struct str full, bare;
	bool service;			/* at the service, not at an account */
	bool owner;			/* the account itself */
	bool contact;			/* sees the account's presence */
	bool staff;			/* has an account here */
	const struct str *groups;	/* of the account's roster that it is in */
	size_t n_groups;
};

/* owner NULL: at the service. Loop's thread; what it refers to lives in a. */
MUST_CHECK int pubsub_access_viewer(struct arena *a, const struct user *owner, struct str full, struct str bare, bool staff,
				    struct pubsub_viewer *ret);
enum pubsub_affiliation pubsub_access_affiliation(const struct pubsub_node *n, const struct pubsub_viewer *w);
bool pubsub_access_read(const struct pubsub_node *n, const struct pubsub_viewer *w);
bool pubsub_access_publish(const struct pubsub_node *n, const struct pubsub_viewer *w);
/* He may ask its owners: they want to be asked, and so the node is no secret (XEP-0060 4.5, 'authorize'). */
bool pubsub_access_ask(const struct pubsub_node *n, const struct pubsub_viewer *w);
bool pubsub_access_own(const struct pubsub_node *n, const struct pubsub_viewer *w);
/* The error for whoever may not do it; n NULL: there is none. */
int pubsub_access_denied(const struct pubsub_node *n, const struct pubsub_viewer *w);

#endif
