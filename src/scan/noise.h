/* noise.h - are these bytes like those of a dice, as a cipher makes them? Pure.
 *
 * Compressed data has a head that names it, and is less even than a cipher's.
 */
#ifndef SCAN_NOISE_H
#define SCAN_NOISE_H

#include <stdbool.h>

#include "base/str.h"

#define NOISE_LEAST 2048			/* bytes: of less little can be said, and keys look so, too */

bool noise_is(struct str bytes);

#endif
