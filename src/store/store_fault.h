/* store_fault.h - for tests: a store whose n-th call fails, and everything after it if asked so.
 *
 * Ownership  The fault store owns the store under it and closes it.
 * Errors     The armed one, from begin, commit, put, get, scan, count or remove, before anything reaches the store below.
 */
#ifndef STORE_STORE_FAULT_H
#define STORE_STORE_FAULT_H

#include "store/store.h"

MUST_CHECK int store_fault_new(struct store **under, struct store **ret);	/* takes 'under' */
/* The nth call from now (1: the next) returns err; 0 disarms. sticky: so does every later one. */
void store_fault_arm(struct store *s, uint64_t nth, int err, bool sticky);
bool store_fault_fired(const struct store *s);
/* The store below, for looking at what was written. */
struct store *store_fault_under(struct store *s);

#endif
