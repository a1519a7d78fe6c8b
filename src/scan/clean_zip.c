#include "scan/clean_zip.h"

#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#include "scan/clean_parts.h"

#define LOCAL 30
#define CENTRAL 46
#define END 22
#define STORED 0
#define DEFLATED 8
#define FLAG_ENCRYPTED 0x0001
#define FLAG_UTF8 0x0800
#define FLAG_STRONG 0x0040
#define FLAG_MASKED 0x2000
#define RATIO_FREE (1u << 20)		/* bytes that may come out of nothing much */
#define RATIO 1100			/* more than deflate can (1032) is a lie */

bool clean_zip_is(struct str in)
{
	return str_starts(in, str_make("PK\3\4", 4));
}

static ptrdiff_t find_end(struct str in)
{
	size_t least = in.n > END + 65535 ? in.n - END - 65535 : 0;

	for (size_t at = in.n - END + 1; at-- > least;)
		if (memcmp(in.p + at, "PK\5\6", 4) == 0)
			return (ptrdiff_t)at;
	return -1;
}

static int part(struct str in, size_t shift, const char *c, struct clean_zip_part *p)
{
	size_t local = clean_le32(c + 42), n = clean_le32(c + 20), skip;

	*p = (struct clean_zip_part){
		.flags = (uint16_t)clean_le16(c + 8), .method = (uint16_t)clean_le16(c + 10), .stamp = clean_le32(c + 12),
		.crc = clean_le32(c + 16), .plain_n = clean_le32(c + 24), .name = str_make(c + CENTRAL, clean_le16(c + 28)),
	};
	if (p->flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED) || n == UINT32_MAX || p->plain_n == UINT32_MAX || local == UINT32_MAX)
		return ERR_UNSUPPORTED;
	if (p->method != STORED && p->method != DEFLATED)
		return ERR_UNSUPPORTED;
	if (p->name.n == 0 || memchr(p->name.p, 0, p->name.n))
		return ERR_BAD_FORMAT;
	if (local > in.n - shift || in.n - shift - local < LOCAL || memcmp(in.p + shift + local, "PK\3\4", 4) != 0)
		return ERR_BAD_FORMAT;
	local += shift;
	skip = LOCAL + clean_le16(in.p + local + 26) + clean_le16(in.p + local + 28);
	if (skip > in.n - local || n > in.n - local - skip)
		return ERR_BAD_FORMAT;
	if (!str_eq(p->name, str_make(in.p + local + LOCAL, clean_le16(in.p + local + 26))) || clean_le16(in.p + local + 8) != p->method)
		return ERR_BAD_FORMAT;			/* two truths about one part */
	p->packed = str_make(in.p + local + skip, n);
	if (p->method == STORED && n != p->plain_n)
		return ERR_BAD_FORMAT;
	return p->plain_n > RATIO_FREE && p->plain_n / RATIO > n ? ERR_BAD_FORMAT : 0;
}

static int by_name(const void *a, const void *b)
{
	struct str x = (*(const struct clean_zip_part *const *)a)->name, y = (*(const struct clean_zip_part *const *)b)->name;
	int d = strncasecmp(x.p, y.p, x.n < y.n ? x.n : y.n);

	return d ? d : (x.n > y.n) - (x.n < y.n);
}

/* Of two parts with one name each reader takes another. */
static int sort(struct clean_zip *z)
{
	z->sorted = calloc(z->n + 1, sizeof(struct clean_zip_part *));
	if (!z->sorted)
		return ERR_NOMEM;
	for (size_t i = 0; i < z->n; i++)
		z->sorted[i] = &z->v[i];
	qsort(z->sorted, z->n, sizeof(*z->sorted), by_name);
	for (size_t i = 1; i < z->n; i++)
		if (by_name(&z->sorted[i - 1], &z->sorted[i]) == 0)
			return ERR_BAD_FORMAT;
	return 0;
}

