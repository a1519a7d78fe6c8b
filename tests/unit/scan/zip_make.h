/* zip_make.h - small archives for tests: every part is stored. */
#ifndef TESTS_ZIP_MAKE_H
#define TESTS_ZIP_MAKE_H

#include <zlib.h>

#include "base/buf.h"

struct zip_make {
	struct buf out, central;
	unsigned n;
};

static inline void zip_make_put(struct buf *b, unsigned bytes, size_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_char(b, (char)(v >> 8 * i));
}

static inline void zip_make_head(struct buf *b, struct str name, struct str text)
{
	zip_make_put(b, 2, 10);
	zip_make_put(b, 2, 0);
	zip_make_put(b, 2, 0);
	zip_make_put(b, 4, 0x00210000);
	zip_make_put(b, 4, crc32(0, (const Bytef *)text.p, (uInt)text.n));
	zip_make_put(b, 4, text.n);
	zip_make_put(b, 4, text.n);
	zip_make_put(b, 2, name.n);
	zip_make_put(b, 2, 0);
}

static inline void zip_make_begin(struct zip_make *z)
{
	buf_init(&z->out, 1 << 20);
	buf_init(&z->central, 1 << 20);
	z->n = 0;
}

static inline void zip_make_add(struct zip_make *z, struct str name, struct str text)
{
	size_t at = z->out.n;

	buf_add(&z->out, "PK\3\4", 4);
	zip_make_head(&z->out, name, text);
	buf_str_add(&z->out, name);
	buf_str_add(&z->out, text);
	buf_add(&z->central, "PK\1\2\x14\0", 6);
	zip_make_head(&z->central, name, text);
	zip_make_put(&z->central, 4, 0);
	zip_make_put(&z->central, 2, 0);
	zip_make_put(&z->central, 4, 0);
	zip_make_put(&z->central, 4, at);
	buf_str_add(&z->central, name);
	z->n++;
}

static inline struct str zip_make_end(struct zip_make *z)
{
	size_t at = z->out.n;

	buf_str_add(&z->out, buf_str(&z->central));
	buf_add(&z->out, "PK\5\6\0\0\0\0", 8);
	zip_make_put(&z->out, 2, z->n);
	zip_make_put(&z->out, 2, z->n);
	zip_make_put(&z->out, 4, z->central.n);
	zip_make_put(&z->out, 4, at);
	zip_make_put(&z->out, 2, 0);
	return buf_str(&z->out);
}

static inline void zip_make_release(struct zip_make *z)
{
	buf_release(&z->out);
	buf_release(&z->central);
}

#endif
