/* log.h - one line an event, to standard error: "area.event key=value ...".
 *
 * Threads  Any; a line is one write. Level and format are set once at start.
 * Limits   A line is cut at 2 KiB. Control characters, quotes, U+2028/2029 in values are escaped.
 * Secrets  Bodies, passwords and keys are never passed here; struct secret has no printable form.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTE, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* One key=value of an event; build with the LOG_* makers below. */
struct log_field {
	const char *key;
	struct str text;
	int64_t number;
	bool is_number;
};

#define LOG_S(k, s) ((struct log_field){ .key = (k), .text = (s) })
#define LOG_Z(k, z) ((struct log_field){ .key = (k), .text = str_of(z) })
#define LOG_N(k, v) ((struct log_field){ .key = (k), .number = (int64_t)(v), .is_number = true })

void log_setup(enum log_level least, enum log_format format);
bool log_wants(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

#define log_event(level, event, ...) \
	do { \
		if (log_wants(level)) { \
			const struct log_field log_fields_[] = { LOG_N("", 0), ##__VA_ARGS__ }; \
			log_write(level, event, log_fields_ + 1, sizeof(log_fields_) / sizeof(log_fields_[0]) - 1); \
		} \
	} while (0)

#endif
