/* clean_ooxml.h - the two halves of the cleaner for Word, Excel, PowerPoint and Visio files: packages (clean_ooxml.c) and what is written in
 * one part (clean_ooxml_part.c, clean_ooxml_binary.c). */
#ifndef SCAN_CLEAN_OOXML_H
#define SCAN_CLEAN_OOXML_H

#include "scan/clean_opc.h"
#include "scan/clean_parts.h"

struct clean_ooxml {
	struct clean *c;
	struct clean_opc opc;
	bool links;			/* links to other workbooks go: formulas that use them become values */
	bool cut_formulas;		/* and some did: the list in which order to calculate is void */
};

/* Takes out of one part what its dropped relationships were for, and fields and names that start something. */
MUST_CHECK int clean_ooxml_part(struct clean_ooxml *o, struct clean_zip_part *p);
/* Records of a binary workbook: objects and controls. */
MUST_CHECK int clean_ooxml_binary(struct clean_ooxml *o, struct clean_zip_part *p);

#endif
