/* admin.h - what an operator may ask: one table of commands over the vault.
 *
 * A command runs where the vault is: on the store thread of a running server (through the
 * control socket), or in the command line itself when no server runs. Both call
 * admin_run(); what must also happen in a running server is named as effects, which
 * core/server.c applies afterwards on the loop's thread.
 *
 * Ownership  The call owns args and reply; strings of effects live in its arena.
 * Threads    One at a time; a call is given from thread to thread whole.
 * Errors     err and why (a sentence that names the thing and the way out); nothing was changed then.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

struct policy;
struct vault;

enum admin_effect_kind {
	EFFECT_ACCOUNT_CHANGED,		/* password, role or state: reload it; subject: bare JID */
	EFFECT_ACCOUNT_REMOVED,		/* end its sessions */
	EFFECT_ACCOUNT_FROZEN,
	EFFECT_ACCOUNT_THAWED,
	EFFECT_HELD_RELEASED,		/* deliver it; subject: held id text */
	EFFECT_HELD_REJECTED,
	EFFECT_POLICY_APPLIED,		/* read policy.yaml and weights.yaml again */
	EFFECT_OUTBREAK_CONTAINED,	/* subject: fingerprint */
	EFFECT_OUTBREAK_LIFTED,
	EFFECT_DEVICES_SHOWN,		/* core adds to the reply which are connected; subject: bare JID */
	EFFECT_DEVICE_REVOKED,		/* end its sessions; subject: bare JID, '/', device id */
	EFFECT_PURGED,			/* there is somebody to be told (admin/admin_purge.h) */
	EFFECT_FILE,			/* another state than before; subject: its id */
	EFFECT_FILE_RESCAN,		/* look at it again; subject: its id, empty: all */
	EFFECT_SHARED,			/* tell peers of a threat; subject: kind, hash, weight, end (core/exchange.h) */
	EFFECT_UNSHARED,		/* subject: hash */
	EFFECT_ACCOUNT_ADDED,
	EFFECT_BREAKER_OPENED,		/* subject: domain */
	EFFECT_BREAKER_CLOSED,
	EFFECT_DECOY_REMOVED,		/* subject: its bare JID */
	EFFECT_DECOYS_DUE,		/* make those that are missing */
	EFFECT_LIVE_STATUS,		/* core adds sessions, queues, uptime to the reply */
};

struct admin_effect { enum admin_effect_kind kind; struct str subject; struct admin_effect *next; };

struct admin_call {
	struct arena *arena;
	const char *command;		/* "user add", "held release" ... */
	json_t *args;			/* object */
	json_t *reply;			/* object, set on success */
	int err;			/* 0 or ERR_* */
	struct str why;
	struct admin_effect *effects;
	bool staff_only;		/* who asks may change accounts with the role staff alone */
	const char *instance_dir;
	const char *domain;		/* of this instance */
	bool live;			/* true: inside a running server */
	bool again;			/* long work: this was a slice of it, the next one may begin after others have had their turn */
	void *state;			/* of such a command, from slice to slice */
	void (*state_free)(void *state);
	void (*progress)(void *ctx, uint64_t done, uint64_t total);	/* of long work; NULL: nobody looks */
	void *progress_ctx;
};

/* The texts of a policy that is in force are kept under a number; those of the newest are not kept twice. how: "applied". */
MUST_CHECK int admin_policy_note(struct vault *v, struct str domain, struct arena *a, const struct policy *p, const char *how, json_int_t *ret);
/* The number of the version with this digest; 0: not known (any more). */
json_int_t admin_policy_version(struct vault *v, struct str domain, struct arena *a, const char *digest);

struct admin_call *admin_call_new(const char *command, json_t *args /* taken */);
void admin_call_free(struct admin_call **call);
/* Runs within a transaction it begins and commits itself; adds the audit entry of the command. */
void admin_run(struct admin_call *call, struct vault *v);
/* The same within a transaction of the caller, who undoes it when the result is an error. May run again then. */
MUST_CHECK int admin_work(struct admin_call *call, struct vault *v);

/* Has it opened by itself? value: the row of an open breaker. */
bool admin_breaker_is_automatic(struct str value);

#endif
