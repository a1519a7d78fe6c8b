/* vault_pack.c - see vault_pack.h. */
#include "vault/vault_pack.h"

void vault_pack_u32(struct buf *b, uint32_t v)
{
	uint8_t p[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	buf_add(b, p, sizeof(p));
}

void vault_pack_u64(struct buf *b, uint64_t v)
{
	vault_pack_u32(b, (uint32_t)(v >> 32));
	vault_pack_u32(b, (uint32_t)v);
}

void vault_pack_str(struct buf *b, struct str s)
{
	vault_pack_u32(b, (uint32_t)s.n);
	buf_str_add(b, s);
}

struct str vault_unpack_bytes(struct vault_unpack *u, size_t n)
{
	struct str s;

	if (u->bad || u->rest.n < n) {
		u->bad = true;
		return STR_NONE;
	}
	s = str_make(u->rest.p, n);
	u->rest = str_cut(u->rest, n);
	return s;
}

uint32_t vault_unpack_u32(struct vault_unpack *u)
{
	struct str s = vault_unpack_bytes(u, 4);
	uint32_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (uint8_t)s.p[i];
	return v;
}

uint64_t vault_unpack_u64(struct vault_unpack *u)
{
	uint64_t high = vault_unpack_u32(u);

	return high << 32 | vault_unpack_u32(u);
}

struct str vault_unpack_str(struct vault_unpack *u)
{
	return vault_unpack_bytes(u, vault_unpack_u32(u));
}

int vault_unpack_end(const struct vault_unpack *u)
{
	return u->bad || u->rest.n ? ERR_CORRUPT : 0;
}
