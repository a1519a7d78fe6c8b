/* ole.h - what old Office documents hold: macros, encryption, embedded objects, controls, DDE, and files within .msg. */
#ifndef SCAN_OLE_H
#define SCAN_OLE_H

#include "scan/cfb.h"
#include "scan/look.h"

#define OLE_STREAM (32u << 20)		/* bytes of one stream that are looked at */

/* What its streams make of it: KIND_DOC, KIND_XLS, KIND_MSI ...; KIND_OLE: nothing that is known. */
enum kind ole_kind(const struct cfb *c);
/* Is it a document under a password, as new Office keeps it? */
bool ole_encrypted_package(const struct cfb *c);
void ole_check(struct look *l, const struct cfb *c, enum kind k);
/* Of a workbook's stream (BIFF): macro sheets, links by DDE, a password. */
void ole_biff(struct look *l, struct str stream);

#endif
