/* chan.h - the channel between web role and worker: each message hands one conversation over, as a connected socket.
 *
 * On that socket the two speak in pieces: four bytes, big-endian, then as many bytes of a message as they say; the highest
 * bit is set in the last piece of a message. CHAN_STREAM: the messages of a WebSocket; an end of file ends it. CHAN_LINK: one
 * message asks about a link (core/link_check.h says how), one answers.
 *
 * Ownership  chan_give() takes the descriptor over when it succeeds; chan_take() gives it to the caller.
 * Threads    Any; a message is one system call.
 * Limits     A message is CHAN_STREAM_BYTES and one descriptor; a piece is at most CHAN_PIECE_MAX bytes.
 * Errors     ERR_AGAIN: full, or nothing there. ERR_BAD_FORMAT: the other end does not keep to this; what it sent
 *            is dropped. ERR_EOF, ERR_IO.
 */
#ifndef IPC_CHAN_H
#define IPC_CHAN_H

#include <stdint.h>

#include "base/err.h"

#define CHAN_PIECE_LAST 0x80000000u
#define CHAN_PIECE_MAX (4u * 1024 * 1024)
#define CHAN_PIECE_HEAD 4

enum chan_kind { CHAN_STREAM, CHAN_LINK };

/* Of a WebSocket whose handshake is done, or of who asks. Bytes only: it is the message as it stands. */
struct chan_stream {
	uint8_t version;		/* CHAN_VERSION */
	uint8_t kind;			/* enum chan_kind */
	uint8_t address_n;		/* 4 or 16: the client's address in network order */
	uint8_t exporter_n;		/* 0 or 32: tls-exporter (RFC 9266) */
	uint8_t endpoint_n;		/* 0 to 64: tls-server-end-point (RFC 5929) */
	uint8_t address[16];
	uint8_t exporter[32];
	uint8_t endpoint[64];
};
#define CHAN_VERSION 2
#define CHAN_LINK_BYTES 1640		/* of a token */

/* Two ends, closed on exec. */
MUST_CHECK int chan_pair(int ret[2]);
MUST_CHECK int chan_give(int chan, const struct chan_stream *s, int fd);
MUST_CHECK int chan_take(int chan, struct chan_stream *ret, int *ret_fd);

#endif
