/* sender.h - what is remembered of everybody who speaks: to whom he wrote lately, who answered, and what inspectors keep.
 *
 * Whoever writes is a sender, also a peer's or a gateway's user. An inspector that needs to remember something of a sender has
 * a struct of its own in struct sender; the guard hands it over, so inspectors stay pure.
 *
 * Ownership  sender_table_free(). A struct sender stays valid until the next sender_of().
 * Threads    One (the loop's).
 * Limits     SENDERS of SENDER_BYTES at most each; the one silent for longest makes room. SENDER_PEERS people a sender; the oldest makes room.
 * Errors     sender_of(): NULL without memory.
 */
#ifndef OUTBREAK_SENDER_H
#define OUTBREAK_SENDER_H

#include "base/list.h"
#include "inspect/beacon.h"
#include "inspect/cipher.h"
#include "inspect/spim_campaign.h"
#include "inspect/stranger.h"
#include "inspect/subject.h"

#define SENDERS 20000
#define SENDER_BYTES 2048
#define SENDER_PEERS 32

/* Somebody he wrote to. */
struct sender_peer {
	uint32_t who;			/* hash */
	uint32_t first_s, last_s;	/* seconds of wall time */
	bool answered;			/* he has written to the sender, before or after */
	bool stranger;			/* the two did not know each other at the first message */
};

/* What the worm brake remembers of him: the tree of strange links that reached him last. */
struct worm_memory {
	char tree[17];			/* its fingerprint */
	uint64_t got_ms;		/* 0: none */
};

struct sender {
	struct list lru;
	uint64_t hash;
	uint64_t first_ms, last_ms;	/* of his messages */
	uint32_t n_sent;
	struct sender_peer peers[SENDER_PEERS];
	unsigned n_peers;
	struct beacon_memory beacon;
	struct cipher_memory cipher;
	struct spim_memory spim;
	struct stranger_memory stranger;	/* also of a domain and of a range of addresses, under hashes of their own */
	struct worm_memory worm;
};

struct sender_table;

struct sender_table *sender_table_new(size_t most);		/* NULL without memory */
void sender_table_free(struct sender_table **s);
size_t sender_table_count(const struct sender_table *s);

struct sender *sender_of(struct sender_table *s, uint64_t hash, uint64_t now_ms);	/* remembered from now on */
struct sender *sender_find(const struct sender_table *s, uint64_t hash);		/* NULL: not remembered */
/* One more message of his: counts it, and notes the receiver; the receiver's own memory learns that he was answered. */
void sender_note(struct sender_table *s, struct sender *from, uint64_t to, bool known, uint64_t now_ms);
bool sender_wrote_to(const struct sender *s, uint64_t to);		/* of those remembered */
/* Has he written to that one within so much time? */
bool sender_wrote(const struct sender_table *s, uint64_t who, uint64_t to, uint64_t now_ms, uint64_t within_ms);
/* What inspectors may know of him: the people of the window that ends now, as values. */
void sender_facts(const struct sender *s, uint64_t window_ms, uint64_t now_ms, struct subject_sender *ret);

#endif
