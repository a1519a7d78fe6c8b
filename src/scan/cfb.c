#include "scan/cfb.h"

#include <stdlib.h>
#include <strings.h>

#include "scan/bytes.h"

#define HEADER 512
#define FREE_FROM 0xfffffffau		/* from here on: no sector, but end, free, the table itself */
#define MINI_SECTOR 64
#define ENTRY 128
#define DIFAT_IN_HEADER 109
#define MINI_MAX (64u << 20)

static struct str sector(const struct cfb *c, uint32_t id)
{
	uint64_t at = ((uint64_t)id + 1) * c->sector;

	return id >= FREE_FROM || at >= c->bytes.n ? STR_NONE : bytes_sub(c->bytes, (size_t)at, c->sector);
}

static size_t sectors(const struct cfb *c)
{
	return c->bytes.n / c->sector + 1;
}

static void fat_add(struct cfb *c, uint32_t id)
{
	struct str s = sector(c, id);

	for (size_t at = 0; at + 4 <= s.n && c->n_fat < sectors(c) + c->sector / 4; at += 4)
		c->fat[c->n_fat++] = bytes_le32(s, at);
}

/* The table's own sectors: 109 in the header, the rest in a chain. */
static int read_fat(struct cfb *c)
{
	uint32_t next = bytes_le32(c->bytes, 0x44);

	c->fat = malloc((sectors(c) + c->sector / 4) * sizeof(*c->fat));
	if (!c->fat)
		return ERR_NOMEM;
	for (size_t i = 0; i < DIFAT_IN_HEADER; i++)
		if (bytes_le32(c->bytes, 0x4c + 4 * i) < FREE_FROM)
			fat_add(c, bytes_le32(c->bytes, 0x4c + 4 * i));
	for (size_t hops = 0; next < FREE_FROM && hops < sectors(c); hops++) {
		struct str s = sector(c, next);

		for (size_t at = 0; at + 8 <= s.n; at += 4)
			if (bytes_le32(s, at) < FREE_FROM)
				fat_add(c, bytes_le32(s, at));
		next = s.n < c->sector ? FREE_FROM : bytes_le32(s, c->sector - 4);
	}
	return 0;
}

/* A chain of sectors; false: it breaks, or runs in a circle. */
static int chain(const struct cfb *c, uint32_t id, uint64_t size, struct buf *out, bool *ret_whole)
{
	*ret_whole = true;
	for (size_t hops = 0; size > 0; hops++) {
		struct str s = sector(c, id);

		if (s.n == 0 || hops > sectors(c)) {
			*ret_whole = false;
			return 0;
		}
		s = bytes_sub(s, 0, size < s.n ? (size_t)size : s.n);
		if (buf_str_add(out, s) < 0)
			return ERR_LIMIT;
		size -= s.n;
		id = id < c->n_fat ? c->fat[id] : FREE_FROM;
	}
	return 0;
}

static void entry(struct str s, bool wide, struct cfb_entry *ret)
{
	unsigned n = bytes_le16(s, 64) / 2;

	*ret = (struct cfb_entry){ .type = bytes_u8(s, 66), .start = bytes_le32(s, 116), .size = wide ? bytes_le64(s,
	    120) : bytes_le32(s, 120) };
	for (unsigned i = 0; i < CFB_NAME - 1 && i + 1 < n; i++) {
		uint16_t ch = bytes_le16(s, 2 * i);

		ret->name[i] = ch < 0x80 ? (char)ch : '?';
	}
	memcpy(ret->class_id, s.p + 80, sizeof(ret->class_id));
}

