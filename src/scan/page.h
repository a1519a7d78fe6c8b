/* page.h - web pages and SVG: scripts, handlers of events, addresses that are scripts, and files that are unpacked by script. */
#ifndef SCAN_PAGE_H
#define SCAN_PAGE_H

#include "base/buf.h"
#include "scan/look.h"

#define PAGE_BASE64 (48u << 20)		/* bytes of Base64 that are unpacked from one page */

void page_check(struct look *l, enum kind k, struct str bytes);
/* Long runs of Base64 in text, unpacked and looked at. Returns how many bytes the longest has. */
void page_decode(struct str base64, struct buf *out);	/* what is no letter of it is passed over */
size_t page_base64(struct look *l, struct str bytes);

#endif