static int read_parts(struct str in, size_t end, struct clean_zip *z)
{
	size_t count = clean_le16(in.p + end + 10), size = clean_le32(in.p + end + 12), at = clean_le32(in.p + end + 16), shift, sum = 0;

	if (count == UINT16_MAX || at == UINT32_MAX)
		return ERR_UNSUPPORTED;			/* ZIP64 */
	if (count > CLEAN_ZIP_PARTS)
		return ERR_LIMIT;
	if (clean_le32(in.p + end + 4) != 0 || size > end || at > end - size)
		return ERR_BAD_FORMAT;
	shift = end - size - at;			/* bytes before the archive */
	z->v = calloc(count + 1, sizeof(*z->v));
	if (!z->v)
		return ERR_NOMEM;
	for (at += shift; z->n < count; z->n++) {
		size_t skip;
		int err;

		if (end - at < CENTRAL || memcmp(in.p + at, "PK\1\2", 4) != 0)
			return ERR_BAD_FORMAT;
		skip = CENTRAL + clean_le16(in.p + at + 28) + clean_le16(in.p + at + 30) + clean_le16(in.p + at + 32);
		if (skip > end - at)
			return ERR_BAD_FORMAT;
		err = part(in, shift, in.p + at, &z->v[z->n]);
		if (err < 0)
			return err;
		sum += z->v[z->n].packed.n;
		if (sum > in.n)
			return ERR_BAD_FORMAT;		/* parts that overlap */
		at += skip;
	}
	return at == end ? sort(z) : ERR_BAD_FORMAT;
}

int clean_zip_open(struct str in, struct clean_zip *ret)
{
	struct clean_zip z = { 0 };
	ptrdiff_t end;
	int err;

	*ret = z;
	if (in.n < END || in.n >= UINT32_MAX)
		return in.n < END ? ERR_BAD_FORMAT : ERR_UNSUPPORTED;
	end = find_end(in);
	if (end < 0)
		return ERR_BAD_FORMAT;
	err = read_parts(in, (size_t)end, &z);
	if (err < 0)
		clean_zip_close(&z);
	else
		*ret = z;
	return err;
}

void clean_zip_close(struct clean_zip *z)
{
	for (size_t i = 0; i < z->n; i++)
		buf_release(&z->v[i].own);
	free(z->v);
	free(z->sorted);
	*z = (struct clean_zip){ 0 };
}

struct clean_zip_part *clean_zip_find(struct clean_zip *z, struct str name)
{
	struct clean_zip_part key = { .name = name }, *k = &key, **found;

	found = z->n > 0 ? bsearch(&k, z->sorted, z->n, sizeof(*z->sorted), by_name) : NULL;
	return found ? *found : NULL;
}

static int inflate_all(struct str packed, struct buf *ret, size_t n)
{
	z_stream s = { .next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n };
	int r;

	if (inflateInit2(&s, -MAX_WBITS) != Z_OK)
		return ERR_NOMEM;
	s.next_out = (Bytef *)ret->p;
	s.avail_out = (uInt)n;
	r = inflate(&s, Z_FINISH);
	ret->n = n - s.avail_out;
	inflateEnd(&s);
	return r == Z_STREAM_END && s.avail_in == 0 && s.avail_out == 0 ? 0 : ERR_BAD_FORMAT;
}

int clean_zip_plain(struct clean_zip *z, const struct clean_zip_part *p, struct buf *ret)
{
	int err;

	buf_init(ret, CLEAN_ZIP_PART);
	if (p->replaced)
		return buf_str_add(ret, buf_str(&p->own));
	if (p->plain_n > CLEAN_ZIP_SUM - z->unpacked)
		return ERR_LIMIT;
	z->unpacked += p->plain_n;
	err = buf_reserve(ret, p->plain_n + 1);		/* never NULL */
	if (err < 0)
		return err;
	if (p->method == STORED)
		err = buf_str_add(ret, p->packed);
	else
		err = inflate_all(p->packed, ret, p->plain_n);
	if (err == 0 && crc32(0, (const Bytef *)ret->p, (uInt)ret->n) != p->crc)
		err = ERR_BAD_FORMAT;
	return err;
}

void clean_zip_replace(struct clean_zip_part *p, struct buf *give)
{
	buf_release(&p->own);
	p->own = *give;
	p->replaced = true;
	buf_init(give, give->max);
}

