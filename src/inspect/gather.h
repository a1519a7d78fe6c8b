/* gather.h - the content of a message as it is judged: everything that some client may show or open.
 *
 * Every body and subject, the text of markup, out-of-band data, references.
 *
 * Ownership  Strings of the subject are the message's, or live in the arena.
 * Errors     false without memory.
 * Pure.
 */
#ifndef INSPECT_GATHER_H
#define INSPECT_GATHER_H

#include "inspect/subject.h"
#include "xmpp/node.h"

/* Fills body, topic, links and has_file. m: the message, or the part of another stanza that is shown. */
MUST_CHECK bool gather_message(const struct node *m, struct arena *a, struct subject *s);

#endif
