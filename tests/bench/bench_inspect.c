/* bench_inspect.c - what judging costs: all inspectors on, messages of 100 bytes, and the memory of a million senders.
 *
 * Prints the median and the 99th percentile of a message's CPU time, and by how much the process grew while so many different senders
 * wrote one message each. Exit status 1 when memory is past what its limits allow.
 *
 * bench_inspect [MESSAGES [SENDERS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "outbreak/guard.h"
#include "outbreak/sender.h"

#define PEOPLE 500
#define ARENA_BYTES (1u << 20)

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned long rss_kib(void)
{
	unsigned long size = 0, rss = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%lu %lu", &size, &rss) != 2)
		rss = 0;
	if (f)
		fclose(f);
	return rss * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static uint64_t judge(struct guard *g, struct arena *a, unsigned from, unsigned n)
{
	static const char *const words[] = { "the report is ready for you", "could somebody look at the printer", "we meet after lunch, room four",
					     "numbers of last week are in the folder", "thanks, that was quick, see you" };
	char from_jid[64], to_jid[64], body[160];
	int used = snprintf(body, sizeof(body), "%s %u ", words[n % 5], n);
	struct subject s = { .topic = STR_NONE, .known = true, .audience = 1, .ts_ms = 1700000000000u + n * 50ull };
	struct judgement j;
	uint64_t began;

	if (n % 50 == 0)
		used += snprintf(body + used, sizeof(body) - (size_t)used, "http://paper%u.test/story/%u ", n % 3000, n);
	for (; used < 100; used++)
		body[used] = used % 7 ? (char)('a' + (int)((n + (unsigned)used * 11) % 26)) : ' ';
	snprintf(from_jid, sizeof(from_jid), "u%u@firm.example", from);
	snprintf(to_jid, sizeof(to_jid), "u%u@firm.example", n * 7 % PEOPLE);
	s.from = str_of(from_jid);
	s.to = str_of(to_jid);
	s.body = str_make(body, 100);
	arena_clear(a);
	began = cpu_ns();
	if (guard_judge(g, &s, a, &j) < 0)
		abort();
	return cpu_ns() - began;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 200000, senders = argc > 2 ? (unsigned)atoi(argv[2]) : 1000000;
	uint64_t *took = calloc(n + 1, sizeof(*took));
	struct arena *a = arena_new(ARENA_BYTES);
	unsigned long before, after, allowed = (unsigned long)SENDERS * SENDER_BYTES / 1024 + 64 * 1024;
	struct policy *p;
	struct guard *g;
	struct str why;

	if (!took || !a || n == 0 || policy_parse(STR(""), "policy.yaml", "firm.example", a, &p, &why) < 0 || guard_new(p, &g) < 0)
		abort();
	for (unsigned i = 0; i < n; i++)
		took[i] = judge(g, a, i % PEOPLE, i);
	qsort(took, n, sizeof(*took), by_value);
	printf("%u messages of 100 bytes: median %.1f us, 99th percentile %.1f us of CPU\n", n, (double)took[n / 2] / 1000, (double)took[n - 1 - n / 100] / 1000);
	before = rss_kib();
	for (unsigned i = 0; i < senders; i++)
		judge(g, a, PEOPLE + i, n + i);
	after = rss_kib();
	printf("%u distinct senders: %lu KiB more, %lu KiB allowed; %zu bytes a sender\n", senders, after > before ? after - before : 0, allowed, sizeof(struct sender));
	guard_free(&g);
	arena_free(&a);
	free(took);
	return after > before + allowed;
}
