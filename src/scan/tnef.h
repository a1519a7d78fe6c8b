/* tnef.h - winmail.dat (MS-OXTNEF): what Outlook attaches to mail for other programs. */
#ifndef SCAN_TNEF_H
#define SCAN_TNEF_H

#include "scan/look.h"

void tnef_check(struct look *l, struct str bytes);

#endif
