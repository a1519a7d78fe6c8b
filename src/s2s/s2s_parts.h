/* s2s_parts.h - inside of federation: what the files of s2s/ share. Nobody else includes it.
 *
 * s2s.c       the whole: listener, budgets, the door for stanzas that leave.
 * s2s_peer.c  one pair of domains: queue, look-up, connecting, back-off, bounces.
 * s2s_link.c  one connection, either way: bytes, headers, stanzas.
 * s2s_in.c    what a server that comes to us has to do first; s2s_out.c: what we do first at another.
 * s2s_dialback.c  keys and questions of XEP-0220.
 *
 * Threads  The loop's.
 */
#ifndef S2S_S2S_PARTS_H
#define S2S_S2S_PARTS_H

#include "auth/throttle.h"
#include "base/check.h"
#include "base/limits.h"
#include "core/outbox.h"
#include "core/state.h"
#include "net/dial.h"
#include "net/dns.h"
#include "s2s/s2s.h"
#include "xmpp/node.h"

#define S2S_MAGIC 0x52500001u
#define S2S_LINK_MAGIC 0x52500002u
#define S2S_PEER_MAGIC 0x52500003u
#define S2S_STOP ERR_EOF		/* what a sink returns when nothing more is to be read */
#define S2S_ID_BYTES 27
#define S2S_SECRET_BYTES 32
#define S2S_KEY_BYTES 65		/* hexadecimal, and NUL */

struct s2s {
	CHECK_MAGIC;
	struct server *srv;
	struct tls_ctx *tls;
	struct s2s_trust *trust;
	struct dns *dns;
	struct listener *listener;
	struct map *peers;		/* "ours theirs" -> struct s2s_peer */
	struct list links;
	unsigned n_links, n_waiting;
	size_t queued_bytes;
	uint64_t next_number;
	uint8_t secret[2][S2S_SECRET_BYTES];	/* of dialback: now, and before the last change */
	struct loop_timer rotate;
	bool stopping;
};

enum s2s_phase {
	S2S_PLAIN,			/* TLS is to come */
	S2S_SECURE,			/* TLS stands: proof is to come */
	S2S_PROVEN,			/* SASL has succeeded: a new header is to come */
	S2S_OPEN,
};

struct s2s_link {
	CHECK_MAGIC;
	struct s2s *s;
	struct conn *conn;
	struct xml *xml;
	struct list all;
	struct s2s_peer *peer;		/* out: whose it is; in: the pair whose stanzas it also carries (XEP-0288); NULL: none */
	bool out;
	enum s2s_phase phase;
	char *local, *remote;		/* own memory; remote NULL: not said yet */
	char *their_id;			/* out: the stream's id as the other side gave it */
	char id[S2S_ID_BYTES];		/* in: as we gave it */
	uint64_t number;		/* names it where it may be gone */
	struct throttle_prefix prefix;
	struct loop_timer deadline, pause;
	uint64_t stirred_ms;
	size_t preauth_bytes;
	unsigned tries, unsolicited, verifying;
	bool header_sent, starttls, closing, counted;
	bool trusted;			/* the certificate speaks for remote */
	bool wants_bidi, bidi;
	bool direct_tls, asked_auth, can_external, can_dialback, can_bidi, features;	/* out */
	const char *why;		/* out: why it came to nothing */
	bool refused;			/* out: trying again will not help */
};

struct s2s_verify {
	struct list node;
	struct s2s_link *asked;		/* on this link; NULL: not yet */
	uint64_t number;		/* of the link that waits for the answer */
	char *id, *key;
};

struct s2s_peer {
	CHECK_MAGIC;
	struct s2s *s;
	char *local, *remote;
	struct list queue, verifies;
	struct list sent;		/* kept messages that went out a moment ago: back into the queue when the link breaks */
	unsigned n_queue, n_verifies, n_sent;
	size_t queue_bytes, sent_bytes;
	struct outbox outbox;
	struct loop_timer settle;
	struct s2s_link *link;		/* ours, to them: opening or open */
	struct s2s_link *ready;		/* that carries stanzas to them */
	struct dns_query *query;
	struct dns_answer found;
	unsigned at;			/* next of found */
	struct dial *dial;
	bool dial_tls;
	struct loop_timer timer;
	unsigned fails;
	uint64_t retry_ms;		/* not before */
	const char *why;		/* of the last failure */
	bool refused;
};

