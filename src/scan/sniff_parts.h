/* sniff_parts.h - between the files of sniff. */
#ifndef SCAN_SNIFF_PARTS_H
#define SCAN_SNIFF_PARTS_H

#include "scan/look.h"

/* Of text; KIND_UNKNOWN: text without anything that says more. */
enum kind sniff_text_kind(struct str bytes);

#endif
