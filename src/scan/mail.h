/* mail.h - messages (RFC 5322, MIME) and web archives (MHTML): what is attached to them. */
#ifndef SCAN_MAIL_H
#define SCAN_MAIL_H

#include "scan/look.h"

#define MAIL_PARTS 256
#define MAIL_PART (32u << 20)

void mail_check(struct look *l, struct str bytes);

#endif
