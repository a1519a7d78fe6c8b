/* err.h - the errors functions return: 0, or one of these negative values.
 *
 * One table (err.def) holds name, text and stanza error. Nothing here allocates or logs.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_index {
#define ERR(name, text, type, condition) ERR_INDEX_##name,
#include "base/err.def"
#undef ERR
	ERR_INDEX_COUNT
};

enum err {
	ERR_NONE = 0,
#define ERR(name, text, type, condition) ERR_##name = -1 - ERR_INDEX_##name,
#include "base/err.def"
#undef ERR
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* Plain words for an error; "ok" for 0 and above. Never NULL. */
const char *err_text(int err);
/* The stanza error type and condition (RFC 6120 8.3) for an error. Never NULL. */
const char *err_stanza_type(int err);
const char *err_stanza_condition(int err);

#endif
