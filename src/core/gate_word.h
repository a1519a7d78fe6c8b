/* gate_word.h - what the receiver of a first contact says: accept, block, report; from any client, by whatever way it came.
 *
 * Threads    The loop's.
 * Errors     Told to the account by the bot, in a sentence.
 */
#ifndef CORE_GATE_WORD_H
#define CORE_GATE_WORD_H

#include "base/str.h"

struct server;
struct user;

enum gate_answer { GATE_ACCEPT, GATE_BLOCK, GATE_REPORT };

/* which: the request's number, the sender's address, or the id of one of its messages; empty: the only one that waits.
 * Accepting makes the sender known and delivers what he has sent, in order, with its first times. */
void gate_word_say(struct server *srv, struct str bare, enum gate_answer answer, struct str which);
/* He has written to this address himself: it is known from now on, and what it has sent before is let in. */
void gate_word_wrote(struct server *srv, struct user *u, struct str peer);

#endif
