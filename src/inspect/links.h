/* links.h - what the links in one message say about it. Pure.
 *
 * Ownership  conf belongs to the caller and is constant.
 */
#ifndef INSPECT_LINKS_H
#define INSPECT_LINKS_H

#include "base/map.h"
#include "inspect/feed.h"
#include "inspect/inspect.h"
#include "inspect/lookalike.h"
#include "inspect/subject.h"
#include "inspect/url.h"

struct links_conf {
	const struct lookalike_name *own;
	size_t n_own;
	const struct lookalike_name *brands;
	size_t n_brands;
	const struct str *trusted;		/* sites whose links are no risk, besides our own */
	size_t n_trusted;
	const struct str *everyday;		/* sites that everybody links to */
	size_t n_everyday;
	const struct str *shorteners;		/* sites whose links hide where they lead */
	size_t n_shorteners;
	const struct feed_set *feeds;
	size_t n_feeds;
	const struct map *denied;		/* "host", "site" or "host/path" -> anything; NULL: none */
};

/* Every link of a message, from text and markup. */
struct links {
	struct url v[URLS];
	unsigned n;
	bool more;
	bool known;			/* the sender is */
	const struct feed_set *shared;	/* of the subject */
	unsigned n_shared;
	struct arena *a;		/* that it was gathered in: for what is hidden in links */
};

void links_gather(const struct subject *s, struct arena *a, struct links *ret);
void links_verdict(const struct links *links, const struct links_conf *conf, struct verdict *v);
/* The list that names it, or NULL; a trusted one goes before another. shared: lists besides those of conf. */
const struct feed_set *links_listed(const struct url *u, const struct links_conf *conf, const struct feed_set *shared, unsigned n_shared);
/* Does policy trust where it leads (own domains, the meeting service ...)? */
bool links_trusted(const struct url *u, const struct links_conf *conf);
bool links_everyday(const struct url *u, const struct links_conf *conf);

#endif
