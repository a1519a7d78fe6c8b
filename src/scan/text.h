/* text.h - tables and scripts in text: formulas that start programs, macros of SYLK, scripts under a harmless name. */
#ifndef SCAN_TEXT_H
#define SCAN_TEXT_H

#include "scan/look.h"

void text_check(struct look *l, enum kind k, struct str name, struct str bytes);

#endif
