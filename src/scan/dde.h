/* dde.h - words that make Office start a program: fields and formulas of Dynamic Data Exchange. Pure. */
#ifndef SCAN_DDE_H
#define SCAN_DDE_H

#include "base/str.h"

/* The instruction of a field: " DDEAUTO c:\\..." or "DDE ...", in any spelling that Word reads as such. */
bool dde_field(struct str instruction);
/* A cell: =cmd|' /C calc'!A0 */
bool dde_formula(struct str cell);
/* A table in text: any cell of it. */
bool dde_table(struct str text);

#endif
