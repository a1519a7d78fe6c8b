/* names.h - what the name of a file gives away: what it would start, and how it misleads the eye.
 *
 * Pure but for the notes. The name is whatever a stranger wrote: any bytes.
 */
#ifndef SCAN_NAMES_H
#define SCAN_NAMES_H

#include "scan/look.h"

#define NAMES_NAME 1024			/* bytes that are looked at; a longer name is cut on the left, where it does not count */

/* The type that the ending stands for, read as a system does: without dots and spaces behind it. */
enum kind names_kind(struct str name);
/* The ending itself, in lower case; false: none, or none that is one. */
bool names_suffix(struct str name, char ret[KIND_SUFFIX]);
/* Notes what is to be seen in the name: of an upload, or of a file in an archive. */
void names_check(struct look *l, struct str name);

#endif
