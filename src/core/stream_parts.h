/* stream_parts.h - inside of a stream: what stream.c and the files of its login share. Nobody else includes it.
 *
 * Threads  The loop's thread.
 */
#ifndef CORE_STREAM_PARTS_H
#define CORE_STREAM_PARTS_H

#include "auth/sasl.h"
#include "auth/throttle.h"
#include "base/check.h"
#include "core/stream.h"
#include "net/loop.h"

#define STREAM_MAGIC 0x57e40001u
#define STREAM_STOP ERR_EOF			/* what a sink returns when nothing more is to be read */

enum phase {
	PHASE_PLAIN,			/* waits for <starttls/> */
	PHASE_SECURE,			/* TLS stands: SASL */
	PHASE_SIGNED_IN,		/* waits for <bind/> or <resume/> */
	PHASE_BOUND,
};

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
	struct sasl *sasl;
	struct sasl_binding *binding;	/* until signed in */
	struct sasl2 *sasl2;		/* an <authenticate/> is under way (XEP-0388) */
	struct str claimed;		/* bare JID of the header's 'from'; own memory; p NULL: none */
	struct user *user;		/* PHASE_SIGNED_IN: a reference until bound */
	struct str bind_id;		/* <iq/> that waits for the account; own memory */
	struct loop_timer deadline;
	struct loop_work work;
	struct throttle_prefix prefix;
	char address[20];		/* key of server->addresses */
	size_t preauth_bytes;
	unsigned tries;
	uint8_t address_n;
	bool header_sent, header_seen, counted, closing, starttls, busy, gone, stirred, slept;
};

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
void stream_login_done(struct stream *st, struct user *u);
/* <failure/> of the profile in use. */
void stream_login_refuse(struct stream *st, const char *condition);
/* The same, counted: too many end the stream. */
void stream_login_fail(struct stream *st, const char *condition);

/* stream_sasl2.c: XEP-0388 and what goes in one turn with it. */
void stream_sasl2_offer(const struct stream *st, struct buf *b);
/* The header's 'from'; "": none. */
void stream_sasl2_claim(struct stream *st, struct arena *a, struct str from);
/* Is the account the one of the header's 'from'? */
bool stream_sasl2_fits(const struct stream *st);
/* An element of its namespace in PHASE_SECURE. */
int stream_sasl2_in(struct stream *st, struct arena *a, const struct node *n);
void stream_sasl2_refuse(struct stream *st, const char *condition);
/* The mechanism has succeeded. */
void stream_sasl2_proven(struct stream *st);
/* The answer to an inline <resume/>; s NULL: it failed, and binding goes on. */
void stream_sasl2_resume(struct stream *st, struct session *s, const char *xml);
void stream_sasl2_free(struct stream *st);

#endif
