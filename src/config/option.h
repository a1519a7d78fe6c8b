/* option.h - every option of wardroom.yaml: name, type, range, default and meaning, in one table.
 *
 * The parser, the checks, conf/wardroom.yaml and the documentation come from this table: a new option is one
 * line here and one field in config.h. Only files of config/ include this.
 *
 * Threads    Pure; the table is constant.
 * Errors     ERR_BAD_FORMAT: option_expected() tells what was wanted. ERR_NOMEM.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "base/buf.h"
#include "config/config.h"

enum option_type {
	OPTION_INT,		/* unsigned */
	OPTION_BYTES,		/* uint64_t: "65536", "100MiB" */
	OPTION_DURATION,	/* uint64_t seconds: "90s", "30d" */
	OPTION_BOOL,
	OPTION_ENUM,		/* an enum of config.h, in the order of words */
	OPTION_SET,		/* unsigned: a bit for each word; a list in the file */
	OPTION_PORT,		/* unsigned; 0: none */
	OPTION_ADDRESS,		/* const char *: numeric IPv4 or IPv6 */
	OPTION_DOMAIN,		/* const char *, in lower case */
	OPTION_PATH,		/* const char *: absolute */
	OPTION_TEXT,		/* const char *: min to max bytes without controls */
	OPTION_TEXTS,		/* struct config_texts: such texts; a list in the file */
};

struct option {
	const char *name;	/* "limits.messages_per_s" */
	enum option_type type;
	size_t offset;		/* in struct config */
	const char *def;	/* as it stands in a file; a list in brackets */
	uint64_t min, max;
	const char *zero;	/* the word for 0: "off", "auto"; NULL: none. For texts: empty is allowed when set */
	const char *const *words;	/* NULL at the end */
	unsigned n_ready;	/* ENUM: words from here on are known but not served yet; 0: all are */
	bool required;		/* must be in the file */
	const char *help;	/* a sentence */
};

struct option_section { const char *name, *help; };

/* A list of groups of keys: each group is a record of its own, with options of its own. */
struct option_list {
	const char *name, *help;
	const struct option *options;	/* offsets in the record; at most 32 */
	size_t n_options, record_bytes;
	unsigned most;
	size_t offset, offset_n;	/* in struct config: the pointer to the records, their number */
};

extern const struct option option_table[];
extern const size_t option_count;
extern const struct option_section option_sections[];
extern const size_t option_section_count;
extern const struct option_list option_lists[];
extern const size_t option_list_count;

/* Sets the field from a scalar of the file; for a list adds one word. record: what the offset is of. Texts go into
 * the arena. */
MUST_CHECK int option_set(const struct option *o, void *record, struct str text, struct arena *a);
/* "a whole number from 1 to 100, or 'off'" */
void option_expected(const struct option *o, struct buf *b);
/* Controls, and what a reader does not see or what turns the line around. */
bool option_is_hidden(uint32_t cp);

#endif
