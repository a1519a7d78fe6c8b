#include "scan/ole.h"

#include <strings.h>
#include <zlib.h>

#include "scan/bytes.h"
#include "scan/vba.h"

#define NATIVE_NAME 260
#define PPT_DEPTH 16

enum kind ole_kind(const struct cfb *c)
{
	static const struct { const char *stream; enum kind kind; } of[] = {
		{ "__properties_version1.0", KIND_MSG }, { "WordDocument", KIND_DOC }, { "Workbook", KIND_XLS }, { "Book", KIND_XLS },
		{ "PowerPoint Document", KIND_PPT }, { "PP40", KIND_PPT }, { "EncryptedPackage", KIND_DOC },
		{ "VisioDocument", KIND_OLE_OTHER }, { "Quill", KIND_OLE_OTHER },
		{ "MM", KIND_OLE_OTHER }, { "MatOST", KIND_OLE_OTHER }, { "FileHeader", KIND_OLE_OTHER },
	};
	static const uint8_t msi[][2] = { { 0x84, 0x10 }, { 0x86, 0x10 }, { 0x82, 0x10 } };
	const uint8_t *id = c->v[0].class_id;

	for (size_t i = 0; i < ARRAY_SIZE(msi); i++)
		if (id[0] == msi[i][0] && id[1] == msi[i][1] && id[2] == 0x0c && id[3] == 0 && id[8] == 0xc0 && id[15] == 0x46)
			return KIND_MSI;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		if (cfb_find(c, of[i].stream))
			return of[i].kind;
	return KIND_OLE;
}

bool ole_encrypted_package(const struct cfb *c)
{
	return cfb_find(c, "EncryptedPackage") && (cfb_find(c, "EncryptionInfo") || cfb_find(c, "\6DataSpaces"));
}

/* A file that was put into a document as it is (MS-OLEDS 2.3.6): its name, then its bytes. */
static void native(struct look *l, struct str s)
{
	size_t at = 4, label;
	struct str name;
	uint32_t n = 0;

	if (bytes_le16(s, at) == 2) {
		const char *end;

		label = at + 2;
		for (unsigned i = 0; i < 2; i++) {		/* label and file name */
			end = memchr(s.p + label, 0, bytes_sub(s, label, NATIVE_NAME).n);
			if (!end)
				return;
			name = str_make(s.p + label, (size_t)(end - (s.p + label)));
			label += name.n + 1;
		}
		at = label + 4;					/* two numbers, then the path where it was for a while */
		at += 4u + bytes_le32(s, at);
		n = bytes_le32(s, at);
		at += 4;
		look_note(l, FACT_EMBEDDED_OBJECT, "%.*s", name.n > 60 ? 60 : (int)name.n, name.p);
		if (at <= s.n)
			look_part(l, name, bytes_sub(s, at, n));
	} else {
		look_part(l, STR("object"), str_cut(s, 4));
	}
}

static void module(struct look *l, const struct cfb_entry *e, struct str s)
{
	struct buf source;
	const char *name;

	buf_init(&source, VBA_SOURCE + 8192);
	if (vba_source(s, &source)) {
		look_note(l, FACT_MACRO, "module %s", e->name);
		name = vba_starts(buf_str(&source));
		if (name)
			look_note(l, FACT_MACRO_AUTO, "%s", name);
		if (l->in->part)
			l->in->part(l->in->part_ctx, str_of(l->where), buf_str(&source));
	}
	buf_release(&source);
}

/* Text of a Word document stands in it in 8 or in 16 bits; a field begins with U+0013. */
static void word(struct look *l, struct str s)
{
	if (bytes_le16(s, 0x0a) & 0x0100)
		look_note(l, FACT_ENCRYPTED_DOCUMENT, "Word");
	if (bytes_has_nocase(s, STR("ddeauto")) || bytes_has_nocase(s, STR("\x13 dde ")) || bytes_has_nocase(s, STR("\x13" "dde ")) ||
	    bytes_has_nocase(s, STR("d\0d\0e\0a\0u\0t\0o\0")) || bytes_has_nocase(s, STR("\x13\0 \0d\0d\0e\0 \0")))
		look_note(l, FACT_DDE, "field DDE");
}

