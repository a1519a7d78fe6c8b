/* networks.c - see networks.h. */
#include "policy/networks.h"

#include <arpa/inet.h>
#include <string.h>

static bool bit_at(const uint8_t *p, unsigned i)
{
	return p[i / 8] >> (7 - i % 8) & 1;
}

bool networks_parse(struct str text, struct network *ret)
{
	struct network n = { .bits = 128 };
	ptrdiff_t slash = str_find_char(text, '/');
	struct str host = slash < 0 ? text : str_make(text.p, (size_t)slash);
	char z[INET6_ADDRSTRLEN];
	uint64_t bits = 128;
	bool v4;

	if (host.n == 0 || host.n >= sizeof(z))
		return false;
	memcpy(z, host.p, host.n);
	z[host.n] = '\0';
	v4 = inet_pton(AF_INET, z, n.address + 12) == 1;
	if (v4)
		n.address[10] = n.address[11] = 0xff;
	else if (inet_pton(AF_INET6, z, n.address) != 1)
		return false;
	if (slash >= 0 && !str_to_u64(str_cut(text, (size_t)slash + 1), v4 ? 32 : 128, &bits))
		return false;
	n.bits = (unsigned)bits + (v4 && slash >= 0 ? 96 : 0);
	for (unsigned i = n.bits; i < 128; i++)
		if (bit_at(n.address, i))
			return false;
	*ret = n;
	return true;
}

bool networks_has(const struct network *n, const uint8_t address[NETWORKS_ADDRESS])
{
	unsigned whole = n->bits / 8;

	if (memcmp(n->address, address, whole) != 0)
		return false;
	for (unsigned i = whole * 8; i < n->bits; i++)
		if (bit_at(n->address, i) != bit_at(address, i))
			return false;
	return true;
}

bool networks_allow(const struct networks *n, uint64_t person, const uint8_t address[NETWORKS_ADDRESS])
{
	for (unsigned i = 0; i < n->n; i++) {
		if (!(n->v[i].who & person))
			continue;
		for (unsigned k = 0; k < n->v[i].n; k++)
			if (networks_has(&n->v[i].v[k], address))
				return true;
		return false;
	}
	return n->otherwise == 0;
}
