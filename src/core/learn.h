/* learn.h - what people say of messages teaches the site's spim model: reports, and an officer's releases.
 *
 * Learning moves a bounded adjustment beside the model (inspect/spim.h); it is kept sealed, as an item of the server's bot.
 *
 * Ownership  Text is read during the call.
 * Threads    The loop's; learn_restore() at the start.
 * Errors     What cannot be kept is logged, and is learnt until the restart alone.
 */
#ifndef CORE_LEARN_H
#define CORE_LEARN_H

#include "core/server.h"
#include "vault/vault.h"
#include "xmpp/node.h"

/* weight: 0 to 1, how far the word of who says so is to be trusted. */
void learn_message(struct server *srv, struct arena *a, const struct node *message, bool is_spim, float weight);
void learn_stop(struct server *srv);
MUST_CHECK int learn_restore(struct server *srv, struct vault *v, struct arena *a);

#endif