static int read_directory(struct cfb *c, bool wide)
{
	struct buf b;
	bool whole;
	int err;

	buf_init(&b, (size_t)CFB_ENTRIES * ENTRY);
	err = chain(c, bytes_le32(c->bytes, 0x30), (uint64_t)CFB_ENTRIES * ENTRY, &b, &whole);
	c->more = whole;
	c->v = err < 0 ? NULL : calloc(b.n / ENTRY + 1, sizeof(*c->v));
	for (size_t at = 0; c->v && at + ENTRY <= b.n; at += ENTRY) {
		entry(str_make(b.p + at, ENTRY), wide, &c->v[c->n]);
		if (c->v[c->n].type != CFB_FREE)
			c->n++;
	}
	buf_release(&b);
	return err < 0 ? err : !c->v ? ERR_NOMEM : c->n == 0 || c->v[0].type != CFB_ROOT ? ERR_BAD_FORMAT : 0;
}

static int read_mini(struct cfb *c)
{
	struct buf b;
	bool whole;
	int err;

	buf_init(&c->mini, MINI_MAX);
	buf_init(&b, MINI_MAX / MINI_SECTOR * 4);
	err = chain(c, c->v[0].start, c->v[0].size < MINI_MAX ? c->v[0].size : MINI_MAX, &c->mini, &whole);
	if (err == 0)
		err = chain(c, bytes_le32(c->bytes, 0x3c), (uint64_t)bytes_le32(c->bytes, 0x40) * c->sector, &b, &whole);
	c->n_mini_fat = err < 0 ? 0 : b.n / 4;
	c->mini_fat = malloc((c->n_mini_fat + 1) * sizeof(*c->mini_fat));
	if (!c->mini_fat)
		err = ERR_NOMEM;
	for (size_t i = 0; err == 0 && i < c->n_mini_fat; i++)
		c->mini_fat[i] = bytes_le32(buf_str(&b), 4 * i);
	buf_release(&b);
	return err;
}

int cfb_open(struct str bytes, struct cfb *ret)
{
	struct cfb c = { .bytes = bytes };
	unsigned shift = bytes_le16(bytes, 0x1e);
	int err;

	if (bytes.n < HEADER || !bytes_at(bytes, 0, STR("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) || (shift != 9 && shift != 12))
		return ERR_BAD_FORMAT;
	c.sector = (size_t)1 << shift;
	err = read_fat(&c);
	if (err == 0)
		err = read_directory(&c, shift == 12);
	if (err == 0)
		err = read_mini(&c);
	if (err < 0) {
		cfb_release(&c);
		return err;
	}
	*ret = c;
	return 0;
}

void cfb_release(struct cfb *c)
{
	free(c->fat);
	free(c->mini_fat);
	free(c->v);
	buf_release(&c->mini);
	*c = (struct cfb){ 0 };
}

const struct cfb_entry *cfb_find(const struct cfb *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcasecmp(c->v[i].name, name) == 0)
			return &c->v[i];
	return NULL;
}

static int mini_chain(const struct cfb *c, uint32_t id, uint64_t size, struct buf *out, bool *ret_whole)
{
	struct str all = buf_str(&c->mini);

	*ret_whole = true;
	for (size_t hops = 0; size > 0; hops++) {
		struct str s = id < FREE_FROM ? bytes_sub(all, (size_t)id * MINI_SECTOR, MINI_SECTOR) : STR_NONE;

		if (s.n == 0 || hops > c->n_mini_fat) {
			*ret_whole = false;
			return 0;
		}
		s = bytes_sub(s, 0, size < s.n ? (size_t)size : s.n);
		if (buf_str_add(out, s) < 0)
			return ERR_LIMIT;
		size -= s.n;
		id = id < c->n_mini_fat ? c->mini_fat[id] : FREE_FROM;
	}
	return 0;
}

int cfb_read(const struct cfb *c, const struct cfb_entry *e, size_t most, struct buf *out, bool *ret_whole)
{
	uint32_t cutoff = bytes_le32(c->bytes, 0x38);
	uint64_t size = e->size < most ? e->size : most;

	if (e->type != CFB_STREAM)
		return ERR_BAD_FORMAT;
	return e->size < cutoff ? mini_chain(c, e->start, size, out, ret_whole) : chain(c, e->start, size, out, ret_whole);
}
