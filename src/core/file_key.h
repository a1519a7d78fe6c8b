/* file_key.h - files that are encrypted from end to end (XEP-0454), looked into with a key that their sender gives for that.
 *
 * Where policy says `encrypted_uploads: key`, an upload in which nothing but ciphertext is seen is HELD and the bot asks its sender for the link
 * as his client shows it. He answers the bot; the key goes into one job of the scanner and is wiped. What policy lets through is SERVED, all else
 * stays HELD: there is no cleaned copy, as nobody could open it.
 *
 * Before anything is done with a message to the bot that holds such a link - inspected, archived, copied to other devices - the link is taken out of it.
 *
 * Threads  The loop's.
 * Limits   FILE_KEYS looks at a time, one of each sender.
 */
#ifndef CORE_FILE_KEY_H
#define CORE_FILE_KEY_H

#include "core/trip.h"
#include "vault/vault_file.h"

#define FILE_KEYS 64
#define FILE_KEY_BY "the sender's key"		/* in the story of a file */

/* A message to the bot: its key is taken out of the stanza, and used. ERR_NOMEM: it may still be in it. */
MUST_CHECK int file_key_take(struct trip *t);
/* Can its sender have it looked into? */
bool file_key_asks(const struct server *srv, const struct vault_file *f);
void file_key_ask(struct server *srv, const struct vault_file *f);
/* Was it looked into that way? What was seen within cannot be seen again. */
bool file_key_opened(const struct vault_file *f);
/* After the scanner has stopped. */
void file_key_stop(struct server *srv);

#endif
