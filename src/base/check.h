/* check.h - we did wrong: stop at once. On in every build.
 *
 * CHECK is for our own mistakes. What a peer sends, or what the world fails to do, is an
 * error value, never a CHECK. The supervisor restarts the role that ended here.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stdint.h>

_Noreturn void check_failed(const char *what, const char *file, int line);

#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

/* A long-lived object begins with CHECK_MAGIC and every function on it with CHECK_OBJ. */
#define CHECK_MAGIC uint32_t magic
#define CHECK_OBJ(obj, value) CHECK((obj) != NULL && (obj)->magic == (value))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
