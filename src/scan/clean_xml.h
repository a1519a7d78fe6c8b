/* clean_xml.h - XML in which some elements are left out: all that stays is copied byte by byte.
 *
 * Expat reads; what it passes over unchanged is copied from the input, so that no serialiser's taste gets into a document. A rule sees each
 * element as it begins and says what becomes of it. Documents that define things in a DTD are refused: office formats have none.
 *
 * Ownership  All the caller's; the editor's state lives on the stack of clean_xml_edit().
 * Limits     CLEAN_XML_DEPTH elements within each other, CLEAN_XML_TEXT bytes of a watched element's text.
 * Errors     ERR_BAD_FORMAT: not well-formed. ERR_UNSUPPORTED: a DTD, or not in a superset of ASCII. ERR_LIMIT.
 */
#ifndef SCAN_CLEAN_XML_H
#define SCAN_CLEAN_XML_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define CLEAN_XML_DEPTH 512
#define CLEAN_XML_TEXT 65536
#define CLEAN_XML_SEP '\x1f'		/* between namespace and name */

enum clean_xml_do {
	CLEAN_XML_KEEP,
	CLEAN_XML_DROP,			/* with all that is in it */
	CLEAN_XML_UNWRAP,		/* what is in it stays */
	CLEAN_XML_WATCH,		/* .watched decides when its text is known */
	CLEAN_XML_ONLY,			/* DROP, but what .only names within stays in its place */
};

struct clean_xml;

struct clean_xml_rules {
	void *ctx;
	/* name and attributes as Expat gives them, with CLEAN_XML_SEP behind the namespace. May call clean_xml_attr() before it says KEEP. */
	enum clean_xml_do (*start)(void *ctx, struct clean_xml *x, const char *name, const char **atts);
	void (*end)(void *ctx, const char *name);			/* of all that start() has seen; may be NULL */
	void (*text)(void *ctx, struct str text);			/* outside of what is dropped; may be NULL */
	bool (*watched)(void *ctx, const char *name, struct str text);	/* true: drop it */
	const char *only;						/* local name */
};

MUST_CHECK int clean_xml_edit(struct str in, const struct clean_xml_rules *rules, struct buf *out);
/* Within start(): the attribute of this local name (whatever its prefix) goes, or gets a value (plain ASCII without quotes, < and &). */
void clean_xml_attr(struct clean_xml *x, const char *local, const char *value);
struct str clean_xml_rest(const struct clean_xml *x);		/* within start(): the input from this tag on */

const char *clean_xml_local(const char *name);			/* behind the namespace */
bool clean_xml_ns(const char *name, const char *ns);		/* is it of this namespace? */
const char *clean_xml_get(const char **atts, const char *local);	/* first attribute of that local name, or NULL */
static inline bool clean_xml_is(const char *name, const char *local)
{
	return strcmp(clean_xml_local(name), local) == 0;
}

#endif
