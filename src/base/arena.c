#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region(p, n)
#define UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define POISON(p, n) ((void)0)
#define UNPOISON(p, n) ((void)0)
#endif

#define ARENA_MAGIC 0xa4e7a001u
#define BLOCK_BYTES 2048u
#define ALIGN 16u

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(ALIGN) char data[];
};

struct arena {
	CHECK_MAGIC;
	bool wipe;
	size_t cap, total, used;
	struct block *top, *first;
};

static struct block *block_new(struct arena *a, size_t need)
{
	size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
	struct block *b;

	/* A block is not larger than what the cap still allows. */
	if (a->total + size > a->cap) {
		size = need;
		if (a->total + size > a->cap)
			return NULL;
	}
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->size = size;
	b->used = 0;
	b->next = a->top;
	POISON(b->data, size);
	a->total += size;
	a->top = b;
	return b;
}

struct arena *arena_new(size_t cap_bytes)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->magic = ARENA_MAGIC;
	a->cap = cap_bytes;
	return a;
}

static void block_free(struct arena *a, struct block *b)
{
	UNPOISON(b->data, b->size);
	if (a->wipe)
		explicit_bzero(b->data, b->size);
	a->total -= b->size;
	free(b);
}

void arena_free(struct arena **ref)
{
	struct arena *a = *ref;

	if (!a)
		return;
	CHECK_OBJ(a, ARENA_MAGIC);
	*ref = NULL;		/* first: the pointer may itself lie in the arena */
	while (a->top) {
		struct block *b = a->top;

		a->top = b->next;
		block_free(a, b);
	}
	a->magic = 0;
	free(a);
}

void arena_clear(struct arena *a)
{
	CHECK_OBJ(a, ARENA_MAGIC);
	while (a->top && (a->top->next || a->top->size > BLOCK_BYTES)) {
		struct block *b = a->top;

		a->top = b->next;
		block_free(a, b);
	}
	if (a->top) {
		UNPOISON(a->top->data, a->top->size);
		if (a->wipe)
			explicit_bzero(a->top->data, a->top->used);
		a->top->used = 0;
		POISON(a->top->data, a->top->size);
	}
	a->used = 0;
}

void arena_wipe_on_free(struct arena *a)
{
	CHECK_OBJ(a, ARENA_MAGIC);
	a->wipe = true;
}

static void *take(struct arena *a, size_t n)
{
	size_t size;
	struct block *b;
	void *p;

	CHECK_OBJ(a, ARENA_MAGIC);
	if (n > a->cap)
		return NULL;
	size = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (size == 0)
		size = ALIGN;
	b = a->top;
	if (!b || b->size - b->used < size) {
		b = block_new(a, size);
		if (!b)
			return NULL;
	}
	p = b->data + b->used;
	UNPOISON(p, n ? n : 1);
	b->used += size;
	a->used += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = take(a, n);

	if (p)
		memset(p, 0, n);
	return p;
}

char *arena_dup(struct arena *a, const void *p, size_t n)
{
	char *copy = take(a, n + 1);

	if (!copy)
		return NULL;
	if (n)
		memcpy(copy, p, n);
	copy[n] = 0;
	return copy;
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_dup(a, s.p, s.n);

	return (struct str){ p, p ? s.n : 0 };
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	int n;
	char *p;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : take(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return (struct str){ p, p ? (size_t)n : 0 };
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
