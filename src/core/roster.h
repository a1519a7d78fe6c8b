/* roster.h - the contact list of one account (RFC 6121 2, 3), in memory, and its stored form.
 *
 * Ownership  struct roster owns its items; an item pointer is good until it is removed.
 * Threads    The loop's thread; roster_encode/decode are free of shared state.
 * Limits     LIMIT_ROSTER items, LIMIT_ROSTER_GROUPS groups, LIMIT_ROSTER_NAME bytes: ERR_LIMIT.
 */
#ifndef CORE_ROSTER_H
#define CORE_ROSTER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"

enum roster_sub { SUB_NONE, SUB_TO, SUB_FROM, SUB_BOTH };

struct roster_item {
	struct str jid;			/* bare, normalised; own memory */
	struct str name;
	struct str *groups;
	size_t n_groups;
	enum roster_sub sub;
	bool ask;			/* we asked, no answer yet: Pending Out */
	bool pending_in;		/* they asked, we have not answered: Pending In */
	bool approved;			/* pre-approved (RFC 6121 3.4) */
	bool listed;			/* shown in the roster; false: only pending_in is known */
	struct str request;		/* the stored <presence type='subscribe'/> while pending_in */
	uint64_t ver;			/* roster version of the last change */
	/* What the server puts there (core/shared.h); never stored. While there is any, sub and listed say what holds, and own_* what the
	 * account itself has. */
	struct str shared_name;
	struct str *shared;		/* groups */
	size_t n_shared;
	enum roster_sub own_sub;
	bool own_listed;
};

struct roster {
	struct map *items;		/* by jid; NULL while empty */
	uint64_t ver;			/* rises with every change that is pushed */
	uint64_t shared_sum;		/* of what the server has put there; 0: nothing */
};

void roster_init(struct roster *r);
void roster_release(struct roster *r);
struct roster_item *roster_find(const struct roster *r, struct str bare);
/* Does the owner let him see his presence? */
bool roster_shows(const struct roster *r, struct str bare);
/* Finds or adds an unlisted, SUB_NONE item. */
MUST_CHECK int roster_get(struct roster *r, struct str bare, struct roster_item **ret);
MUST_CHECK int roster_item_set(struct roster_item *it, struct str name, const struct str *groups, size_t n_groups);
MUST_CHECK int roster_item_set_request(struct roster_item *it, struct str request_xml);	/* empty clears */
/* What the server puts there: from then on both see each other's presence. No groups: it ends; the item may be gone then. True in
 * ret_changed: something is different. */
MUST_CHECK int roster_share(struct roster *r, struct str bare, struct str name, const struct str *groups, size_t n, bool *ret_changed);
/* Is he there because the server says so? */
static inline bool roster_is_shared(const struct roster_item *it) { return it && it->n_shared > 0; }
/* The version as clients see it: of what is stored, and of what the server puts there. */
#define ROSTER_VERSION 40
void roster_version(const struct roster *r, char ret[ROSTER_VERSION]);
size_t roster_listed(const struct roster *r);		/* contacts, without people who only asked */
void roster_remove(struct roster *r, struct str bare);
const char *roster_sub_text(enum roster_sub sub);

MUST_CHECK int roster_encode(const struct roster *r, struct buf *ret);
MUST_CHECK int roster_decode(struct roster *r, struct str bytes);	/* into an empty roster; ERR_CORRUPT */

#endif
