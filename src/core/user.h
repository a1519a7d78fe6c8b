/* user.h - one local account as long as somebody needs it in memory: roster, block list, sessions.
 *
 * Ownership  Counted references; unreferenced users without sessions stay cached up to LIMIT_USERS_CACHED
 *            and are dropped least recently used first.
 * Threads    The loop's thread. What is in memory is the truth; changes are written behind by store jobs,
 *            in order.
 */
#ifndef CORE_USER_H
#define CORE_USER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/roster.h"
#include "vault/vault.h"

#define LIMIT_USERS_CACHED 5000

struct prefs;
struct server;

#define USER_MAGIC 0x05e7a001u

struct user {
	uint32_t magic;
	struct server *server;
	struct str bare;		/* own memory */
	enum vault_role role;
	bool frozen;
	bool decoy;			/* core/decoys.h: nobody */
	bool loading, gone;		/* gone: removed from the server while referenced */
	unsigned refs;
	struct list waiters, idle;	/* internal */
	struct list sessions;
	unsigned n_sessions;
	char photo[41];			/* SHA-1 of the vCard's photo in hexadecimal (XEP-0153); empty: none */
	void *offline;			/* features/offline.c: one session is getting what came meanwhile; NULL: none */
	void *push;			/* features/push.c: who is told of messages, in push_arena; NULL: not read */
	struct arena *push_arena;
	struct roster roster;
	uint64_t password_at_ms;	/* core/own_password.c */
	uint64_t new_key_ms;		/* features/new_device.c: when others were told of one */
	uint64_t decoy_told_ms;		/* core/decoys.c */
	bool changing;			/* features/register.c: a new password is being worked on */
	bool roster_unsaved;		/* the last save failed: nothing is acknowledged before the next one succeeded */
	struct str *blocked;		/* bare JIDs, full JIDs or domains (XEP-0191) */
	size_t n_blocked;
	struct prefs *prefs;		/* what its archive shall keep (core/prefs.h); NULL: it has not chosen */
	struct str *known;		/* bare JIDs that he has let in or written to (core/gate.h), besides the roster; oldest first */
	size_t n_known;
};

typedef void user_fn(void *ctx, struct user *u, int err);	/* u NULL with ERR_NOT_FOUND or a store error */
/* Looks up or loads; fn is called at once when it is in memory, later otherwise. fn takes its own reference. */
void user_get(struct server *srv, struct str bare, user_fn *fn, void *ctx);
struct user *user_cached(struct server *srv, struct str bare);	/* NULL when not in memory or still loading; no reference */
struct user *user_ref(struct user *u);
void user_unref(struct user **u);

/* Is this sender (full or bare JID) on the block list: itself, its bare JID, or its domain (XEP-0191 5)? Or behind a wall
 * of the company (core/policy_step.h)? */
bool user_blocks(const struct user *u, struct str jid);

/* Replaces the block list in memory; copies. */
MUST_CHECK int user_set_blocked(struct user *u, const struct str *v, size_t n);
bool user_knows(const struct user *u, struct str bare);
/* In memory, until it is saved; the oldest of LIMIT_KNOWN makes room. */
MUST_CHECK int user_learn(struct user *u, struct str bare);
/* As it is stored, ITEM_KNOWN. */
MUST_CHECK int user_encode_known(const struct user *u, struct buf *b);
/* The account is gone or must be loaded anew: no new reference finds it. */
void user_forget(struct user *u);
void user_free_idle(struct server *srv);

/* Writes the roster / the block list behind; fn (may be NULL) is told on the loop's thread. */
void user_save_roster(struct user *u, void (*fn)(void *ctx, int err), void *ctx);
void user_save_blocklist(struct user *u, void (*fn)(void *ctx, int err), void *ctx);
void user_save_known(struct user *u, void (*fn)(void *ctx, int err), void *ctx);

#endif
