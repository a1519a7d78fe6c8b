/* stream.h - one connection of a client: from the first byte to </stream:stream> (RFC 6120 4-7).
 *
 * Ownership  The server's list; frees itself when its connection is closed.
 * Threads    The loop's thread.
 * Limits     LIMIT_PREAUTH_*, LIMIT_AUTH_TRIES, LIMIT_CONNS, LIMIT_CONNS_PER_ADDRESS.
 */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "xmpp/node.h"

struct server;
struct session;
struct stream;

/* A new connection, taken over; direct_tls: TLS from the first byte. */
void stream_accept(struct server *srv, int fd, const void *sockaddr, bool direct_tls);
/* The web role hands WebSockets over through this end of the channel (ipc/chan.h); taken over, also on failure. */
MUST_CHECK int stream_ws_listen(struct server *srv, int chan);
void stream_ws_stop(struct server *srv);
/* XML for the client, in order; nothing once the stream is closing. */
void stream_send(struct stream *st, struct str xml);
/* One stanza in two pieces. */
void stream_send_parts(struct stream *st, struct str head, struct str tail);
/* Closes: a stream error (RFC 6120 4.9.3 condition) when not NULL, then </stream:stream>. Forgets its session. */
void stream_end(struct stream *st, const char *condition);
/* The same with <extra xmlns=ns/> in the error. */
void stream_end_with(struct stream *st, const char *condition, const char *extra_xml);
/* Stops and goes on reading: back-pressure. */
void stream_pause(struct stream *st, bool pause);
/* The resumed session now belongs to this stream; sends <resumed/> (XEP-0388: within <success/>). */
void stream_resumed(struct stream *st, struct session *s, const char *resumed_xml);
/* The session could not be resumed: sends <failed/>; the stream may still bind. */
void stream_resume_failed(struct stream *st, const char *failed_xml);
/* Has it proven to be that account, and is not bound yet? device empty: any of its devices (vault/vault_device.h). */
bool stream_is_signing_in(const struct stream *st, struct str bare, struct str device);
/* The account's credentials are others now, or gone: what is being proven here against the old ones proves nothing. */
void stream_outdate(struct stream *st, struct str bare);
/* Does its client speak from this address? Of IPv6 the first half counts: clients change the rest. */
bool stream_is_from(const struct stream *st, const uint8_t *address, size_t n);
/* Now and then: an idle stream gives its parser back; true when this one just did. */
bool stream_sweep(struct stream *st);
struct stream *stream_of(struct list *node);	/* of server->streams */

#endif
