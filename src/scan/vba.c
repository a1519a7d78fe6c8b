#include "scan/vba.h"

#include "base/check.h"
#include "scan/bytes.h"

#define CHUNK 4096

/* One chunk: tokens of literals and of copies from what came before in this chunk. Returns how many bytes of it were read. */
static size_t chunk(struct str s, struct buf *out)
{
	uint16_t head = bytes_le16(s, 0);
	size_t end = 2u + (head & 0x0fff) + 1u, at = 2, start = out->n;

	if (end > s.n)
		end = s.n;
	if (!(head & 0x8000)) {				/* as it is */
		if (buf_str_add(out, bytes_sub(s, 2, CHUNK)) < 0)
			return s.n;
		return 2 + CHUNK;
	}
	while (at < end) {
		uint8_t flags = bytes_u8(s, at++);

		for (unsigned bit = 0; bit < 8 && at < end; bit++) {
			size_t have = out->n - start;

			if (!(flags >> bit & 1)) {
				if (buf_char(out, s.p[at++]) < 0)
					return s.n;
				continue;
			}
			uint16_t token = bytes_le16(s, at);
			unsigned bits = 4;

			while (bits < 12 && (1u << bits) < have)
				bits++;
			size_t length = (token & (0xffffu >> bits)) + 3u, back = (size_t)(token >> (16 - bits)) + 1;

			at += 2;
			if (back > have || have > CHUNK)
				return s.n;
			while (length-- > 0)
				if (buf_char(out, out->p[out->n - back]) < 0)
					return s.n;
		}
	}
	return end;
}

/* Where it begins stands in the stream `dir`; but every module's source begins with "Attribute", and packed that looks so. */
bool vba_source(struct str s, struct buf *out)
{
	ptrdiff_t at = str_find(s, STR("\0Attribut\0e "));
	size_t from;

	if (at < 3 || s.p[at - 3] != 1)
		return false;
	for (from = (size_t)at - 2; from + 2 < s.n && out->n < VBA_SOURCE;)
		from += chunk(str_cut(s, from), out);
	return true;
}

const char *vba_starts(struct str source)
{
	static const struct str names[] = {
		{ "AutoExec", 8 }, { "AutoOpen", 8 }, { "AutoNew", 7 }, { "AutoClose", 9 }, { "AutoExit", 8 }, { "Auto_Open", 9 },
		{ "Auto_Close", 10 },
		{ "Auto_Activate", 13 }, { "Document_Open", 13 }, { "Document_Close", 14 }, { "Document_New", 12 }, { "DocumentOpen", 12 },
		{ "DocumentBeforeClose", 19 }, { "DocumentChange", 14 }, { "Document_BeforeClose", 20 }, { "Workbook_Open", 13 },
		{ "WorkbookOpen", 12 },
		{ "Workbook_Activate", 17 }, { "Workbook_BeforeClose", 20 }, { "Workbook_WindowActivate", 23 },
		{ "Worksheet_Activate", 18 },
		{ "Worksheet_Calculate", 19 }, { "Worksheet_Change", 16 }, { "Slide_Show", 10 }, { "OnSlideShowPageChange", 21 },
		{ "SlideShowBegin", 14 },
		{ "_Painted", 8 }, { "_Layout", 7 }, { "_GotFocus", 9 }, { "_MouseMove", 10 }, { "_Resize", 7 }, { "_BeforeNavigate", 15 },
		{ "UserForm_Initialize", 19 }, { "Application_Startup", 19 }, { "_onConnecting", 13 }, { "App_Open", 8 },
	};
	char low[32];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t k = 0; k < names[i].n; k++)
			low[k] = names[i].p[k] >= 'A' && names[i].p[k] <= 'Z' ? (char)(names[i].p[k] | 0x20) : names[i].p[k];
		if (bytes_has_nocase(source, str_make(low, names[i].n)))
			return names[i].p;
	}
	return NULL;
}
