/* throttle.h - slows down who guesses passwords, without locking out the office.
 *
 * Two budgets of failures, both refilled with time: one for each (account, address prefix), and a wider
 * one for each prefix (an address block that tries many names). A pair that once logged in is not held
 * to the prefix's budget, so a guesser behind the same router cannot shut out his colleagues. Success
 * costs nothing. Names that do not exist are treated alike.
 *
 * Ownership  throttle_new/throttle_free; strings are copied.
 * Threads    One (the loop's).
 * Limits     LIMIT_THROTTLE entries of each kind; the one unused for longest makes room.
 * Errors     None: out of memory lets a login pass and forgets a failure; the budget of tries
 *            of a stream (LIMIT_AUTH_TRIES) still holds.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "base/str.h"

struct sockaddr;
struct throttle;

/* /24 of IPv4 (also when mapped into IPv6), /64 of IPv6, one for all else. */
struct throttle_prefix { uint8_t kind; uint8_t bytes[8]; };
void throttle_prefix_of(const struct sockaddr *sa, struct throttle_prefix *ret);

/* failures_per_minute 0: off. NULL when out of memory. */
struct throttle *throttle_new(unsigned failures_per_minute);
void throttle_free(struct throttle **t);
void throttle_set(struct throttle *t, unsigned failures_per_minute);	/* after a reload */

/* May this account be tried from there now? Asks only; times are clock_mono_ms(). */
bool throttle_may(struct throttle *t, struct str account, const struct throttle_prefix *from, uint64_t now_ms);
void throttle_failed(struct throttle *t, struct str account, const struct throttle_prefix *from, uint64_t now_ms);
void throttle_succeeded(struct throttle *t, struct str account, const struct throttle_prefix *from, uint64_t now_ms);
size_t throttle_count(const struct throttle *t);	/* entries in use */

#endif
