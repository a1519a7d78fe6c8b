/* pdf.h - what a PDF (ISO 32000) does besides showing pages: scripts, programs it starts, files within, forms that are programs.
 *
 * Its bytes are searched for the names that stand for such things, object by object and also in objects that no table names, since
 * readers repair what is damaged and find them. Packed objects are unpacked for that; where that is not as simple (encryption that
 * needs no password, unusual filters), and for files within, qpdf reads the document.
 *
 * Limits  The look's budget; PDF_OBJECTS read by qpdf.
 */
#ifndef SCAN_PDF_H
#define SCAN_PDF_H

#include "scan/look.h"

#define PDF_OBJECTS 20000
#define PDF_UNPACKED (32u << 20)	/* of one stream */

void pdf_check(struct look *l, struct str bytes);

#endif
