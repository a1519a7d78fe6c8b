/* gate.h - the receiver's gate: what people say whom he does not know waits until he lets them in.
 *
 * Known is who is in the roster with a subscription, whom the account has written to or let in (user_knows), whose room it
 * has entered, and everybody of a domain that the operator trusts like the own one. What others send - messages, requests
 * for presence, invitations - is stored sealed as a request, and the bot shows it as text without anything live. Their
 * presence, their requests for data and ours to them go nowhere. An outsider hears the same, which is nothing, whether the
 * account exists and whatever became of what he sent; who approaches too many people is told to come back later.
 *
 * Threads    The loop's; gate_work() on the store thread, in the message's transaction.
 * Limits     LIMIT_REQUESTS, LIMIT_REQUEST_STANZAS, STRANGER_TRIES*. What is past the second is counted and told.
 */
#ifndef CORE_GATE_H
#define CORE_GATE_H

#include "core/trip.h"
#include "inspect/subject.h"

struct roster_item;
struct vault;

/* Of another domain, whoever speaks for it; a component's own word and what it says for one of ours is none of an outsider. */
bool gate_is_outsider(const struct trip *t);
/* Is the sender no stranger: a colleague, a contact, somebody whom the receiver has let in? */
bool gate_knows(const struct trip *t);
/* The inspection's part: how near the sender is, as far as the operator trusts his link; whom he resembles. */
void gate_facts(const struct trip *t, struct subject *sub);

/* Before anybody looks whether the receiver exists: one more person is approached. The answer to too many must not depend
 * on who that is, nor on what is in memory. Takes no second count of the same stanza. */
void gate_knock(struct trip *t);
/* What comes of that, when it is known who the receiver is: TRIP_NEXT, or refused. Comes before block lists. */
enum trip_next gate_pace(struct trip *t);
/* The step. */
enum trip_next gate_admit(struct trip *t);
/* A message of an outsider to an account that is not there, or that blocks him: as if it had been held. */
enum trip_next gate_nobody(struct trip *t);

/* A held message that is a request: its rows; and what its receiver is told. */
MUST_CHECK int gate_work(struct vault *v, struct trip *t, struct str stanza);
void gate_done(struct trip *t);
/* At the start: the names of all accounts, for who poses as one of them. */
void gate_start(struct server *srv);

#endif
