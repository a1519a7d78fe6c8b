/* sniff.h - the true type of bytes: own checks for what can do harm, libmagic for the rest.
 *
 * libmagic is weak where it matters here: a ZIP by its first entry, PDF behind junk, scripts, images of disks, and it is led astray by
 * text. So it is asked last, and only about the first 64 KiB.
 */
#ifndef SCAN_SNIFF_H
#define SCAN_SNIFF_H

#include "scan/look.h"

struct sniff;

MUST_CHECK int sniff_new(struct sniff **ret);		/* opens the database of libmagic */
void sniff_free(struct sniff **s);
/* quick: parts of archives, of which there are many; then libmagic, which takes its time with text, is not asked about text.
 * ret_mime: what the type is called. KIND_ZIP and KIND_OLE are containers: zip.h, ole.h know what is in them. */
enum kind sniff_kind(struct sniff *s, struct str bytes, bool quick, char ret_mime[SCAN_TYPE]);
/* Do they begin as a tape archive does? */
bool sniff_tar(struct str bytes);
/* Notes what the type alone says, and whether name and declared type agree with it. */
void sniff_check(struct look *l, struct str name, struct str declared, enum kind k, const char *mime, struct str bytes);

#endif
