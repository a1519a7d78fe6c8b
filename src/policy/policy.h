/* policy.h - what is allowed: policy.yaml and weights.yaml, read.
 *
 * The keys, their types, defaults and meanings are in the table of schema.c; who is meant by a rule, in people.h; how rules
 * are matched, in clause.h. A policy is swapped whole: whoever judges with one sees one version.
 *
 * Ownership  policy_free(); everything inside belongs to it. Immutable once read.
 * Threads    Any may read.
 * Limits     POLICY_FILE_BYTES a file, POLICY_DENIED lines of a deny list; see people.h, clause.h, schema.h.
 * Errors     ERR_BAD_FORMAT with ret_why "FILE:LINE:COLUMN: ..." in the caller's arena; ERR_NOMEM.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "inspect/dlp.h"
#include "inspect/file_fact.h"
#include "inspect/links.h"
#include "policy/clause.h"
#include "policy/networks.h"
#include "policy/people.h"

#define POLICY_FILE_BYTES (256 * 1024)
#define POLICY_DENY_BYTES (64 * 1024 * 1024)
#define POLICY_DENIED 1000000
#define POLICY_PEERS 200
#define POLICY_FEEDS 32
#define POLICY_SHARED 16		/* groups whose people are contacts of one another */
#define POLICY_FEED_LINE 500
#define POLICY_DIGEST 17		/* 16 hexadecimal digits and NUL */

enum policy_contact { POLICY_ALLOW, POLICY_REQUEST, POLICY_REFUSE };
enum policy_omemo { POLICY_OMEMO_ALLOWED, POLICY_OMEMO_REQUIRED, POLICY_OMEMO_FORBIDDEN };
enum policy_link { POLICY_LINK_ALLOW, POLICY_LINK_FLAG, POLICY_LINK_WARN, POLICY_LINK_DEFANG, POLICY_LINK_REWRITE, POLICY_LINK_HOLD,
		   POLICY_LINK_REFUSE };
enum policy_direct { POLICY_DIRECT_EACH, POLICY_DIRECT_ON, POLICY_DIRECT_OFF };	/* the four ways from client to client: each by its key, or all alike */
enum policy_addresses { POLICY_ADDRESSES_ALL, POLICY_ADDRESSES_RELAY };
enum policy_confirm { POLICY_CONFIRM_OTHER, POLICY_CONFIRM_ANY };
enum policy_decoy { POLICY_DECOY_HOLD, POLICY_DECOY_FREEZE };
enum policy_telling { POLICY_TELL_DEVICES = 1, POLICY_TELL_CONTACTS = 2, POLICY_TELL_OFFICERS = 4 };

/* What is seen in files, and the ways that they take. */
enum policy_what {
#define WHAT(name, key, def, text) POLICY_WHAT_##name,
#define ROAD WHAT
#define KEYED WHAT
#include "policy/file_what.def"
#undef KEYED
#undef ROAD
#undef WHAT
	POLICY_WHAT_COUNT
};

/* What is done with a card number or a key that is found, in rising order. */
enum policy_leak { POLICY_LEAK_ALLOW, POLICY_LEAK_WEIGH, POLICY_LEAK_WARN, POLICY_LEAK_MASK, POLICY_LEAK_HOLD };

/* When links and files from and to another network stop by themselves (outbreak/breaker.h). */
struct policy_breaker {
	unsigned at, senders;			/* so many messages that spread, of so many people; at 0: never */
	uint64_t within_ms, quiet_ms;		/* quiet_ms 0: it stays until an operator closes it */
};

struct policy_peer {
	struct str domain;
	enum subject_trust trust;
};

struct policy {
	struct arena *arena;
	char digest[POLICY_DIGEST];		/* of the files it was read from */
	struct str text, weights_text;		/* the files themselves */
	bool shadow;				/* the whole file is on trial */
	struct policy *trial;			/* a candidate that is judged beside this one; NULL: none */

	struct people people;
	struct policy_peer *peers;
	unsigned n_peers;
	struct clauses walls;

	struct {
		unsigned outsiders, gateways, colleagues;	/* enum policy_contact */
		struct clauses rules;				/* act: enum policy_contact */
	} strangers;

	struct {
		const struct str *shared;	/* names of groups, or "colleagues" */
		size_t n_shared;
		uint64_t bits[POLICY_SHARED];	/* their people (people.h) */
	} roster;
	struct {
		unsigned per_group;		/* of each shared group */
		uint64_t rotate_ms;		/* so old one is replaced; 0: never */
		unsigned act;			/* enum policy_decoy */
		const struct str *names;	/* the company's own; none: the built-in ones */
		size_t n_names;
	} decoys;

