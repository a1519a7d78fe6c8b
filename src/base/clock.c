#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* RULE: thread-local state outside a shard: the clock of a simulated thread. */
static _Thread_local const struct clock_virtual *simulated;

static uint64_t now_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t clock_mono_us(void)
{
	return simulated ? simulated->mono_us : now_us(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000u;
}

uint64_t clock_wall_us(void)
{
	return simulated ? simulated->wall_us : now_us(CLOCK_REALTIME);
}

uint64_t clock_wall_ms(void)
{
	return clock_wall_us() / 1000u;
}

void clock_simulate(const struct clock_virtual *virtual_clock)
{
	simulated = virtual_clock;
}

void clock_stamp(uint64_t wall_ms, char ret[CLOCK_STAMP_BYTES])
{
	time_t t = (time_t)(wall_ms / 1000u);
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(ret, CLOCK_STAMP_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000u,
		 (unsigned)(tm.tm_mon + 1) % 100u, (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u,
		 (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u, (unsigned)(wall_ms % 1000u));
}

static bool digits(const char **p, const char *end, int n, int *ret)
{
	int v = 0;

	if (end - *p < n)
		return false;
	for (int i = 0; i < n; i++) {
		char c = (*p)[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*p += n;
	*ret = v;
	return true;
}

static bool literal(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return false;
	(*p)++;
	return true;
}

static bool zone(const char **p, const char *end, int *ret_minutes)
{
	int sign, h, m;

	if (literal(p, end, 'Z')) {
		*ret_minutes = 0;
		return true;
	}
	if (literal(p, end, '+'))
		sign = 1;
	else if (literal(p, end, '-'))
		sign = -1;
	else
		return false;
	if (!digits(p, end, 2, &h) || !literal(p, end, ':') || !digits(p, end, 2, &m) || h > 14 || m > 59)
		return false;
	*ret_minutes = sign * (h * 60 + m);
	return true;
}

int clock_parse(const char *p, unsigned long n, uint64_t *ret_wall_ms)
{
	const char *end = p + n;
	int y, mo, d, h, mi, s, ms = 0, off, scale = 100;
	static const int month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct tm tm = { 0 };
	int64_t t;

	if (!digits(&p, end, 4, &y) || !literal(&p, end, '-') || !digits(&p, end, 2, &mo) || !literal(&p, end, '-') ||
	    !digits(&p, end, 2, &d) || !literal(&p, end, 'T') || !digits(&p, end, 2, &h) || !literal(&p, end, ':') ||
	    !digits(&p, end, 2, &mi) || !literal(&p, end, ':') || !digits(&p, end, 2, &s))
		return -1;
	if (literal(&p, end, '.')) {
		int digit;

		if (p >= end || *p < '0' || *p > '9')
			return -1;
		while (p < end && *p >= '0' && *p <= '9' && digits(&p, end, 1, &digit)) {
			ms += digit * scale;
			scale /= 10;
		}
	}
	if (!zone(&p, end, &off) || p != end)
		return -1;
	if (y < 1970 || y > 9998 || mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1] || h > 23 || mi > 59 || s > 59)
		return -1;
	tm.tm_year = y - 1900;
	tm.tm_mon = mo - 1;
	tm.tm_mday = d;
	tm.tm_hour = h;
	tm.tm_min = mi;
	tm.tm_sec = s;
	t = (int64_t)timegm(&tm) - (int64_t)off * 60;
	if (tm.tm_mday != d || t < 0)
		return -1;
	*ret_wall_ms = (uint64_t)t * 1000u + (uint64_t)ms;
	return 0;
}

uint32_t clock_month(uint64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000u);
	struct tm tm;

	gmtime_r(&t, &tm);
	return (uint32_t)(tm.tm_year + 1900) * 12u + (uint32_t)tm.tm_mon;
}
