/* http.h - the head of one HTTP request, read strictly (RFC 9112): what two readers could understand differently is refused.
 *
 * Pure: bytes in, values out. A connection carries one request; what a body means is the path's.
 *
 * Ownership  Everything points into the caller's bytes.
 * Limits     HTTP_HEAD_BYTES, HTTP_FIELDS.
 * Errors     ERR_AGAIN: the head is not complete. ERR_BAD_FORMAT, ERR_LIMIT: 400. ERR_VERSION: 505.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include "base/err.h"
#include "base/str.h"

#define HTTP_HEAD_BYTES 8192
#define HTTP_FIELDS 64

enum http_method { HTTP_GET = 1, HTTP_HEAD = 2, HTTP_OPTIONS = 4, HTTP_OTHER = 8, HTTP_PUT = 16 };

struct http_field { struct str name, value; };

struct http_request {
	enum http_method method;
	struct str path, query;			/* as they came: nothing is decoded; query without its '?' */
	bool old;				/* HTTP/1.0 */
	struct str host;			/* the field Host; empty in HTTP/1.0 alone */
	bool has_body;				/* one follows, or is said to */
	bool chunked, has_length;		/* Transfer-Encoding: chunked; Content-Length: never both */
	uint64_t length;
	struct http_field fields[HTTP_FIELDS];
	unsigned n_fields;
	size_t n;				/* bytes of the head */
};

MUST_CHECK int http_parse(struct str bytes, struct http_request *ret);
/* The value; empty when it is not there. *ret_n: how often it is there. */
struct str http_field(const struct http_request *r, const char *name, unsigned *ret_n);
/* Is the word in the field's list, in any case of letters (RFC 9110 5.6.1)? */
bool http_lists(struct str value, const char *word);
/* HOST of "HOST:PORT", with brackets when it is IPv6. */
struct str http_host_name(struct str host);

#endif
