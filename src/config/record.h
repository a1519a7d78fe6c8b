/* record.h - what the lists of wardroom.yaml must keep besides the form of each value, and their secrets.
 *
 * Threads    Any; the config is not shared yet.
 * Errors     As config.h.
 */
#ifndef CONFIG_RECORD_H
#define CONFIG_RECORD_H

#include "config/config.h"

/* file: its name, for messages; ret_why in a. */
MUST_CHECK int record_check(const struct config *c, const char *file, struct arena *a, struct str *ret_why);
/* Reads the secrets that stand in files (into own, the config's arena); a secret in wardroom.yaml itself wants that
 * file private. */
MUST_CHECK int record_secrets(struct config *c, const char *path, struct arena *own, struct arena *a, struct str *ret_why);

#endif
