/* deliver.h - who gets a copy of a message, and the writing of it.
 *
 * The copies are planned before the store job (a resumable session's queue is part of the same
 * transaction) and written after it.
 */
#ifndef CORE_DELIVER_H
#define CORE_DELIVER_H

#include "core/trip.h"

/* Adds a copy for this session; bytes must live in the trip's arena. main: it reaches the receiver (no carbon).
 * Silently none when there is no memory or no place in the session's queue (then the session ends). */
void deliver_copy(struct trip *t, struct session *s, struct str bytes, bool main);
/* The same in two pieces: behind head comes tail, which the copies of one message share. */
void deliver_copy_shared(struct trip *t, struct session *s, struct str head, struct str tail, bool main);
/* The message as account 'bare' has it in its archive: with its <stanza-id/> (XEP-0359) when it is archived
 * there, and the mark that proves to its receiver what he was sent (vault/vault_frank.h). A node of the trip's arena, NULL on lack of memory. */
struct node *deliver_view(struct trip *t, struct str bare, bool archived);
/* Hands the stanza as it is to the link of its domain. */
enum trip_next deliver_outward(struct trip *t);
/* Plans the copies for the receiver's sessions; sets t->n_main. */
void deliver_plan(struct trip *t);
/* The job failed: gives the places up. */
void deliver_cancel(struct trip *t);

#endif
