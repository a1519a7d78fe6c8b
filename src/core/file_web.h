/* file_web.h - the worker's end of CHAN_FILE (ipc/chan.h has its words): which file a request of the web means, whether it may, and the key for it.
 *
 * The web role is believed in nothing but that bytes have come: it may be broken into. It gets the key of a slot for writing, and for reading
 * the key of what was judged; what it wants to do with a file is on record before the key goes out. A PUT is answered when the verdict is there, or
 * after FILE_WEB_ANSWER_MS with "pending".
 *
 * Ownership  Takes the descriptor over.
 * Threads    The loop's.
 * Limits     FILE_WEB_ASKING conversations; FILE_WEB_MS for a word of the web, FILE_WEB_PUT_MS for the bytes of a file, FILE_WEB_GET_MS for a download.
 */
#ifndef CORE_FILE_WEB_H
#define CORE_FILE_WEB_H

struct chan_stream;
struct server;

#define FILE_WEB_ASKING 2048
#define FILE_WEB_MS 10000
#define FILE_WEB_PUT_MS (60u * 60 * 1000)
#define FILE_WEB_GET_MS (6u * 60 * 60 * 1000)
#define FILE_WEB_ANSWER_MS 10000
#define FILE_WEB_PEOPLE 16			/* accounts signed in at one address that are looked at */

void file_web_take(struct server *srv, const struct chan_stream *who, int fd);

#endif
