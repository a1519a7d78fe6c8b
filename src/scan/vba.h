/* vba.h - the source of macros: unpacks it (MS-OVBA 2.4.1), and looks for those that start by themselves. */
#ifndef SCAN_VBA_H
#define SCAN_VBA_H

#include "base/buf.h"
#include "base/str.h"

#define VBA_SOURCE (1u << 20)		/* bytes of one module that are looked at */

/* Adds the source within the stream of a module to out; false: it holds none. */
bool vba_source(struct str module, struct buf *out);
/* A procedure that Office calls when something happens, as "Document_Open"; NULL: none. */
const char *vba_starts(struct str source);

#endif
