/* fast.h - signing in by a token (XEP-0484): the HT mechanisms (draft-schmaus-kitten-sasl-ht), issue, rotation, end.
 *
 * A token belongs to one device and one mechanism. A device has two places: 'next' for the one that was issued and not
 * used yet, 'current' for the one it used last; using 'next' moves it to 'current'.
 *
 * Ownership  Values in the caller's memory; wipe devices and tokens after use.
 * Threads    Any: no state of its own. core/ runs fast_check on the store thread, in the transaction that keeps
 *            its result, so of two tries with one count one wins.
 * Limits     LIMIT_SASL_TEXT a message.
 * Errors     ERR_BAD_FORMAT: not Base64; ERR_BAD_REQUEST: another shape; ERR_LIMIT, ERR_NOMEM.
 */
#ifndef AUTH_FAST_H
#define AUTH_FAST_H

#include "auth/sasl.h"
#include "vault/vault_device.h"

/* Stored: never renumbered. tls-unique has none: see decision 0003. */
enum fast_mechanism { FAST_NO_MECHANISM, FAST_EXPORTER, FAST_END_POINT, FAST_UNBOUND };

#define FAST_PROOF 32

/* Is it offered on this connection? FAST_NO_MECHANISM when not, or when the name is none of these. */
enum fast_mechanism fast_find(const struct sasl_conf *conf, const struct sasl_binding *binding, struct str name);
const char *fast_name(enum fast_mechanism m);
/* Does the name look like one of these, offered or not? */
bool fast_is_name(struct str mechanism);
/* <fast/> for the features (XEP-0484 3.1). */
void fast_offer(const struct sasl_conf *conf, const struct sasl_binding *binding, struct buf *b);

struct fast_message {
	struct str name;			/* as the peer spelled it; in the arena */
	uint8_t proof[FAST_PROOF];
};
MUST_CHECK int fast_parse(struct arena *a, struct str base64, struct fast_message *ret);

enum fast_verdict {
	FAST_WRONG,				/* no such token, another's, another mechanism's, or used with this count */
	FAST_EXPIRED,				/* the right one, too late */
	FAST_RIGHT,
};
/* d: what is stored, or a fresh vault_device_init() when there is none: the work is the same. When right: d says what
 * holds from now on, ret_answer is what proves us to the client. count 0: none was given. */
MUST_CHECK int fast_check(const struct scram_tools *tools, const struct sasl_binding *binding, enum fast_mechanism m,
			  const uint8_t proof[FAST_PROOF], uint64_t count, uint64_t now_ms, struct vault_device *d,
			  enum fast_verdict *ret, uint8_t ret_answer[FAST_PROOF]);
/* Is the token in use due for another one? */
bool fast_is_due(const struct vault_device *d, uint64_t rotate_ms, uint64_t now_ms);
/* A fresh token in 'next'. */
void fast_issue(struct vault_device *d, enum fast_mechanism m, uint64_t lifetime_ms, uint64_t now_ms);
void fast_invalidate(struct vault_device *d);
/* Has it a token that is still good? */
bool fast_has_token(const struct vault_device *d, uint64_t now_ms);

#endif
