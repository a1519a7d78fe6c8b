/* picture.h - are these bytes a picture, from its beginning to its end, and nothing more? Pure.
 *
 * PNG, JPEG, GIF, WebP and BMP: what clients show by themselves. The frame of the format is walked, not the pixels: what is appended, or
 * is something else behind the first bytes, is no picture. SVG is none: it can hold scripts.
 */
#ifndef INSPECT_PICTURE_H
#define INSPECT_PICTURE_H

#include <stddef.h>
#include <stdint.h>

/* "image/png", or NULL. */
const char *picture_type(const uint8_t *p, size_t n);

#endif
