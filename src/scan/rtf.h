/* rtf.h - objects, templates and fields in RTF, also where it is written so that simple searches miss them. */
#ifndef SCAN_RTF_H
#define SCAN_RTF_H

#include "scan/look.h"

#define RTF_OBJECT (16u << 20)		/* bytes of one object */

void rtf_check(struct look *l, struct str bytes);

#endif
