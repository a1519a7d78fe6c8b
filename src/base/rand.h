/* rand.h - the one source of randomness.
 *
 * Threads  Each thread has its own buffer of getrandom() output.
 * Tests    rand_simulate(seed) makes the calling thread's stream reproducible;
 *          rand_simulate(0) goes back to the kernel.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *p, size_t n);
uint64_t rand_u64(void);
uint64_t rand_below(uint64_t limit);		/* uniform in [0, limit); limit > 0 */
/* n characters of [a-z2-7], NUL added: ret has n + 1 bytes. 5 bits each. */
void rand_text(char *ret, size_t n);
void rand_simulate(uint64_t seed);

#endif
