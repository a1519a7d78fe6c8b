#include "scan/tnef.h"

#include "scan/bytes.h"

#define HEADER 6			/* its mark and a key */
#define TITLE 0x00018010u		/* attributes: the name of an attachment, its bytes */
#define DATA 0x0006800fu
#define ATTRIBUTES 4096

void tnef_check(struct look *l, struct str s)
{
	struct str name = STR("attachment");

	for (size_t at = HEADER, i = 0; at + 9 <= s.n && i < ATTRIBUTES; i++) {
		uint32_t id = bytes_le32(s, at + 1), n = bytes_le32(s, at + 5);
		struct str value = bytes_sub(s, at + 9, n);

		if (id == TITLE) {
			name = value.n > 1 ? str_make(value.p, strnlen(value.p, value.n)) : STR("attachment");
		} else if (id == DATA) {
			if (l->depth >= SCAN_DEPTH)
				look_note(l, FACT_ARCHIVE_DEPTH, "more than %d, one in another", SCAN_DEPTH);
			else if (look_enter(l) && look_spend(l, value.n))
				look_part(l, name, value);
		}
		at += 9u + (uint64_t)n + 2;
		if (i + 1 == ATTRIBUTES)
			look_note(l, FACT_ARCHIVE_MANY, "more than %d attributes", ATTRIBUTES);
	}
}
