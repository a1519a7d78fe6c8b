/* clock.h - the one source of time. Units are in the names.
 *
 * Tests  clock_simulate() gives the calling thread a virtual clock (loop_sim sets it);
 *        NULL goes back to the kernel. Nothing else in the tree asks for the time.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock_virtual {
	uint64_t mono_us;
	uint64_t wall_us;
};

uint64_t clock_mono_ms(void);		/* never goes back; for deadlines */
uint64_t clock_mono_us(void);
uint64_t clock_wall_ms(void);		/* since 1970 UTC; for stamps */
uint64_t clock_wall_us(void);
void clock_simulate(const struct clock_virtual *virtual_clock);

/* XEP-0082 in UTC, "2026-11-24T08:00:00.123Z" (24 characters + NUL). */
#define CLOCK_STAMP_BYTES 32
void clock_stamp(uint64_t wall_ms, char ret[CLOCK_STAMP_BYTES]);
/* The inverse; accepts any offset and fraction XEP-0082 allows. 0 or -1. */
int clock_parse(const char *p, unsigned long n, uint64_t *ret_wall_ms);
/* Year * 12 + month - 1 in UTC: the unit of archive keys. */
uint32_t clock_month(uint64_t wall_ms);

#endif
