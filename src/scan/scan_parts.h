/* scan_parts.h - what a struct scan has opened, for the parts of scan/. */
#ifndef SCAN_SCAN_PARTS_H
#define SCAN_SCAN_PARTS_H

#include "scan/sniff.h"

struct scan {
	struct sniff *sniff;
};

#endif
