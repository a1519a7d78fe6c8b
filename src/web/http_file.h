/* http_file.h - what a request says about a file: its name, the part that is wanted, the version that is known (RFC 9110 13, 14).
 *
 * Pure. Whatever is not understood is as if it were not there, which asks for the whole file; so says RFC 9110, and nothing depends on it.
 *
 * Ownership  Everything is copied or points into the caller's bytes.
 * Limits     HTTP_FILE_NAME bytes of a decoded name; one range.
 */
#ifndef WEB_HTTP_FILE_H
#define WEB_HTTP_FILE_H

#include "base/buf.h"
#include "web/http.h"

#define HTTP_FILE_NAME 255
#define HTTP_FILE_DATE 32

/* One segment of a path, percent-encoded, as it may name a file: UTF-8 without control characters, slashes, "." and "..". */
bool http_file_name(struct str segment);
/* "Content-Disposition: attachment; filename*=..." and CR LF (RFC 6266, RFC 8187); what would turn the direction of writing is replaced. */
void http_file_disposition(struct str name, struct buf *b);
/* May it stand as a header's value after "Content-Type: "? */
bool http_file_type(struct str type);

enum http_file_part { HTTP_FILE_ALL, HTTP_FILE_PART, HTTP_FILE_NO_PART };
/* Of the field Range; HTTP_FILE_PART: bytes from .. from + n - 1; HTTP_FILE_NO_PART: 416. Several ranges: the whole. */
enum http_file_part http_file_range(struct str value, uint64_t size, uint64_t *ret_from, uint64_t *ret_n);
/* Is the entity tag (with quotes) in the list of If-None-Match (weak comparison) or If-Match (strong)? */
bool http_file_lists_tag(struct str value, struct str tag, bool weak);

void http_file_date(uint64_t unix_s, char ret[HTTP_FILE_DATE]);	/* IMF-fixdate */
bool http_file_date_read(struct str value, uint64_t *ret_unix_s);

struct http_file_version { struct str tag; uint64_t modified_s; /* 0: not known */ };
/* RFC 9110 13.2.2: 0 to go on, or 304 or 412. For GET and HEAD. */
unsigned http_file_condition(const struct http_request *r, const struct http_file_version *v);
/* RFC 9110 13.1.5: does Range count, or is it of another version? */
bool http_file_range_counts(const struct http_request *r, const struct http_file_version *v);

#endif
