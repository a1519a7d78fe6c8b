/* chan.h - the channel between web role and worker: each message hands one conversation over, as a connected socket.
 *
 * On that socket the two speak in pieces: four bytes, big-endian, then as many bytes of a message as they say; the highest
 * bit is set in the last piece of a message. CHAN_STREAM: the messages of a WebSocket; an end of file ends it. CHAN_LINK: one
 * message asks about a link (core/link_check.h says how), one answers. CHAN_FILE: one file goes up or down, see below.
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

enum chan_kind { CHAN_STREAM, CHAN_LINK, CHAN_FILE };

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
#define CHAN_VERSION 3
#define CHAN_LINK_BYTES 1640		/* of a token */

/* CHAN_FILE: each message is text, at most CHAN_FILE_BYTES; its fields are divided by '\n' and hold none. TOKEN: of the link's path, 32
 * characters of 0-9 a-f. NAME: percent-encoded as in the path, at most CHAN_FILE_NAME bytes. ID: of the file in the spool, 32 characters; KEY: 64.
 * SENTENCE: for people, UTF-8. STATUS: an HTTP status from 400 to 599.
 *
 *   up     web: put TOKEN NAME LENGTH TYPE
 *          worker: go ID KEY | no STATUS SENTENCE	go: the slot is this conversation's until it ends; LENGTH is the slot's
 *          (the file lies sealed in the spool, crypt/chunk.h, and is on disk)
 *          web: stored		no digest: the scanner makes one, and this role's word would not count
 *          worker: served | pending | held SENTENCE | refused SENTENCE | no STATUS SENTENCE	its row is durable by then
 *   down   web: get TOKEN NAME METHOD AUTH	METHOD: GET or HEAD; AUTH: the value of the field Authorization, or empty
 *          worker: file ID KEY WHICH SIZE TYPE ETAG NAME [MODIFIED] | no STATUS SENTENCE
 *		WHICH: original or clean, the spool file that KEY opens; KEY is '-' for HEAD; ETAG: without quotes;
 *		NAME: UTF-8; MODIFIED: seconds since 1970
 *          worker, meanwhile: no STATUS SENTENCE		it was taken back: the rest does not go out
 *          web: sent BYTES		of the file; 0: the client had it already
 *
 * An end of file before "stored" means that nothing is left of the attempt: the slot can be used again, from the start. After it the file
 * may be there: it is the worker's to keep or to remove, with the other files of the spool. */
#define CHAN_FILE_BYTES 8192
#define CHAN_FILE_NAME 1024

/* Two ends, closed on exec. */
MUST_CHECK int chan_pair(int ret[2]);
MUST_CHECK int chan_give(int chan, const struct chan_stream *s, int fd);
MUST_CHECK int chan_take(int chan, struct chan_stream *ret, int *ret_fd);

#endif
