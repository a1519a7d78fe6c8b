/* clean_opc.h - a package of Office Open XML (ECMA-376 part 2): parts, and relationships that say what belongs to what.
 *
 * A relationship that is dropped takes along the parts that nothing else reaches, their relationships, and their lines in the list of types.
 *
 * Ownership  clean_opc_open() borrows the bytes; clean_opc_close() frees the rest, all strings among it.
 * Limits     CLEAN_OPC_RELS relationships, CLEAN_OPC_MEMORY bytes of strings; those of clean_zip.h and clean_xml.h.
 * Errors     ERR_BAD_FORMAT: no such package. ERR_UNSUPPORTED, ERR_LIMIT.
 */
#ifndef SCAN_CLEAN_OPC_H
#define SCAN_CLEAN_OPC_H

#include "base/arena.h"
#include "scan/clean_xml.h"
#include "scan/clean_zip.h"

#define CLEAN_OPC_RELS 65536
#define CLEAN_OPC_MEMORY (64u << 20)

struct clean_opc_rel {
	const struct clean_zip_part *source;	/* NULL: the package itself */
	const struct clean_zip_part *file;	/* the .rels it stands in */
	struct clean_zip_part *target;		/* NULL: outside, or not there */
	const char *id, *type, *address;	/* type: what follows its last slash */
	bool external, drop;
	const char *new_type, *new_address;	/* literals or of the arena; NULL: as it is */
};

struct clean_opc {
	struct clean_zip zip;
	struct arena *a;
	struct clean_opc_rel *rels;
	size_t n_rels;
	struct clean_zip_part *types;		/* [Content_Types].xml */
};

bool clean_opc_is(struct str in);
MUST_CHECK int clean_opc_open(struct str in, struct clean_opc *ret);
void clean_opc_close(struct clean_opc *o);
/* Takes edited text for a part; what is not well-formed any more is refused. */
MUST_CHECK int clean_opc_put(struct clean_zip_part *p, struct buf *give);
/* The dropped relationships' parts go. */
MUST_CHECK int clean_opc_sweep(struct clean_opc *o);
/* Relationships and types are written as they are now. retype: a literal in place of a content type, or NULL. */
MUST_CHECK int clean_opc_finish(struct clean_opc *o, const char *(*retype)(void *ctx, const char *type), void *ctx);
MUST_CHECK int clean_opc_write(struct clean_opc *o, struct buf *out);

#endif
