/* defang.h - writes a text anew so that its links lead nowhere, or somewhere else.
 *
 * Ownership  What is returned lives in the arena; the text itself when nothing was changed.
 * Limits     Any length: it is read in windows of URL_TEXT. A link becomes at most DEFANG_LINK bytes more.
 * Errors     ERR_NOMEM, ERR_LIMIT.
 * Pure.
 */
#ifndef INSPECT_DEFANG_H
#define INSPECT_DEFANG_H

#include "base/buf.h"
#include "inspect/links.h"

#define DEFANG_LINK 2048
#define DEFANG_HOST 1024

struct defang {
	const struct links_conf *conf;		/* what it trusts stays as it is */
	void *ctx;
	/* Writes what shall stand for this link instead of hxxp://host[.]example/path; NULL: that. 0 or ERR_*. */
	int (*put)(void *ctx, struct buf *b, const struct url *u);
	/* Out: how many links were changed, and the first of them (in the arena). */
	unsigned n;
	struct url first;
};

MUST_CHECK int defang_text(struct defang *d, struct str text, struct arena *a, struct str *ret);
/* Does a target of markup lead to a host that is not trusted? */
bool defang_wants(const struct defang *d, struct str target, struct arena *a);
/* hxxp://host[.]example/path */
void defang_put(struct buf *b, const struct url *u);
/* "evil[.]example": at most cap - 1 bytes and NUL. */
struct str defang_host(struct str host, char *text, size_t cap);

#endif
