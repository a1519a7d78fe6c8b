/* roster_push.h - tells an account's interested resources what changed in its roster (RFC 6121 2.1.6). */
#ifndef CORE_ROSTER_PUSH_H
#define CORE_ROSTER_PUSH_H

#include "core/roster.h"
#include "core/user.h"
#include "xmpp/node.h"

/* <item/> beneath query; NULL: the arena is full. */
struct node *roster_push_item(struct arena *a, struct node *query, const struct roster_item *it);
/* A new version, and the push. The caller saves the roster. */
void roster_push_changed(struct user *u, struct roster_item *it);
/* What the server puts there has changed, which is part of the version by itself: the item as it is, or its end. */
void roster_push_shared(struct user *u, struct str bare);
void roster_push_removed(struct user *u, struct str bare);

#endif
