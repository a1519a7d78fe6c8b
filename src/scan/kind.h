/* kind.h - types of files: their MIME type, the family they are of, the endings of names that stand for them.
 *
 * Pure tables (kind.def); who finds the type of bytes is sniff.h.
 */
#ifndef SCAN_KIND_H
#define SCAN_KIND_H

#include "base/str.h"
#include "inspect/file_fact.h"

#define KIND_SUFFIX 24			/* longest ending: "settingcontent-ms" */

/* What a person takes it for. Two types of one family are no disguise for each other. */
enum kind_family {
	FAMILY_NONE,			/* not known, or bytes as such */
	FAMILY_TEXT, FAMILY_WEB, FAMILY_MAIL, FAMILY_PICTURE, FAMILY_MEDIA, FAMILY_DOCUMENT, FAMILY_PDF, FAMILY_ARCHIVE, FAMILY_FONT, FAMILY_DATA,
	FAMILY_PROGRAM, FAMILY_SCRIPT, FAMILY_SHORTCUT, FAMILY_INSTALLER, FAMILY_DISK, FAMILY_NOTEBOOK,
};

enum kind {
#define KIND(name, mime, family, suffixes) KIND_##name,
#include "scan/kind.def"
#undef KIND
	KIND_COUNT
};

const char *kind_mime(enum kind k);
enum kind_family kind_family(enum kind k);
/* By the ending of a name (without the dot, any case) or by a MIME type; KIND_UNKNOWN when in no row. */
enum kind kind_of_suffix(struct str suffix);
enum kind kind_of_mime(struct str mime);
enum kind_family kind_family_of_mime(struct str mime);		/* also by "image/..." and the like */
/* Would a computer run it, or something that it names? */
bool kind_runs(enum kind_family f);
/* The fact that its type alone makes: EXECUTABLE, SCRIPT ...; false: none. */
bool kind_fact(enum kind_family f, enum file_fact *ret);

#endif
