/* map.h - a hash map from bytes to a pointer, with a maximum.
 *
 * Ownership  Keys are copied into the map; values belong to the caller.
 * Limits     The maximum count given to map_new. Hashing is keyed (SipHash-1-3 with a
 *            random key), so a peer cannot choose colliding keys.
 * Iteration  map_next in no particular order; removing the entry just returned is allowed,
 *            adding while iterating is not.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"
#include "base/str.h"

struct map;

struct map *map_new(size_t max_entries);
void map_free(struct map **m);
size_t map_count(const struct map *m);
void *map_get(const struct map *m, struct str key);		/* NULL when absent */
/* Adds or replaces. ERR_LIMIT when full, ERR_NOMEM. value must not be NULL. */
MUST_CHECK int map_put(struct map *m, struct str key, void *value);
void *map_take(struct map *m, struct str key);			/* removes and returns, or NULL */

struct map_iter { size_t at; };
bool map_next(const struct map *m, struct map_iter *it, struct str *ret_key, void **ret_value);

uint64_t map_hash(const uint64_t key[2], struct str s);	/* SipHash-1-3, for other tables */

#endif
