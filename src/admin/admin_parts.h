/* admin_parts.h - what the files of admin/ share: the table's rows and their helpers. */
#ifndef ADMIN_ADMIN_PARTS_H
#define ADMIN_ADMIN_PARTS_H

#include "admin/admin.h"
#include "base/err.h"
#include "vault/vault.h"

struct admin_command {
	const char *name;
	int (*run)(struct admin_call *call, struct vault *v);
	bool audited;		/* what only looks at counters and at the record itself is not */
};

/* Each file's commands; ended by a row without a name. */
extern const struct admin_command admin_user_commands[], admin_device_commands[], admin_held_commands[], admin_file_commands[], admin_outbreak_commands[],
	admin_policy_commands[], admin_record_commands[], admin_replay_commands[],
	admin_report_commands[], admin_exchange_commands[], admin_decoy_commands[], admin_breaker_commands[];

/* Sets why; returns err, so that a command can end with it. */
int admin_why(struct admin_call *call, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
MUST_CHECK int admin_effect(struct admin_call *call, enum admin_effect_kind kind, struct str subject);
/* A text argument; empty when absent. */
struct str admin_text(const struct admin_call *call, const char *name);
/* The argument 'jid' as a normalised bare JID of this instance's domain. */
MUST_CHECK int admin_jid(struct admin_call *call, struct str text, struct str *ret);
/* As admin_account(), of a person. */
MUST_CHECK int admin_person(struct admin_call *call, struct vault *v, struct vault_account *ret);
MUST_CHECK int admin_account(struct admin_call *call, struct vault *v, struct vault_account *ret);
/* Text that need not end with NUL; null when it is not UTF-8. */
json_t *admin_json_str(struct str s);
json_t *admin_json_time(uint64_t ms);
json_t *admin_json_id(uint64_t id);
/* Adds a value (taken) to an object; a missing value is an error of memory. */
MUST_CHECK int admin_put(json_t *object, const char *key, json_t *value);

#endif
