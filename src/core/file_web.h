/* file_web.h - the worker's end of CHAN_FILE (ipc/chan.h): which file a request of the web means, whether it may, and the key for it.
 *
 * Messages of the conversation are lines of text, without an end of line behind the last:
 *   put NAME...   web:    "put\nTOKEN\nNAME(percent-encoded as in the path)\nLENGTH\nCONTENT-TYPE"
 *                 worker: "go\nID\nKEY(hex)" | "no\nSTATUS\nsentence"
 *                 web:    writes ID.part, fsync, renames it to ID (crypt/chunk.h): "stored\nSHA256(hex)"; an end of file: nothing came, the slot stays
 *                 worker: "served" | "pending" | "held\nsentence" | "refused\nsentence" | "no\nSTATUS\nsentence"
 *   get           web:    "get\nTOKEN\nNAME\nGET|HEAD"
 *                 worker: "file\nID\nKEY(hex)\noriginal|clean\nSIZE\nTYPE\nETAG\nNAME(UTF-8, for Content-Disposition)" | "no\nSTATUS\nsentence"
 *                 web:    "sent\nBYTES", or an end of file. The download is on record before the key goes out.
 * TOKEN: 32 characters of 0-9 a-f, of the path. ID: of the spool; it is not the token (vault/vault_file.h).
 *
 * Ownership  Takes the descriptor over.
 * Threads    The loop's.
 * Limits     FILE_WEB_ASKING conversations, FILE_WEB_MS for a word of the web; a PUT has upload's own time.
 */
#ifndef CORE_FILE_WEB_H
#define CORE_FILE_WEB_H

struct chan_stream;
struct server;

#define FILE_WEB_ASKING 1024
#define FILE_WEB_LINE 4096
#define FILE_WEB_MS 10000
#define FILE_WEB_PUT_MS (60ull * 60 * 1000)
#define FILE_WEB_ANSWER_MS 10000		/* for which a PUT waits for the verdict */

void file_web_take(struct server *srv, const struct chan_stream *who, int fd);

#endif
