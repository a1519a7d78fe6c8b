/* schema.h - every key of policy.yaml: section, name, type, range, default and meaning, in one table.
 *
 * The reader, its errors, the policy.yaml of a new instance and the table in docs/policy.md come from here: a new key is
 * one line in schema.c and one field in policy.h. Only files of policy/ include this.
 *
 * Ownership  What is read lives in the policy's arena; messages in the caller's.
 * Threads    Pure; the table is constant.
 * Limits     SCHEMA_LIST items a list; the ranges of the table.
 * Errors     ERR_BAD_FORMAT with *r->why "FILE:LINE:COLUMN: expected ..., found '...'"; ERR_NOMEM.
 */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include <yaml.h>

#include "base/buf.h"
#include "policy/policy.h"

#define SCHEMA_LIST 1000

enum schema_type {
	SCHEMA_NUMBER,		/* unsigned; 'off' is 0 where min is 0 */
	SCHEMA_DURATION,	/* uint64_t of milliseconds: "90s", "7d"; 'off' is 0 where min is 0 */
	SCHEMA_SWITCH,		/* bool: on, off */
	SCHEMA_WORD,		/* unsigned: index of the word */
	SCHEMA_WORDS,		/* unsigned: a bit for each word of a list */
	SCHEMA_SITES,		/* const struct str *, size_t: names of sites in lower case */
	SCHEMA_PHRASES,		/* const struct str *, size_t: texts of at most max bytes */
	SCHEMA_TEXT,		/* struct str of at most max bytes; may be empty */
	SCHEMA_FILE,		/* struct str: the name of a file beside policy.yaml; may be empty */
	SCHEMA_CLAUSES,		/* struct clauses; what each does is said by .verb */
	SCHEMA_OTHER,		/* .read alone */
};

struct schema_reader {
	struct policy *p;
	yaml_document_t doc;
	const char *name;	/* the file's */
	struct arena *a;	/* the caller's: messages */
	struct str *why;
};

struct schema_key {
	const char *section;	/* "": the section's own value, named by .name */
	const char *name;
	const char *was;	/* its name at the top level, before there were sections; NULL: none */
	enum schema_type type;
	size_t offset, offset_n;	/* in struct policy */
	uint64_t min, max;
	const char *const *words;	/* NULL at the end */
	const char *(*what)(unsigned n);	/* CLAUSES: the things that a rule may name by 'what'; NULL at the end. NULL: none */
	const char *verb;	/* CLAUSES: the key of the word; NULL: a clause says who alone */
	const char *def;	/* as it stands in a file */
	const char *const *list;	/* the default of a long list, instead of def; NULL at the end */
	const char *example;	/* lines for the file, commented out; NULL: none */
	const char *help;
	int (*read)(struct schema_reader *r, const yaml_node_t *n);	/* instead of the type's, or after it */
};

struct schema_section {
	const char *name, *help;
	int (*read)(struct schema_reader *r, const yaml_node_t *n);	/* one word instead of the section's keys; NULL: there is none */
};

extern const struct schema_key schema_keys[];
extern const size_t schema_key_count;
extern const struct schema_section schema_sections[];
extern const size_t schema_section_count;

/* Every key at its default; own_domains must be set already. */
MUST_CHECK int schema_defaults(struct policy *p);
/* One document, walked along the table. */
MUST_CHECK int schema_read(struct schema_reader *r, struct str text);
/* One flat document of NAME: VALUE; pair() is called for each. For weights.yaml. */
MUST_CHECK int schema_pairs(struct schema_reader *r, struct str text,
			    int (*pair)(struct schema_reader *r, const yaml_node_t *k, const yaml_node_t *v));

/* For readers of single keys. */
int schema_wrong(struct schema_reader *r, const yaml_node_t *n, const char *expected);
struct str schema_text(const yaml_node_t *n);		/* empty: no scalar */
yaml_node_t *schema_node(struct schema_reader *r, int index);
MUST_CHECK int schema_number(struct schema_reader *r, const yaml_node_t *n, uint64_t min, uint64_t max, unsigned *ret);
MUST_CHECK int schema_groups(struct schema_reader *r, const yaml_node_t *n);
MUST_CHECK int schema_strangers(struct schema_reader *r, const yaml_node_t *n);
MUST_CHECK int schema_patterns(struct schema_reader *r, const yaml_node_t *n);
MUST_CHECK int schema_networks(struct schema_reader *r, const yaml_node_t *n);
MUST_CHECK int schema_peers(struct schema_reader *r, const yaml_node_t *n);
/* The known name that is nearest to a wrong one; empty when none is near. names ends with NULL. */
struct str schema_nearest(struct str wrong, const char *const *names, size_t n);


#endif
