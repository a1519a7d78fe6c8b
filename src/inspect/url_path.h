/* url_path.h - what the part of a link behind the host gives away: other links in it, programs, disguises.
 *
 * Limits     URL_PATH_NESTED links in a link, URL_PATH_DECODE rounds of percent-encoding, URL_PATH_BYTES looked at.
 * Pure.
 */
#ifndef INSPECT_URL_PATH_H
#define INSPECT_URL_PATH_H

#include "inspect/url.h"

#define URL_PATH_NESTED 4
#define URL_PATH_DECODE 3
#define URL_PATH_BYTES 2048

/* Other links in path and query, however often they were encoded (percent, Base64). Returns how many. */
unsigned url_path_nested(const struct url *u, struct arena *a, struct url ret[URL_PATH_NESTED]);
/* "invoice.pdf.exe", "photo.jpg     .scr": a program that is called a document. */
bool url_path_disguised(const struct url *u);
/* A page of a large site that leads on to wherever it is told. */
bool url_path_redirector(const struct url *u);

#endif
