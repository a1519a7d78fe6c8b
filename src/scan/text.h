/* text.h - tables and scripts in text: formulas that start programs, macros of SYLK, scripts under a harmless name. */
#ifndef SCAN_TEXT_H
#define SCAN_TEXT_H

#include "scan/look.h"

/* XML that declares entities made of entities ("billion laughs"), or that are files elsewhere. */
void text_entities(struct look *l, struct str bytes);
void text_check(struct look *l, enum kind k, struct str name, struct str bytes);

#endif
