/* stream_parts.h - inside of a stream: what stream.c and the files of its login share. Nobody else includes it.
 *
 * Threads  The loop's thread.
 */
#ifndef CORE_STREAM_PARTS_H
#define CORE_STREAM_PARTS_H

#include <sys/socket.h>

#include "auth/fast.h"
#include "auth/sasl.h"
#include "auth/throttle.h"
#include "base/check.h"
#include "core/stream.h"
#include "net/loop.h"
#include "xmpp/xml.h"

#define STREAM_MAGIC 0x57e40001u
#define STREAM_STOP ERR_EOF			/* what a sink returns when nothing more is to be read */

enum phase {
	PHASE_PLAIN,			/* waits for <starttls/> */
	PHASE_SECURE,			/* TLS stands: SASL */
	PHASE_SIGNED_IN,		/* waits for <bind/> or <resume/> */
	PHASE_BOUND,
};

/* An <authenticate/> (XEP-0388) from its arrival to <success/> or <failure/>. */
struct sasl2 {
	struct arena *a;		/* of the request; wiped */
	const struct node *bind, *resume;
	struct str user, text;		/* who it is; what the mechanism says at its end, Base64 */
	const char *mechanism;
	struct vault_page first, last;	/* of the archive */
	struct buf inner;		/* of <success/>, behind the identifier */
	bool proven;			/* nothing more is to be said, but for tasks */
	enum { TASK_NONE, TASK_OFFERED, TASK_SALTED } task;	/* XEP-0480 */
	enum scram_hash task_hash;
	unsigned upgrades, done;	/* 1 << enum scram_hash: wanted and lacking; derived */
	struct credentials upgraded;

	/* The device (vault/vault_device.h) and its tokens (auth/fast.h): */
	struct str agent, software, name;	/* agent empty: it does not say which it is */
	bool fast, invalidate;
	const struct node *request;	/* <request-token/> */
	enum fast_mechanism used, wanted;	/* by which it signs in, for which it wants a token */
	struct fast_message message;
	uint64_t count, lifetime_ms, rotate_ms;
	enum fast_verdict verdict;
	uint8_t answer[FAST_PROOF];
	struct vault_device stored;	/* as it is in the store now; has secrets */
	bool trusted;			/* account or token were found right, whatever became of the writing */
	bool issued;			/* stored.next is for this client */
};

struct stream_ws;

struct stream {
	CHECK_MAGIC;
	struct server *srv;
	struct conn *conn;
	struct xml *xml;
	struct list all;		/* in server->streams */
	enum phase phase;
	struct session *session;	/* PHASE_BOUND */
	struct session *resuming;	/* waits for this session to settle */
	uint64_t resuming_id;
	struct stream_ws *ws;		/* its messages come through the web role (RFC 7395); NULL: a stream on TCP */
	struct sasl *sasl;
	struct sasl_binding *binding;	/* until signed in */
	struct sasl2 *sasl2;		/* an <authenticate/> is under way (XEP-0388) */
	unsigned lacking;		/* 1 << enum scram_hash: no verifier, or fewer rounds than today's */
	uint8_t creds[32];		/* SHA-256 of the credentials that the proof was against */
	char device[VAULT_DEVICE_ID + 1];	/* who signs in here or has signed in; "": it does not say */
	struct str claimed;		/* bare JID of the header's 'from'; own memory; p NULL: none */
	struct user *user;		/* PHASE_SIGNED_IN: a reference until bound */
	struct str bind_id;		/* <iq/> that waits for the account; own memory */
	struct str invite;		/* a token that was accepted (XEP-0445); own memory; p NULL: none */
	bool registered;		/* an account was opened here */
	struct loop_timer deadline;
	struct loop_work work;
	struct throttle_prefix prefix;
	uint8_t whole[NETWORKS_ADDRESS];	/* the address; all zero: not known */
	char address[20];		/* key of server->addresses */
	size_t preauth_bytes;
	unsigned tries;
	uint8_t address_n;
	bool header_sent, header_seen, counted, closing, starttls, busy, gone, stirred, slept, outdated;
};

/* What the peer sends, on TCP and through the web role alike. Each 0 or STREAM_STOP. */
int stream_opened(struct stream *st, const struct node *header);
int stream_element(struct stream *st, struct arena **a, struct node *n);
int stream_closed(struct stream *st);
/* A stream that has no connection yet. NULL: too many of that address, or out of memory. */
struct stream *stream_make(struct server *srv, const struct xml_sink *sink, const struct sockaddr_storage *from);
void stream_unmake(struct stream *st);		/* it did not get one */
void stream_begin(struct stream *st);		/* it has one */
/* Bytes have come. False: too many before login; it has ended. */
bool stream_takes(struct stream *st, size_t n);
/* conn_ops.closed; ctx: the stream. */
void stream_conn_closed(void *ctx);

