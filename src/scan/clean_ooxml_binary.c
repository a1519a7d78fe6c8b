/* clean_ooxml_binary.c - sheets of a binary workbook (.xlsb): without the records that their lost relationships were for. */
#include "scan/clean_ooxml.h"

/* MS-XLSB 2.1.4: a type and a length of up to 2 and 4 bytes, seven bits of each. */
static bool record(struct str in, size_t *at, uint32_t *ret_type, size_t *ret_end)
{
	uint32_t v[2] = { 0, 0 };

	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < (k == 0 ? 2u : 4u); i++) {
			uint8_t b;

			if (*at == in.n)
				return false;
			b = (uint8_t)in.p[(*at)++];
			v[k] |= (uint32_t)(b & 0x7f) << 7 * i;
			if (!(b & 0x80))
				break;
		}
	*ret_type = v[0];
	if (v[1] > in.n - *at)
		return false;
	*ret_end = *at + v[1];
	return true;
}

int clean_ooxml_binary(struct clean_ooxml *o, struct clean_zip_part *zp)
{
	enum { OLE_FIRST = 638, OLE_LAST = 640, CONTROL_FIRST = 643, CONTROL_LAST = 645 };
	struct buf text, copy;
	bool lost = false;
	size_t at = 0;
	int err;

	for (size_t i = 0; i < o->opc.n_rels; i++)
		lost |= o->opc.rels[i].source == zp && o->opc.rels[i].drop;
	if (!lost)
		return 0;
	buf_init(&copy, CLEAN_ZIP_PART);
	err = clean_zip_plain(&o->opc.zip, zp, &text);
	while (err == 0 && at < text.n) {
		size_t from = at, end;
		uint32_t type;

		if (!record(buf_str(&text), &at, &type, &end)) {
			err = ERR_BAD_FORMAT;
			break;
		}
		if (!(type >= OLE_FIRST && type <= OLE_LAST) && !(type >= CONTROL_FIRST && type <= CONTROL_LAST))
			buf_add(&copy, text.p + from, end - from);
		at = end;
	}
	if (err == 0 && copy.failed)
		err = ERR_LIMIT;
	if (err == 0)
		clean_zip_replace(zp, &copy);
	buf_release(&text);
	buf_release(&copy);
	return err;
}
