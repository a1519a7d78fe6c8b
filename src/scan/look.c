#include "scan/look.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

/* For people: printable, one line, no characters that turn or hide what stands beside them. */
static bool plain(uint32_t cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xfffd || cp == 0xad)
		return false;
	return !((cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0x61c ||
		 (cp >= 0xe000 && cp <= 0xf8ff) || cp >= 0xe0000);
}

static void clean_copy(char ret[FACT_EVIDENCE], struct str s)
{
	size_t at = 0, n = 0;

	while (at < s.n) {
		uint32_t cp = utf8_next(s, &at);
		char bytes[4];
		size_t k = utf8_put(plain(cp) ? cp : '?', bytes);

		if (n + k >= FACT_EVIDENCE)
			break;
		memcpy(ret + n, bytes, k);
		n += k;
	}
	ret[n] = 0;
}

void look_note(struct look *l, enum file_fact fact, const char *fmt, ...)
{
	struct scan_out *o = l->out;
	char text[512], whole[LOOK_WHERE + sizeof(text) + 4];
	va_list ap;

	CHECK((unsigned)fact < FACT_COUNT);
	/* Of what lies within it is not told: only the file itself can be given without. */
	if (look_has(l, fact) || (l->depth > 0 && (fact == FACT_METADATA || fact == FACT_TRAILING_DATA)))
		return;
	o->facts |= FACT_BIT(fact);
	if (o->n_found == FACTS_FOUND)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "%s%s%s", l->where, l->where[0] && text[0] ? ": " : "", text);
	o->found[o->n_found].fact = (uint8_t)fact;
	clean_copy(o->found[o->n_found].evidence, str_of(whole));
	o->n_found++;
}

bool look_spend(struct look *l, uint64_t n)
{
	l->unpacked += n;
	if (l->unpacked <= l->unpacked_max)
		return true;
	look_note(l, FACT_ARCHIVE_BOMB, "more than %llu bytes", (unsigned long long)l->unpacked_max);
	return false;
}

bool look_enter(struct look *l)
{
	if (++l->entries <= SCAN_ENTRIES)
		return true;
	look_note(l, FACT_ARCHIVE_MANY, "more than %d files", SCAN_ENTRIES);
	return false;
}