/* --- s2s_link.c ------------------------------------------------------------------------------------------- */
void s2s_link_accept(struct s2s *s, int fd, const struct sockaddr_storage *from);
/* A connection that we have made for this peer. NULL: it could not be. */
struct s2s_link *s2s_link_connected(struct s2s_peer *p, int fd, bool direct_tls);
int s2s_link_send(struct s2s_link *l, struct str xml);
void s2s_link_say(struct s2s_link *l, const char *xml);
void s2s_link_header(struct s2s_link *l);
/* Stream error (NULL: none) with a text (NULL: none), end. */
void s2s_link_end(struct s2s_link *l, const char *condition, const char *text);
/* The same for what the other side did wrong. Returns S2S_STOP. */
int s2s_link_fault(struct s2s_link *l, const char *condition, const char *text);
/* It has proven itself. */
void s2s_link_open(struct s2s_link *l);
/* The same connection begins anew with a header. */
void s2s_link_restart(struct s2s_link *l);
struct s2s_link *s2s_link_find(struct s2s *s, uint64_t number);
struct s2s_link *s2s_link_of(struct list *node);
/* Sets l->remote, l->local: false without memory. */
bool s2s_link_name(char **field, struct str domain);

/* --- s2s_in.c, s2s_out.c: headers and elements before a link is open. 0 or S2S_STOP ------------------------------- */
int s2s_in_header(struct s2s_link *l, const struct node *header);
int s2s_in_element(struct s2s_link *l, struct arena *a, const struct node *n);
void s2s_in_secured(struct s2s_link *l);
/* The answer to a question of dialback for this link. */
void s2s_in_verified(struct s2s_link *l, bool valid, const char *condition);
int s2s_out_header(struct s2s_link *l, const struct node *header);
int s2s_out_element(struct s2s_link *l, struct arena *a, const struct node *n);
void s2s_out_secured(struct s2s_link *l);
/* A connection that was made to ask alone has stanzas to carry now. */
void s2s_out_authenticate(struct s2s_link *l);

/* --- s2s_dialback.c -------------------------------------------------------------------------------------------------- */
void s2s_dialback_start(struct s2s *s);
void s2s_dialback_key(const struct s2s *s, unsigned which, struct str receiving, struct str originating, struct str id,
		      char ret[S2S_KEY_BYTES]);
/* An element of dialback, on any link within TLS. 0 or S2S_STOP. */
int s2s_dialback_element(struct s2s_link *l, struct arena *a, const struct node *n);
void s2s_dialback_reply(struct s2s_link *l, bool valid, const char *condition);
void s2s_dialback_ask(struct s2s_link *out, struct s2s_verify *v);
void s2s_dialback_answered(struct s2s *s, struct s2s_verify *v, bool valid, const char *condition);

/* --- s2s_peer.c --------------------------------------------------------------------------------------------------------- */
/* The pair, made when it is not there. NULL: too many, or no memory. */
struct s2s_peer *s2s_peer_get(struct s2s *s, struct str local, struct str remote);
/* seq: of its copy in the outbox; 0: none. */
int s2s_peer_send(struct s2s_peer *p, const struct node *stanza, uint32_t seq);
/* A message of the outbox, after a restart. */
int s2s_peer_restore(struct s2s_peer *p, struct str bytes, uint32_t seq);
/* What has gone out so long ago is settled, as far as it left this machine. */
void s2s_peer_settle(struct s2s_peer *p, uint64_t age_ms);
/* A link carries stanzas now / is gone. */
void s2s_peer_linked(struct s2s_peer *p, struct s2s_link *l);
void s2s_peer_unlinked(struct s2s_peer *p, struct s2s_link *l);
/* Takes out what is taken back (core/outward.h). */
void s2s_peer_recall(struct s2s_peer *p, const struct outward_recall *what);
bool s2s_peer_waits(const struct s2s_peer *p);		/* for a link to send on */
int s2s_peer_verify(struct s2s_peer *p, uint64_t number, struct str id, struct str key);
/* Sends the questions that have not been asked. */
void s2s_peer_ask(struct s2s_peer *p);
void s2s_peer_free(struct s2s_peer *p);

#endif
