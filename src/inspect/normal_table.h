/* normal_table.h - what every character folds to; for normal*.c alone. */
#ifndef INSPECT_NORMAL_TABLE_H
#define INSPECT_NORMAL_TABLE_H

#include "inspect/normal.h"

#define NORMAL_PLANES 0x20000		/* the first two planes; further ones hold rare ideographs */

/* An entry: the folded character, and what it was. */
#define NF_CHAR 0x1fffffu
#define NF_DROP (1u << 21)		/* invisible or a mark on the letter before */
#define NF_LETTER (1u << 22)
#define NF_DIGIT (1u << 23)
#define NF_SPACE (1u << 24)
#define NF_UPPER (1u << 25)
#define NF_STYLED (1u << 26)		/* full width, mathematical, circled ... */
#define NF_LATIN (1u << 27)
#define NF_ALIKE (1u << 28)		/* of another alphabet, and looks like a Latin letter */
#define NF_EMOJI (1u << 29)
#define NF_HAN (1u << 30)		/* written without blanks between words */
#define NF_MARK (1u << 31)

struct normal_table {
	uint32_t e[NORMAL_PLANES];
};

#endif