	struct links_conf links;
	struct { const struct str *own, *brands; size_t n_own, n_brands; } sites;	/* as written; links holds them prepared */
	struct clauses link_rules;		/* act: enum policy_link */
	const struct str *feed_lines;		/* "NAME SOURCE", as written */
	size_t n_feed_lines;
	struct feed_file *feeds;		/* read by feed_file_open(); as many as lines */
	struct map *denied;
	struct str deny_file;			/* name as written; empty: none */
	struct str spim_file;			/* of a model; as written */
	struct str spim_model;			/* what is in it; empty: the model that is built in */

	struct {
		unsigned direct;		/* enum policy_direct */
		unsigned act[POLICY_WHAT_COUNT];	/* enum file_action: when no rule fits; see policy_file.h */
		bool ask_key;			/* encrypted_uploads: key; held, and the sender is asked */
		unsigned inline_bytes;		/* of a picture inside of a stanza */
		unsigned addresses;		/* enum policy_addresses: in offers of files */
		struct clauses rules;		/* act: enum file_action; what: bits of enum policy_what */
	} files;
	unsigned call_addresses;		/* enum policy_addresses: in offers of calls */
	struct {
		unsigned otherwise;		/* enum policy_omemo: when no rule fits */
		unsigned new_device;		/* bits of enum policy_telling */
		struct clauses rules;		/* act: enum policy_omemo */
	} encryption;

	struct {
		unsigned inside, strangers, outside;	/* enum policy_leak: to colleagues; to who does not know the sender; elsewhere */
		unsigned secrets_inside;		/* keys, tokens and passwords, to colleagues */
		unsigned own_password;			/* anywhere */
		struct dlp_conf conf;
	} leaks;

	unsigned weights[RULE_COUNT];
	unsigned copies;			/* of one risky message that one sender may send */
	uint64_t window_ms;			/* for how long copies are remembered */
	unsigned confirm;			/* enum policy_confirm */
	struct policy_breaker breaker;
	struct networks networks;
	unsigned flag, hold, reject;		/* sums of weights; 0: never */
	struct {
		unsigned new_people, strangers;	/* that one sender may write to within worms.window; 0: any number */
	} limits;
	struct {
		unsigned purge_at;		/* weight of reports; 0: never */
		const struct str *lists;	/* "SERVICE NODE" of block lists that are shared */
		size_t n_lists;
		const struct str *share;	/* domains that may read what we know of threats */
		size_t n_share;
	} reports;
	struct {
		bool on;
		struct str links, strangers, worms, leaks;
	} lessons;
};

/* The files a new instance gets: every rule with its default and its meaning. .p NULL without memory. */
struct str policy_default_text(struct arena *a);
struct str policy_default_weights(struct arena *a);
/* Every key and every finding as tables in Markdown; docs/policy.md holds exactly this. */
struct str policy_document(struct arena *a);

/* domain: our own, whose links are trusted. name: the file's, for messages. deny: the text of the deny list. */
MUST_CHECK int policy_parse(struct str text, const char *name, const char *domain, struct arena *a, struct policy **ret, struct str *ret_why);
MUST_CHECK int policy_weights(struct policy *p, struct str text, const char *name, struct arena *a, struct str *ret_why);
MUST_CHECK int policy_deny(struct policy *p, struct str text);
/* The bytes of a spim model; ERR_BAD_FORMAT: it is none. Empty: the one that is built in. */
MUST_CHECK int policy_spim(struct policy *p, struct str model);
void policy_free(struct policy **p);

/* A lesson, or nothing where lessons are off. */
static inline struct str policy_lesson(const struct policy *p, struct str text) { return p->lessons.on ? text : STR_NONE; }

/* How far the link to this domain is trusted: true when the policy says so. */
bool policy_trust(const struct policy *p, struct str domain, enum subject_trust *ret);
/* May these two speak to each other? NULL: yes; else the wall between them. */
const struct clause *policy_wall(const struct policy *p, struct str a, struct str b);
/* What becomes of a first contact from s->from to s->to. ret_by: the rule that says so; NULL: a default does. */
enum policy_contact policy_contact_of(const struct policy *p, const struct subject *s, const struct clause **ret_by);

#endif
