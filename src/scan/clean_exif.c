/* clean_exif.c - the one thing of Exif that belongs to the picture: how it is turned (Exif 2.32, tag 0x0112). */
#include "scan/clean_parts.h"

#define TAG_ORIENTATION 0x0112
#define TAGS_MAX 512

static uint32_t u16(struct str t, size_t at, bool big)
{
	return big ? clean_be16(t.p + at) : clean_le16(t.p + at);
}

unsigned clean_exif_orientation(struct str tiff)
{
	bool big = str_starts(tiff, str_make("MM\0*", 4));
	size_t at, n;

	if (tiff.n < 14 || (!big && !str_starts(tiff, str_make("II*\0", 4))))
		return 0;
	at = big ? clean_be32(tiff.p + 4) : clean_le32(tiff.p + 4);
	if (at > tiff.n - 2)
		return 0;
	n = u16(tiff, at, big);
	at += 2;
	for (size_t i = 0; i < n && i < TAGS_MAX && tiff.n - at >= 12; i++, at += 12) {
		uint32_t v;

		if (u16(tiff, at, big) != TAG_ORIENTATION || u16(tiff, at + 2, big) != 3)
			continue;
		v = u16(tiff, at + 8, big);
		return v >= 2 && v <= 8 ? v : 0;
	}
	return 0;
}

void clean_exif_make(unsigned orientation, uint8_t ret[CLEAN_EXIF_BYTES])
{
	static const uint8_t form[CLEAN_EXIF_BYTES] = {
		'M', 'M', 0, '*', 0, 0, 0, 8,			/* big-endian, the directory follows */
		0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0,	/* one entry: a SHORT */
		0, 0, 0, 0,					/* no other directory */
	};

	memcpy(ret, form, sizeof(form));
	ret[19] = (uint8_t)orientation;
}
