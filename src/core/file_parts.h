/* file_parts.h - inside of files.h: what files.c, file_web.c, file_link.c and file_wait.c share. Nobody else includes it.
 *
 * Threads  The loop's.
 */
#ifndef CORE_FILE_PARTS_H
#define CORE_FILE_PARTS_H

#include "base/list.h"
#include "core/file_link.h"
#include "core/files.h"
#include "inspect/file_fact.h"
#include "net/loop.h"

#define FILE_LINK_ASKED 64			/* texts of one stanza that may be tokens; of those within links of ours none is left out */

struct files {
	struct server *srv;
	struct map *looks;		/* id -> struct look: what is being looked at */
	struct map *puts;		/* id -> the conversation that is bringing it */
	struct list waits;		/* struct files_wait: who wants to hear of a verdict */
	struct list keys;		/* core/file_key.c: files that are looked into with their sender's key */
	unsigned n_keys;
	struct list messages;		/* core/file_wait.c: held until their files are judged, oldest first */
	unsigned n_messages;
	unsigned asking;		/* conversations with the web role */
	struct loop_timer retry, sweep, late;
	bool sweeping, sweep_full;
};

/* Somebody who waits for a file to be judged, whatever becomes of it: fn is called once, after the row is durable. */
struct files_wait {
	struct list node;
	uint8_t id[VAULT_FILE_ID];
	void (*fn)(struct files_wait *w);
};
void files_wait(struct server *srv, struct files_wait *w);
void files_unwait(struct files_wait *w);

/* "https://HOST[:PORT]/upload/" */
void files_base(const struct server *srv, struct buf *b);
/* The row is PENDING and durable: it is looked at. */
void files_look(struct server *srv, const struct vault_file *f);
/* Why it is not served, as a sentence for who sends or wants it. */
struct str files_sentence(const struct vault_file *f, struct arena *a);
/* "it had macros, and a script", for who gets the cleaned copy; empty: nothing that is worth a word. */
struct str files_removed(const struct vault_file *f, struct arena *a);

/* --- core/file_link.c --- */
struct trip_file {
	uint8_t id[VAULT_FILE_ID];
	bool linked;			/* it stands in a link to our own upload service */
	bool found;
	enum vault_file_state state;
	uint64_t facts, removed;
	struct str name, owner, sentence, gone;	/* sentence: why it is not served; gone: what was taken out */
};

struct trip_files {
	bool asked, waits, too_many;
	unsigned n;
	struct trip_file v[FILE_LINK_ASKED];
	struct str *sent;		/* who gets it: bare addresses */
	unsigned n_sent;
	int err;
};

/* What may be a token of ours, in all of a stanza. */
MUST_CHECK int file_link_search(struct server *srv, struct arena *a, const struct node *m, struct trip_files *f);
/* Store thread: how they are. */
MUST_CHECK int file_link_read(struct vault *v, struct arena *a, struct trip_files *f);
bool file_link_is_dead(const struct trip_file *f);
struct str file_link_sentence(const struct trip_file *f);		/* why */
const struct trip_file *file_link_pending(const struct trip_files *f);	/* the first that is not judged, or NULL */
/* The strictest that the policy asks for of all that was seen in the files, between these two. */
enum file_action file_link_judge(struct server *srv, const struct subject *s, const struct trip_files *f, struct arena *a, struct str *ret_why);

/* --- core/file_wait.c --- */
/* May one more message of his wait? */
bool file_wait_room(struct server *srv, struct str bare);
void file_wait_start(struct server *srv);
void file_wait_stop(struct server *srv);

#endif
