/* noise.c - see noise.h. Chi-square of the bytes against an even spread: 255 degrees of freedom; of dice one in ten thousand is outside of the
 * bounds. Looked at in pieces, so that a head or tail of another sort does not drown in a long file. */
#include "scan/noise.h"

#define PIECE 65536
#define LOW 165.0
#define HIGH 350.0

static double chi_square(const uint8_t *p, size_t n)
{
	size_t count[256] = { 0 };
	double even = (double)n / 256, sum = 0;

	for (size_t i = 0; i < n; i++)
		count[p[i]]++;
	for (unsigned i = 0; i < 256; i++) {
		double d = (double)count[i] - even;

		sum += d * d / even;
	}
	return sum;
}

bool noise_is(struct str bytes)
{
	size_t pieces = 0, odd = 0;

	if (bytes.n < NOISE_LEAST)
		return false;
	for (size_t at = 0; at < bytes.n; at += PIECE) {
		size_t n = bytes.n - at < PIECE ? bytes.n - at : PIECE;
		double chi;

		if (n < NOISE_LEAST)
			break;
		chi = chi_square((const uint8_t *)bytes.p + at, n);
		pieces++;
		odd += chi < LOW || chi > HIGH;
	}
	return odd * 100 <= pieces;
}
