/* outbox.h - messages for others than our own accounts, acknowledged to their senders and not passed on yet.
 *
 * Each pair of domains has a row among the stored streams, with an id that no client's stream can have, and its messages in
 * the row's queue: they are written in the message's own transaction (core/archive.c) and read back at the start.
 *
 * Ownership  struct outbox lies in the link's own memory and refers to the names it was given. What outbox_load() read is
 *            given back to outbox_saved_free().
 * Threads    The loop's; outbox_load() before the store's thread has begun.
 * Limits     What is kept is what the link keeps in memory: it trims the rest.
 */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include "base/err.h"
#include "base/str.h"
#include "core/outward.h"

#define OUTBOX_S2S "s2s"
#define OUTBOX_GATEWAY "gwy"

struct server;
struct vault;
struct outbox_saved;

struct outbox {
	struct server *srv;
	const char *kind, *ours, *theirs;	/* OUTBOX_*; the domains */
	bool kept;			/* there is a row */
	uint32_t next_seq, last_seq, trimmed;	/* next to give, last that came to be sent, forgotten up to */
};

void outbox_init(struct outbox *o, struct server *srv, const char *kind, const char *ours, const char *theirs);
/* The place of the next message. False: it cannot be kept. */
bool outbox_reserve(struct outbox *o, struct outward_place *ret);
/* The place of what has this number. */
void outbox_place(const struct outbox *o, uint32_t seq, struct outward_place *ret);
/* What was stored up to this number is not needed any more; all of it and the row. */
void outbox_trim(struct outbox *o, uint32_t up_to);
void outbox_remove(struct outbox *o);

/* --- the start --- */
MUST_CHECK int outbox_load(struct vault *v, struct outbox_saved **ret);
/* How the link takes back what is its own. take() may be called with the same pair often; bytes are good for the call. */
struct outbox_taker {
	const char *kind;
	/* The pair's outbox; NULL: it is not wanted any more, and stays where it is. */
	struct outbox *(*find)(void *ctx, struct str ours, struct str theirs);
	int (*take)(void *ctx, struct outbox *o, struct str bytes, uint32_t seq);
	void *ctx;
};
void outbox_take(const struct outbox_saved *saved, const struct outbox_taker *t);
void outbox_saved_free(struct outbox_saved **saved);

#endif