/* Names: built-in ones have a number instead of letters. 1: Auto_Open, 2: Auto_Close. */
static void biff_name(struct look *l, struct str s)
{
	unsigned n = bytes_u8(s, 3);
	char text[64];
	size_t k = 0;
	uint8_t a = bytes_u8(s, 14), id = a == 0 ? bytes_u8(s, 15) : a;	/* before BIFF8 no byte of flags stands before it */

	if ((bytes_le16(s, 0) & 0x20) && n >= 1 && (id == 1 || id == 2))
		look_note(l, FACT_MACRO_AUTO, "%s", id == 1 ? "Auto_Open" : "Auto_Close");
	for (size_t i = 14; i < s.n && k < sizeof(text) && i < 14 + 2 * (size_t)n + 1; i++)
		if (s.p[i] > 0x20)
			text[k++] = s.p[i];
	if (bytes_has_nocase(str_make(text, k), STR("auto_open")) || bytes_has_nocase(str_make(text, k), STR("auto_close")))
		look_note(l, FACT_MACRO_AUTO, "Auto_Open");
}

void ole_biff(struct look *l, struct str s)
{
	bool sheet = false;

	for (size_t at = 0; at + 4 <= s.n;) {
		uint16_t id = bytes_le16(s, at), n = bytes_le16(s, at + 2);
		struct str body = bytes_sub(s, at + 4, n);

		switch (id) {
		case 0x2f:						/* FILEPASS */
			look_note(l, FACT_ENCRYPTED_DOCUMENT, "Excel");
			return;							/* the rest cannot be read */
		case 0x85:						/* BOUNDSHEET: where, hidden, kind */
			if (bytes_u8(body, 5) == 1) {
				sheet = true;
				look_note(l, FACT_MACRO, "macro sheet");
			}
			break;
		case 0x18: case 0x218:					/* NAME */
			if (sheet || look_has(l, FACT_MACRO))
				biff_name(l, body);
			break;
		case 0x1ae:						/* SUPBOOK: "program U+0003 topic" */
			body = bytes_sub(body, 4, bytes_le16(body, 2) < 0x400 ? 1u + 2u * bytes_le16(body, 2) * (bytes_u8(body, 4) & 1) +
					 bytes_le16(body, 2) * !(bytes_u8(body, 4) & 1) : 0);
			if (memchr(body.p, 3, body.n))
				look_note(l, FACT_DDE, "link of a workbook");
			break;
		default:
			break;
		}
		at += 4u + n;
	}
}

/* Objects of a presentation are packed OLE files within its stream (MS-PPT 2.10.34). */
static void ppt_object(struct look *l, struct str s, bool packed)
{
	struct buf b;
	uLongf n;

	if (!packed) {
		look_part(l, STR("object"), s);
		return;
	}
	n = bytes_le32(s, 0);
	buf_init(&b, OLE_STREAM);
	if (n <= OLE_STREAM && look_spend(l, n) && buf_reserve(&b, n) == 0) {
		int r = uncompress((Bytef *)b.p, &n, (const Bytef *)s.p + 4, s.n > 4 ? s.n - 4 : 0);

		if (r == Z_OK || r == Z_DATA_ERROR || r == Z_BUF_ERROR)
			look_part(l, STR("object"), str_make(b.p, r == Z_OK ? n : 0));
		if (r != Z_OK)
			look_note(l, FACT_MALFORMED, "an object cannot be unpacked");
	}
	buf_release(&b);
}

static void ppt(struct look *l, struct str s)
{
	size_t ends[PPT_DEPTH] = { s.n };
	unsigned depth = 0;

	for (size_t at = 0; at + 8 <= s.n;) {
		uint16_t head = bytes_le16(s, at), type = bytes_le16(s, at + 2);
		uint32_t n = bytes_le32(s, at + 4);

		while (depth > 0 && at >= ends[depth])
			depth--;
		at += 8;
		if (type == 0x1011)
			ppt_object(l, bytes_sub(s, at, n), (head >> 4) == 1);
		if ((head & 0xf) == 0xf && depth + 1 < PPT_DEPTH) {
			ends[++depth] = at + n;
			continue;
		}
		if ((head & 0xf) == 0xf)
			look_note(l, FACT_MALFORMED, "records in records without end");
		at += n;
	}
}

/* Streams of .msg: 3701 are attachments, their names stand elsewhere. */
static bool attachment(const struct cfb_entry *e)
{
	return strncasecmp(e->name, "__substg1.0_3701", 16) == 0;
}

