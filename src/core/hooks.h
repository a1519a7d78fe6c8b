/* hooks.h - calls the features' hooks, in the order of features.def. One function a hook of mod.h. */
#ifndef CORE_HOOKS_H
#define CORE_HOOKS_H

#include <stdbool.h>

#include "base/arena.h"
#include "xmpp/node.h"

struct buf;
struct config_component;
struct iq;
struct iq_hook;
struct pubsub_call;
struct pubsub_caps;
struct pubsub_change;
struct server;
struct service_ops;
struct session;
struct trip;
struct user;
struct vault;

int hooks_server_start(struct server *srv);
void hooks_server_stop(struct server *srv);
void hooks_session_bound(struct session *s);
void hooks_session_resumed(struct session *s);
void hooks_session_restored(struct session *s);
void hooks_session_gone(struct session *s);
void hooks_session_detached(struct session *s);
void hooks_message_done(struct trip *t);
/* True: the stanza is kept back for now (client state indication). */
bool hooks_session_filter(struct session *s, const struct node *stanza, struct str head, struct str tail);
void hooks_presence_out(struct session *s, struct trip *t, bool initial);
int hooks_presence_directed(struct trip *t);
int hooks_presence_stamp(struct trip *t, const struct user *u);
void hooks_pubsub_done(struct pubsub_call *c);
void hooks_session_caps(struct session *s, const struct pubsub_caps *had);
int hooks_pubsub_changed(struct vault *v, struct pubsub_call *c, const struct pubsub_change *ch);
void hooks_component_open(struct server *srv, const struct config_component *c);
void hooks_policy_changed(struct server *srv);
void hooks_account_removed(struct server *srv, struct str bare);
int hooks_message_server(struct trip *t);
void hooks_roster_push(struct user *u, struct arena *a, struct node *iq);
void hooks_roster_shared(struct user *u, struct str contact, bool ended);
int hooks_archive_access(struct iq *iq, struct str *ret_owner, uint64_t *ret_since_ms);
void hooks_message_plan(struct trip *t);
bool hooks_nonza(struct session *s, const struct node *n);
void hooks_session_binding(struct session *s, const struct node *bind);
/* <feature var=''/> for each feature that can be switched on while binding. */
void hooks_bind_features(struct buf *b);
void hooks_stream_features(struct server *srv, struct arena *a, struct node *features);
void hooks_server_forms(struct server *srv, struct arena *a, struct node *query);
void hooks_disco_info(struct iq *iq, struct node *query);
void hooks_disco_items(struct iq *iq, struct node *query);
/* Who answers in the place of whoever fits, or NULL. */
const struct iq_hook *hooks_claim(const struct trip *t, unsigned target, const struct node *payload);
/* The handler of a request behind 'after' (NULL: the first), or NULL. service: it is addressed to; features with a service of
 * their own are asked for that one alone. */
const struct iq_hook *hooks_iq(unsigned type, unsigned target, const struct service_ops *service, const struct node *payload,
			       const struct iq_hook *after);

#endif
