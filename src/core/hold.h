/* hold.h - what follows from a verdict: quarantine, the story of a stanza, notices, freezing, outbreaks.
 *
 * Threads  *_work and hold_story run on the store thread within the trip's transaction; the rest on the loop's.
 */
#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "core/trip.h"
#include "vault/vault.h"

/* The sealed held row. */
MUST_CHECK int hold_work(struct vault *v, struct trip *t, struct str stanza);
/* Findings, spread, outbreak and audit entries of a judged message, delivered or held. */
MUST_CHECK int hold_story(struct vault *v, struct trip *t);
/* Refused: its story is written under a number of its own, behind. ret: the number as printed. */
MUST_CHECK int hold_refused(struct trip *t, char ret[VAULT_ID_TEXT]);
/* A released message is on its way: it is not released again after a restart. */
MUST_CHECK int hold_delivered(struct vault *v, struct trip *t);
/* The message is in quarantine: tells sender and receiver, freezes where the verdict says so. */
void hold_done(struct trip *t);
/* It is being delivered with a warning: tells the receiver. */
void hold_flagged(struct trip *t);
/* It held what should not leave, and was delivered, with that or without it: tells the sender. */
void hold_leaked(struct trip *t);

/* Lets a held message go: on the road again, with its first time and id. id as printed. */
void hold_release(struct server *srv, struct str id);
/* The same for one whose files have been checked: nobody is told, it was never held for a person. */
void hold_go_on(struct server *srv, struct str id);
/* Tells both sides that it was rejected. */
void hold_rejected(struct server *srv, struct str id);
/* At the start: fingerprints under containment and what has spread lately come back into the guard; messages
 * released while no server ran are delivered. */
MUST_CHECK int hold_restore(struct server *srv, struct vault *v);
/* The same by another word than an officer's (officer false): it teaches the model nothing. */
void hold_let_go(struct server *srv, struct str id, bool officer);

#endif
