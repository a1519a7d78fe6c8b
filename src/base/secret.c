#include "base/secret.h"

#include <stdlib.h>

struct secret {
	size_t n;
	uint8_t bytes[];
};

struct secret *secret_new(const void *p, size_t n)
{
	struct secret *s = malloc(sizeof(*s) + n);

	if (!s)
		return NULL;
	s->n = n;
	if (n)
		memcpy(s->bytes, p, n);
	return s;
}

void secret_free(struct secret **s)
{
	if (!*s)
		return;
	explicit_bzero((*s)->bytes, (*s)->n);
	free(*s);
	*s = NULL;
}

const uint8_t *secret_bytes(const struct secret *s)
{
	return s->bytes;
}

size_t secret_len(const struct secret *s)
{
	return s->n;
}

void secret_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

bool secret_eq(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= (uint8_t)(x[i] ^ y[i]);
	return diff == 0;
}
