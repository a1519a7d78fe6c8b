/* office.h - what Office documents in ZIP and in XML hold: OOXML (ISO 29500), OpenDocument, and both as one XML file.
 *
 * Relations decide in OOXML, not names: a macro is what a relation of that type leads to, however its part is called.
 */
#ifndef SCAN_OFFICE_H
#define SCAN_OFFICE_H

#include "scan/look.h"

/* One part of an OOXML document. */
void office_part(struct look *l, struct str name, struct str bytes);
/* One file of an OpenDocument one. */
void office_odf_part(struct look *l, struct str name, struct str bytes);
/* A document that is one XML file: Word 2003, Excel 2003, flat OPC, flat ODF. */
void office_flat(struct look *l, struct str bytes);

#endif
