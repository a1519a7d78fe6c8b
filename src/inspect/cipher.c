/* cipher.c - see cipher.h. */
#include "inspect/cipher.h"

#include <stdio.h>

#include "base/map.h"

/* People to whom a message like this went within the window, this receiver included. */
static unsigned people(const struct cipher_memory *m, uint32_t to, uint32_t now_s, uint32_t digest, uint32_t bytes)
{
	uint32_t seen[CIPHER_KEPT + 1] = { to };
	unsigned n = 1;

	for (unsigned i = 0; i < CIPHER_KEPT && i < m->n; i++) {
		bool known = false;

		if (m->v[i].when_s + CIPHER_WINDOW_S < now_s || (digest ? m->v[i].digest != digest : m->v[i].bytes != bytes))
			continue;
		for (unsigned k = 0; k < n; k++)
			known |= seen[k] == m->v[i].to;
		if (!known)
			seen[n++] = m->v[i].to;
	}
	return n;
}

/* People to whom anything went within CIPHER_FAST_S. */
static unsigned lately(const struct cipher_memory *m, uint32_t to, uint32_t now_s)
{
	uint32_t seen[CIPHER_KEPT + 1] = { to };
	unsigned n = 1;

	for (unsigned i = 0; i < CIPHER_KEPT && i < m->n; i++) {
		bool known = m->v[i].when_s + CIPHER_FAST_S < now_s;

		for (unsigned k = 0; k < n && !known; k++)
			known = seen[k] == m->v[i].to;
		if (!known)
			seen[n++] = m->v[i].to;
	}
	return n;
}

/* The last CIPHER_FAST messages, this one included, went to as many people, in a burst or at equal distances. */
static bool by_the_clock(const struct cipher_memory *m, uint32_t to, uint32_t now_s)
{
	uint32_t seen[CIPHER_FAST] = { to }, at[CIPHER_FAST] = { now_s }, mean;

	if (m->n < CIPHER_FAST - 1)
		return false;
	for (unsigned i = 1; i < CIPHER_FAST; i++) {
		unsigned place = (m->n - i) % CIPHER_KEPT;

		seen[i] = m->v[place].to;
		at[i] = m->v[place].when_s;
		for (unsigned k = 0; k < i; k++)
			if (seen[k] == seen[i])
				return false;
		if (at[i] > at[i - 1])
			return false;
	}
	mean = (now_s - at[CIPHER_FAST - 1]) / (CIPHER_FAST - 1);
	for (unsigned i = 1; i < CIPHER_FAST && mean > CIPHER_BURST_S; i++) {
		uint32_t gap = at[i - 1] - at[i], off = gap > mean ? gap - mean : mean - gap;

		if (off > 1 && off > mean / CIPHER_JITTER)
			return false;
	}
	return true;
}

void cipher_verdict(struct cipher_memory *m, const struct subject *s, uint32_t to, struct verdict *v)
{
	static const uint64_t key[2] = { 0x636970686572, 0x776172 };
	uint32_t digest = s->cipher.n ? (uint32_t)map_hash(key, s->cipher) | 1 : 0, now_s = (uint32_t)(s->ts_ms / 1000), bytes = (uint32_t)s->cipher.n;
	unsigned same, alike;
	char text[64];

	if (!digest || bytes < CIPHER_LEAST)
		return;
	same = people(m, to, now_s, digest, 0);
	alike = people(m, to, now_s, 0, bytes);
	snprintf(text, sizeof(text), "%u people within %u minutes", same >= CIPHER_SAME ? same : alike, CIPHER_WINDOW_S / 60);
	if (same >= CIPHER_SAME)
		inspect_add(v, WORM_CIPHER_SAME, str_of(text));
	else if (alike >= CIPHER_PEOPLE)
		inspect_add(v, WORM_CIPHER_ALIKE, str_of(text));
	if (lately(m, to, now_s) >= CIPHER_FAST)
		inspect_add(v, WORM_CIPHER_FAST, STR_NONE);
	if (by_the_clock(m, to, now_s))
		inspect_add(v, WORM_CIPHER_PACE, STR_NONE);
	m->v[m->n % CIPHER_KEPT].to = to;
	m->v[m->n % CIPHER_KEPT].digest = digest;
	m->v[m->n % CIPHER_KEPT].when_s = now_s;
	m->v[m->n % CIPHER_KEPT].bytes = bytes;
	m->n++;
}
