/* beacon.h - does a program report to somebody over this account: at regular times, in machine's language, about the machine?
 *
 * Each sender's latest messages to a few receivers are remembered as gaps and shapes, never as text. Only what goes to strangers or
 * leaves the company is judged: what a bot tells colleagues is what it is for.
 *
 * Ownership  struct beacon_memory lives in outbreak/sender.h; zeroed is empty.
 * Limits     BEACON_TRACKS receivers, BEACON_GAPS gaps each; the one silent for longest makes room. BEACON_TEXT bytes are looked at.
 * Pure.
 */
#ifndef INSPECT_BEACON_H
#define INSPECT_BEACON_H

#include "inspect/inspect.h"
#include "inspect/subject.h"

#define BEACON_TRACKS 4
#define BEACON_GAPS 12
#define BEACON_TEXT 4096
#define BEACON_LEAST 7			/* gaps before times say anything */

struct beacon_track {
	uint32_t who;			/* hash of the receiver */
	uint32_t last_s;
	uint32_t gaps[BEACON_GAPS];	/* seconds, newest at (n - 1) % BEACON_GAPS */
	uint32_t shapes[4];		/* of the latest messages */
	uint16_t n;			/* gaps seen; stops at its maximum */
	uint8_t machine;		/* a bit for each of the latest eight messages: machine-made */
	bool facts;			/* one of them held facts about a host */
};

struct beacon_memory {
	struct beacon_track tracks[BEACON_TRACKS];
	unsigned n;
};

/* Notes the message and says what the latest ones to its receiver look like. */
void beacon_verdict(struct beacon_memory *m, const struct subject *s, uint32_t to_hash, struct verdict *v);

/* Parts of it, for tests: is this text made by a machine; which kinds of facts about a host it has (a bit each). */
bool beacon_is_machine(struct str text);
#define BEACON_ADDRESS 1u		/* IPv4, MAC */
#define BEACON_PORTS 2u			/* "445/tcp", "open ports" */
#define BEACON_PROCESSES 4u		/* two names of programs at least */
#define BEACON_SYSTEM 8u		/* version, user, host name, home folder */
unsigned beacon_facts(struct str text);

#endif