/* stream_ws.c: RFC 7395. */
void stream_ws_send(struct stream *st, struct str xml);
/* <open/>, our header. */
void stream_ws_header(struct stream *st, const char *id);
void stream_ws_free(struct stream *st);

void stream_send_z(struct stream *st, const char *xml);
/* Says goodbye and closes. */
void stream_finish(struct stream *st);
/* An error of this stream itself: its session is not resumable after it (RFC 6120 4.9.1.1). Returns STREAM_STOP. */
int stream_fault(struct stream *st, const char *condition, const char *extra);
/* The peer begins anew, with a header (RFC 6120 4.3.3). */
void stream_restart(struct stream *st);
/* Those of the phase. */
void stream_send_features(struct stream *st);
/* Not one of those of its address that have not signed in. */
void stream_uncount(struct stream *st);
/* st->busy was cleared: frees the stream when its connection went meanwhile. */
void stream_unbusy(struct stream *st);

/* The session is bound to this stream: no deadline any more, reading at the account's rate. */
void stream_attach(struct stream *st, struct session *s);
/* A resource that the account wants: who holds it gives way. ERR_LIMIT: too many sessions. */
MUST_CHECK int stream_bind(struct stream *st, struct str resource, struct session **ret);

/* stream_login.c: an element in PHASE_SECURE. 0 or STREAM_STOP. */
int stream_login_in(struct stream *st, struct arena *a, const struct node *n);
/* Does what the step asks for. */
void stream_login_go(struct stream *st, enum sasl_step step);
/* The proof was right and the account is here: PHASE_SIGNED_IN. */
void stream_login_done(struct stream *st, struct user *u, const char *mechanism);
/* The proof was wrong: counts against account and address, is recorded. */
/* May this account sign in from where the stream comes from (policy, networks)? */
bool stream_login_may(const struct stream *st, struct str user);
void stream_login_wrong(struct stream *st, struct str user, const char *mechanism);
/* <failure/> of the profile in use. */
void stream_login_refuse(struct stream *st, const char *condition);
/* The same, counted: too many end the stream. */
void stream_login_fail(struct stream *st, const char *condition);

/* stream_register.c: an account is opened in PHASE_SECURE. */
bool stream_register_offered(const struct server *srv);
bool stream_register_is(const struct node *n);
int stream_register_in(struct stream *st, struct arena *a, const struct node *iq);

/* stream_sasl2.c: XEP-0388 and what goes in one turn with it. */
void stream_sasl2_offer(const struct stream *st, struct buf *b);
/* The header's 'from'; "": none. */
void stream_sasl2_claim(struct stream *st, struct arena *a, struct str from);
/* Is the account the one of the header's 'from'? */
bool stream_sasl2_fits(const struct stream *st, struct str user);
/* An element of its namespace in PHASE_SECURE. */
int stream_sasl2_in(struct stream *st, struct arena *a, const struct node *n);
void stream_sasl2_refuse(struct stream *st, const char *condition);
/* The mechanism has succeeded. */
void stream_sasl2_proven(struct stream *st);
/* And the device is written down. */
void stream_sasl2_known(struct stream *st);
/* The answer to an inline <resume/>; s NULL: it failed, and binding goes on. */
void stream_sasl2_resume(struct stream *st, struct session *s, const char *xml);
void stream_sasl2_free(struct stream *st);

/* stream_upgrade.c: <upgrade/> in the features and in the request. */
void stream_upgrade_offer(const struct stream *st, struct buf *b);
void stream_upgrade_parse(struct stream *st, struct sasl2 *x, const struct node *authenticate);
/* The password was proven: sends <continue/> when something is to be derived. False: nothing (more). */
bool stream_upgrade_next(struct stream *st);
/* <next/>, <task-data/> or <abort/> while a task is open. */
void stream_upgrade_in(struct stream *st, struct arena *a, const struct node *n);
/* On the store thread, in the transaction that knows these credentials to be the account's. */
MUST_CHECK int stream_upgrade_store(struct vault *v, const struct sasl2 *x, struct str credentials);

/* stream_device.c: which client it is, and its token. False: the request is malformed. */
MUST_CHECK bool stream_device_parse(struct sasl2 *x, const struct node *authenticate);
/* Signs in by a token: <failure/>, or stream_sasl2_known(). */
void stream_device_fast(struct stream *st, struct str mechanism, struct str response);
/* Proven otherwise: writes the device down and issues a token when one is wanted; then stream_sasl2_known(). */
void stream_device_record(struct stream *st);
/* <token/> for <success/>, if there is one. */
void stream_device_token(const struct sasl2 *x, struct buf *b);

#endif
