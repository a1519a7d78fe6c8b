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
void stream_send_features(struct stream *st);
/* Not one of those of its address that have not signed in. */
void stream_uncount(struct stream *st);
/* st->busy was cleared: frees the stream when its connection went meanwhile. */
void stream_unbusy(struct stream *st);

/* stream_login.c: an element in PHASE_SECURE. 0 or STREAM_STOP. */
int stream_login_in(struct stream *st, struct arena *a, const struct node *n);

#endif
