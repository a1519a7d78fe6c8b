#include "base/rand.h"

#include <string.h>
#include <sys/random.h>

#include "base/check.h"

/* RULE: thread-local state outside a shard: a buffer of kernel randomness saves a system call a nonce. */
static _Thread_local struct {
	uint8_t bytes[256];
	size_t left;
	uint64_t seed;
} pool;

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void refill(void)
{
	if (pool.seed) {
		for (size_t i = 0; i < sizeof(pool.bytes); i += 8) {
			uint64_t v = splitmix(&pool.seed);

			memcpy(pool.bytes + i, &v, 8);
		}
	} else {
		size_t got = 0;

		while (got < sizeof(pool.bytes)) {
			ssize_t r = getrandom(pool.bytes + got, sizeof(pool.bytes) - got, 0);

			CHECK(r > 0);
			got += (size_t)r;
		}
	}
	pool.left = sizeof(pool.bytes);
}

void rand_bytes(void *p, size_t n)
{
	uint8_t *out = p;

	while (n) {
		size_t part;

		if (pool.left == 0)
			refill();
		part = n < pool.left ? n : pool.left;
		memcpy(out, pool.bytes + pool.left - part, part);
		explicit_bzero(pool.bytes + pool.left - part, part);
		pool.left -= part;
		out += part;
		n -= part;
	}
}

uint64_t rand_u64(void)
{
	uint64_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

uint64_t rand_below(uint64_t limit)
{
	uint64_t cut = -limit % limit, v;

	CHECK(limit > 0);
	do
		v = rand_u64();
	while (v < cut);
	return v % limit;
}

void rand_text(char *ret, size_t n)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (size_t i = 0; i < n; i++) {
		uint8_t b;

		rand_bytes(&b, 1);
		ret[i] = alphabet[b & 31];
	}
	ret[n] = 0;
}

void rand_simulate(uint64_t seed)
{
	pool.seed = seed;
	pool.left = 0;
}
