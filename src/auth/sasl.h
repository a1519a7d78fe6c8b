/* sasl.h - the login dialogue of RFC 6120 6, server side: a state machine that does no input or output.
 *
 * The caller (core/stream.c) hands in what arrived and does what the returned step asks for:
 *
 *	SASL_CHALLENGE	send <challenge> with sasl_text() (may be empty)
 *	SASL_LOOKUP	find the account of sasl_user(), then call sasl_account()
 *	SASL_WORK	run sasl_work() on a pool thread, then call sasl_worked() here
 *	SASL_WAIT	the peer spoke out of turn; nothing to do: the answer comes out of the call still owed
 *	SASL_SUCCESS	send <success> with sasl_text() (may be empty: then without text); sasl_user() is who it is
 *	SASL_FAIL	send <failure> with sasl_condition(); the next sasl_begin() starts anew
 *
 * Ownership  sasl_new/sasl_free. Texts returned are valid until the next call on the object;
 *            sasl_user() until the next sasl_begin(). conf must outlive the object; the binding is copied.
 * Threads    The loop's, but for sasl_work(), which touches only what it needs. Between SASL_WORK and the
 *            end of sasl_work() the object must not be freed.
 * Limits     LIMIT_SASL_TEXT a message; counting tries (LIMIT_AUTH_TRIES) is the caller's.
 * Secrets    Everything is wiped when an exchange ends, and at sasl_free().
 */
#ifndef AUTH_SASL_H
#define AUTH_SASL_H

#include "auth/scram.h"
#include "base/buf.h"

/* Bits 0 to 2 are enum scram_hash, as in config.h; +3 is the form with channel binding. */
enum sasl_mechanism {
	SASL_SCRAM_SHA_1 = 1 << 0,
	SASL_SCRAM_SHA_256 = 1 << 1,
	SASL_SCRAM_SHA_512 = 1 << 2,
	SASL_SCRAM_SHA_1_PLUS = 1 << 3,
	SASL_SCRAM_SHA_256_PLUS = 1 << 4,
	SASL_SCRAM_SHA_512_PLUS = 1 << 5,
	SASL_PLAIN = 1 << 6,
};
#define SASL_DEFAULT 0x3fu			/* all but PLAIN */
#define SASL_PLUS 0x38u				/* those with channel binding */

struct sasl_conf {
	const struct scram_tools *tools;
	unsigned mechanisms;			/* allowed: bits of enum sasl_mechanism */
	bool binding_required;			/* only the -PLUS forms */
	bool tokens;				/* auth/fast.h */
	uint8_t fake_key[32];			/* vault_secret(): salts of accounts that do not exist */
	uint32_t iterations;			/* what accounts have: shown for those that do not exist */
	struct str domain;
};

#define SASL_BINDING_BYTES 64
struct sasl_binding {
	uint16_t tls_version;			/* 0x0304: TLS 1.3; 0: not told to the client */
	bool tls;				/* false: every mechanism answers encryption-required */
	uint8_t exporter[SASL_BINDING_BYTES];	/* RFC 9266: 32 bytes; n 0: not available (TLS 1.2 without EMS) */
	size_t exporter_n;
	uint8_t endpoint[SASL_BINDING_BYTES];	/* RFC 5929 4: hash of our certificate; n 0: none */
	size_t endpoint_n;
	uint8_t unique[SASL_BINDING_BYTES];	/* RFC 5929 3, where RFC 7627 makes it sound: TLS 1.2 with EMS; n 0 elsewhere */
	size_t unique_n;
};

enum sasl_step { SASL_CHALLENGE, SASL_LOOKUP, SASL_WORK, SASL_WAIT, SASL_SUCCESS, SASL_FAIL };

/* What the caller found out about sasl_user(). */
enum sasl_account {
	SASL_ACCOUNT_OK,			/* may log in, once proven; frozen accounts too */
	SASL_ACCOUNT_UNKNOWN,			/* creds are ignored; goes on, with the same words, to not-authorized */
	SASL_ACCOUNT_DISABLED,			/* account-disabled, but only after a right proof */
	SASL_ACCOUNT_THROTTLED,			/* too many failures: temporary-auth-failure */
	SASL_ACCOUNT_ERROR,			/* the store failed: temporary-auth-failure */
	SASL_ACCOUNT_OTHER,			/* not the one the stream was opened for (XEP-0388 2.3): invalid-authzid */
};

struct sasl;
struct sasl *sasl_new(const struct sasl_conf *conf, const struct sasl_binding *binding);	/* NULL: out of memory */
void sasl_free(struct sasl **s);

/* Does SCRAM tell what was offered (XEP-0474) and the version of TLS (XEP-0515)? Off at first: some
 * old clients take no challenge with more in it than they know, against RFC 5802 5.1; they speak the old profile. */
void sasl_tell_offer(struct sasl *s, bool on);
/* <auth mechanism=''>text</auth>; text empty: no initial response. */
enum sasl_step sasl_begin(struct sasl *s, struct str mechanism, struct str text);
enum sasl_step sasl_respond(struct sasl *s, struct str text);
enum sasl_step sasl_abort(struct sasl *s);
/* The answers to SASL_LOOKUP and SASL_WORK. creds may be NULL unless OK or DISABLED; it is copied. */
enum sasl_step sasl_account(struct sasl *s, const struct credentials *creds, enum sasl_account what);
void sasl_work(struct sasl *s);
enum sasl_step sasl_worked(struct sasl *s);

struct str sasl_text(const struct sasl *s);	/* Base64, or empty */
const char *sasl_condition(const struct sasl *s);	/* RFC 6120 6.5 */
/* Bare JID, normalised: whom the peer claims to be; after SASL_SUCCESS, whom it is. Empty before it is known. */
struct str sasl_user(const struct sasl *s);
/* For the log: name of the mechanism under way, "" when none is known. */
const char *sasl_mechanism_name(const struct sasl *s);
/* Does this failure count against the account: a wrong password or proof (not a malformed message)? */
bool sasl_is_wrong_proof(const struct sasl *s);
/* This client tried the obsolete tls-unique on this stream; after that its 'y' is let pass (decision 0003). For the log. */
bool sasl_is_unbound(const struct sasl *s);
/* The peer said that we do not offer channel binding although we do: somebody sits in between (RFC 5802 6). */
bool sasl_is_downgrade(const struct sasl *s);

/* The mechanisms to advertise, strongest first; 0 of them without TLS. Bits of enum sasl_mechanism. */
unsigned sasl_offered(const struct sasl_conf *conf, const struct sasl_binding *binding);
/* <mechanism/> for each of them, without namespace. */
void sasl_offer_mechanisms(const struct sasl_conf *conf, const struct sasl_binding *binding, struct buf *b);
/* <mechanisms/> (RFC 6120 6.4.1) and <sasl-channel-binding/> (XEP-0440) for the stream features; nothing when 0. */
MUST_CHECK int sasl_offer(const struct sasl_conf *conf, const struct sasl_binding *binding, struct buf *b);

#endif
