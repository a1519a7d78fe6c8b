/* breaker.h - one breaker a link to another network: open, links and files stop there, and text flows.
 *
 * It opens when policy's number of messages that spread, of so many senders, have come over the link within its time; and closes when
 * nothing of the kind has come for its quiet time. An operator opens and closes it by hand: then it waits for him.
 *
 * Ownership  breaker_table_free().
 * Threads    One (the loop's).
 * Limits     BREAKERS links; of those that are closed the one quiet for longest makes room. BREAKER_EVENTS messages each.
 * Errors     Without memory a link is not counted; breaker_open() says ERR_NOMEM, ERR_LIMIT.
 */
#ifndef OUTBREAK_BREAKER_H
#define OUTBREAK_BREAKER_H

#include "base/err.h"
#include "base/str.h"
#include "policy/policy.h"

#define BREAKERS 1000
#define BREAKER_EVENTS 64

struct breaker_table;

struct breaker_table *breaker_table_new(void);		/* NULL without memory */
void breaker_table_free(struct breaker_table **t);
bool breaker_is_open(const struct breaker_table *t, struct str domain);
bool breaker_is_manual(const struct breaker_table *t, struct str domain);
/* Something that spreads has come over the link, or would have left by it. True: it opens with this. */
bool breaker_note(struct breaker_table *t, const struct policy_breaker *c, struct str domain, uint64_t sender, uint64_t now_ms);
MUST_CHECK int breaker_open(struct breaker_table *t, struct str domain, bool manual, uint64_t now_ms);
bool breaker_close(struct breaker_table *t, struct str domain);		/* false: it was not open */
/* The next one that has been quiet long enough, closed with this call; empty: none. Good until the next call of anything here. */
struct str breaker_expire(struct breaker_table *t, const struct policy_breaker *c, uint64_t now_ms);
unsigned breaker_count(const struct breaker_table *t);			/* open ones */

#endif
