/* file_link.h - messages that bring a file of ours: none is delivered before the file was judged.
 *
 * Whatever text or attribute holds the token of a file brings that file: the text, markup, OOB (XEP-0066), file sharing (XEP-0447, 0446),
 * media sharing (XEP-0385) with its references (XEP-0372), fallback texts. All files SERVED or CLEANED: the message goes on, if the policy lets these two exchange what
 * was seen in them. One PENDING: it is stored as a held row (HELD_FILE) and acknowledged; when all are judged it goes on under its first id and time.
 * One that is held, refused, taken back or not known: it is refused, with a sentence.
 *
 * Threads    The loop's; file_link_work() on the store thread, in the message's transaction.
 * Limits     FILES_LINKS links of ours in a message, FILE_LINK_WAITING messages that wait.
 */
#ifndef CORE_FILE_LINK_H
#define CORE_FILE_LINK_H

#include "core/trip.h"
#include "inspect/subject.h"

#define FILE_LINK_WAITING 5000
#define FILE_LINK_WAITING_EACH 100		/* of one sender */
#define FILE_LINK_TOLD 200			/* receivers of one message in a room that are told of a cleaned file, and are on record */

struct vault;

/* Which files does it bring, and how are they? TRIP_WAIT: the store is asked, then the step runs again. TRIP_ENDED: refused. */
enum trip_next file_link_find(struct trip *t);
/* The inspection lets it go: what its files and the policy for these two say. May set t->hold. */
enum trip_next file_link_obey(struct trip *t, const struct subject *s);
/* The same for what is published, which cannot wait: it is refused instead. */
enum trip_next file_link_publish(struct trip *t);

/* Does it wait for a file, rather than for a person? */
bool file_link_waits(const struct trip *t);
bool file_link_brings(const struct trip *t);
struct str file_link_reason(struct trip *t);
/* Its copies are planned: who gets the link. */
void file_link_plan(struct trip *t);
MUST_CHECK int file_link_work(struct vault *v, struct trip *t);
/* It is stored as a held row: it waits from now on (file_wait.c). */
void file_wait_begin(struct trip *t);
/* It has been delivered: who got a cleaned file is told what was removed. */
void file_link_delivered(struct trip *t);

#endif