static int deflate_all(struct str plain, struct buf *ret)
{
	z_stream s = { .next_in = (Bytef *)(uintptr_t)plain.p, .avail_in = (uInt)plain.n };
	size_t room;
	int r, err;

	if (deflateInit2(&s, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_NOMEM;
	room = deflateBound(&s, (uLong)plain.n);
	buf_init(ret, room + 1);
	err = buf_reserve(ret, room + 1);
	if (err < 0) {
		deflateEnd(&s);
		return err;
	}
	s.next_out = (Bytef *)ret->p;
	s.avail_out = (uInt)room;
	r = deflate(&s, Z_FINISH);
	ret->n = room - s.avail_out;
	deflateEnd(&s);
	return r == Z_STREAM_END ? 0 : ERR_INTERNAL;
}

static void put(struct buf *b, unsigned bytes, uint32_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_char(b, (char)(v >> 8 * i));
}

static struct str name_of(const struct clean_zip_part *p)
{
	return p->new_name ? str_of(p->new_name) : p->name;
}

/* What both heads of a part say alike (APPNOTE.TXT 4.3.7, 4.3.12). */
static void head(struct buf *b, const struct clean_zip_part *p, uint16_t method, uint32_t crc, size_t packed_n, size_t plain_n)
{
	put(b, 2, method == STORED ? 10 : 20);
	put(b, 2, p->flags & FLAG_UTF8);
	put(b, 2, method);
	put(b, 4, p->stamp);
	put(b, 4, crc);
	put(b, 4, (uint32_t)packed_n);
	put(b, 4, (uint32_t)plain_n);
	put(b, 2, (uint32_t)name_of(p).n);
	put(b, 2, 0);
}

static int write_part(const struct clean_zip_part *p, bool store, struct buf *out, struct buf *central)
{
	struct str data = p->packed, plain = buf_str(&p->own);
	uint32_t crc = p->crc, at = (uint32_t)out->n;
	size_t plain_n = p->plain_n;
	uint16_t method = p->method;
	struct buf packed;
	int err = 0;

	buf_init(&packed, 0);
	if (p->replaced) {
		crc = (uint32_t)crc32(0, (const Bytef *)plain.p, (uInt)plain.n);
		plain_n = plain.n;
		method = store ? STORED : DEFLATED;
		if (!store)
			err = deflate_all(plain, &packed);
		data = store ? plain : buf_str(&packed);
	}
	if (err == 0) {
		buf_add(out, "PK\3\4", 4);
		head(out, p, method, crc, data.n, plain_n);
		buf_str_add(out, name_of(p));
		buf_str_add(out, data);
		buf_add(central, "PK\1\2\x14\0", 6);
		head(central, p, method, crc, data.n, plain_n);
		put(central, 4, 0);			/* no comment, the first disk */
		put(central, 2, 0);
		put(central, 4, 0);
		put(central, 4, at);
		buf_str_add(central, name_of(p));
	}
	buf_release(&packed);
	return err < 0 ? err : out->failed || out->n >= UINT32_MAX ? ERR_LIMIT : central->failed ? ERR_NOMEM : 0;
}

int clean_zip_write(const struct clean_zip *z, const struct clean_zip_part *first, bool store, struct buf *out)
{
	struct buf central;
	size_t n = 0, at;
	int err = 0;

	buf_init(&central, 64u << 20);
	if (first && !first->drop) {
		err = write_part(first, store, out, &central);
		n++;
	}
	for (size_t i = 0; i < z->n && err == 0; i++)
		if (&z->v[i] != first && !z->v[i].drop) {
			err = write_part(&z->v[i], false, out, &central);
			n++;
		}
	at = out->n;
	buf_str_add(out, buf_str(&central));
	buf_add(out, "PK\5\6\0\0\0\0", 8);
	put(out, 2, (uint32_t)n);
	put(out, 2, (uint32_t)n);
	put(out, 4, (uint32_t)central.n);
	put(out, 4, (uint32_t)at);
	put(out, 2, 0);
	buf_release(&central);
	return err < 0 ? err : out->failed || out->n >= UINT32_MAX ? ERR_LIMIT : 0;
}
