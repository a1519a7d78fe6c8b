/* policy_step.h - the company's rules that need no inspection: who may reach whom at all, and what must be encrypted.
 *
 * Threads    The loop's.
 * Errors     A rule that forbids ends the trip with an error that says so; an outsider whom a wall keeps out gets the
 *            answer that a missing account gives.
 */
#ifndef CORE_POLICY_STEP_H
#define CORE_POLICY_STEP_H

#include "core/trip.h"
#include "inspect/subject.h"

/* Walls between groups, also around invitations. Every stanza. TRIP_ENDED: refused. */
enum trip_next policy_step_reach(struct trip *t);
/* End-to-end encryption: required or forbidden between these two. Messages alone. TRIP_ENDED: refused. */
enum trip_next policy_step_encryption(struct trip *t, const struct subject *s);
/* Fills in what the link to another domain is worth, and who knows whom. */
void policy_step_facts(const struct trip *t, struct subject *s);
/* A decision that refuses: recorded with the number that the sender is told, so that `wardroom why` can explain it. */
enum trip_next policy_step_refuse(struct trip *t, const char *text);
/* A policy has come into force: its text is kept under a number, if it is a new one. Behind. */
void policy_step_note(struct server *srv);
/* Does a wall stand between these two bare addresses? The bot and the help desk are behind none. */
bool policy_step_apart(const struct server *srv, struct str a, struct str b);

#endif
