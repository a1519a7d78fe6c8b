/* s2s_policy.h - with whom we speak, and who pretends to be us.
 *
 * Threads  The loop's.
 */
#ifndef S2S_S2S_POLICY_H
#define S2S_S2S_POLICY_H

#include "base/str.h"
#include "config/config.h"

struct server;

/* Domains are normalised. */
bool s2s_policy_allows(const struct config *c, struct str domain);
/* What is known beforehand of this peer, or NULL. */
const struct config_peer *s2s_policy_peer(const struct config *c, struct str domain);
/* A domain that stanzas of peers may be addressed to: of accounts or a service. */
bool s2s_policy_is_ours(const struct server *srv, struct str domain);
/* Ours, beneath ours, a gateway's, or one that a reader takes for ours: nobody comes with it from outside, but a peer
 * that the operator has named. */
bool s2s_policy_poses(const struct server *srv, struct str domain);

#endif