static void stream(struct look *l, enum kind k, const struct cfb_entry *e, struct str s)
{
	if (strcasecmp(e->name, "\1Ole10Native") == 0) {
		look_note(l, FACT_EMBEDDED_OBJECT, "a file");
		native(l, s);
	} else if (strcasecmp(e->name, "\1Ole") == 0) {
		if (bytes_le32(s, 4) & 1)
			look_note(l, FACT_EXTERNAL_OBJECT, "linked object");
	} else if (strcasecmp(e->name, "\3OCXNAME") == 0 || strcasecmp(e->name, "\3OCXDATA") == 0) {
		look_note(l, FACT_ACTIVEX, "a control");
	} else if (strcasecmp(e->name, "WordDocument") == 0) {
		word(l, s);
	} else if (strcasecmp(e->name, "Workbook") == 0 || strcasecmp(e->name, "Book") == 0) {
		ole_biff(l, s);
	} else if (strcasecmp(e->name, "PowerPoint Document") == 0) {
		ppt(l, s);
	} else if (strcasecmp(e->name, "Current User") == 0) {
		if (bytes_le32(s, 12) == 0xf3d1c4df)
			look_note(l, FACT_ENCRYPTED_DOCUMENT, "PowerPoint");
	} else if (strcasecmp(e->name, "Package") == 0 || strcasecmp(e->name, "EmbeddedOdf") == 0 ||
	    (strcasecmp(e->name, "CONTENTS") == 0 && s.n > 4 &&
		   k != KIND_OLE_OTHER && (bytes_at(s, 0, STR("%PDF")) || bytes_at(s, 0, STR("MZ")) || bytes_at(s, 0, STR("PK\3\4"))))) {
		look_note(l, FACT_EMBEDDED_OBJECT, "a document");
		look_part(l, str_of(e->name), s);
	} else if (attachment(e)) {
		look_part(l, STR("attachment"), s);
	} else {
		module(l, e, s);
		if (bytes_at(s, 0, STR("MZ")) || bytes_at(s, 0, STR("\xd0\xcf\x11\xe0")) || bytes_at(s, 0, STR("PK\3\4")))
			look_part(l, str_of(e->name), s);
	}
}

/* Names that tell by themselves, whatever is in them. */
static void named(struct look *l, enum kind k, const struct cfb_entry *e)
{
	if (strcasecmp(e->name, "_VBA_PROJECT") == 0 || strcasecmp(e->name, "_VBA_PROJECT_CUR") == 0 ||
	    (strcasecmp(e->name, "VBA") == 0 && e->type == CFB_STORAGE))
		look_note(l, FACT_MACRO, "%s", e->name);
	if (e->type == CFB_STORAGE && ((k == KIND_DOC && e->name[0] == '_' && e->name[1] >= '0' && e->name[1] <= '9') ||
	    strncmp(e->name, "MBD", 3) == 0))
		look_note(l, FACT_EMBEDDED_OBJECT, "%s", e->name);
	if (strcasecmp(e->name, "_signatures") == 0 || strcasecmp(e->name, "_xmlsignatures") == 0)
		look_note(l, FACT_SIGNED, "%s", e->name);
	if (strcasecmp(e->name, "EncryptedSummary") == 0)
		look_note(l, FACT_ENCRYPTED_DOCUMENT, "%s", e->name);
}

void ole_check(struct look *l, const struct cfb *c, enum kind k)
{
	struct buf b;
	bool whole;

	if (c->more)
		look_note(l, FACT_ARCHIVE_MANY, "more than %d streams", CFB_ENTRIES);
	if (ole_encrypted_package(c))
		look_note(l, FACT_ENCRYPTED_DOCUMENT, "Office");
	buf_init(&b, OLE_STREAM);
	for (size_t i = 0; i < c->n; i++) {
		const struct cfb_entry *e = &c->v[i];

		named(l, k, e);
		if (e->type != CFB_STREAM || e->size == 0 || strcasecmp(e->name, "EncryptedPackage") == 0)
			continue;
		buf_clear(&b);
		if (!look_spend(l, e->size < c->bytes.n ? e->size : c->bytes.n))
			break;
		if (cfb_read(c, e, OLE_STREAM, &b, &whole) < 0) {
			look_note(l, FACT_SCAN_FAILED, "out of memory");
			break;
		}
		if (e->size > OLE_STREAM && strcasecmp(e->name, "Pictures") != 0 && strcasecmp(e->name, "Data") != 0)
			look_note(l, FACT_TOO_BIG, "%s", e->name);
		stream(l, k, e, buf_str(&b));
	}
	buf_release(&b);
}
