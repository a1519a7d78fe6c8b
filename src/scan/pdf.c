#include "scan/pdf.h"

#include <qpdf/qpdf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"
#include "scan/bytes.h"

#define NAME 32
#define ACTION 512			/* bytes of an action that opens with the document */

struct pdf {
	struct look *l;
	struct str bytes;
	bool encrypted, packed_left, embedded, objects;
	uint32_t open_id;		/* the object that is its action on opening; 0: none */
};

static bool space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == 0;
}

static bool ends_name(char c)
{
	return space(c) || memchr("()<>[]{}/%", c, 10) != NULL;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* The name behind a slash, #xx undone. Returns how many bytes it takes. */
static size_t name_at(struct str s, char ret[NAME])
{
	size_t at = 0, n = 0;

	while (at < s.n && !ends_name(s.p[at])) {
		char c = s.p[at++];

		if (c == '#' && at + 1 < s.n && hex(s.p[at]) >= 0 && hex(s.p[at + 1]) >= 0) {
			c = (char)(hex(s.p[at]) * 16 + hex(s.p[at + 1]));
			at += 2;
		}
		if (n < NAME - 1)
			ret[n++] = c;
	}
	ret[n] = 0;
	return at;
}

static bool has_name(struct str s, const char *want)
{
	char name[NAME];

	for (size_t at = 0; at < s.n;) {
		const char *slash = memchr(s.p + at, '/', s.n - at);

		if (!slash)
			return false;
		at = (size_t)(slash - s.p) + 1;
		at += name_at(str_cut(s, at), name);
		if (strcmp(name, want) == 0)
			return true;
	}
	return false;
}

static void action(struct pdf *p, struct str s)
{
	if (has_name(s, "URI"))
		look_note(p->l, FACT_PDF_LAUNCH, "it opens an address when it is opened");
	else if (has_name(s, "SubmitForm") || has_name(s, "ImportData") || has_name(s, "GoToR") || has_name(s, "GoToE"))
		look_note(p->l, FACT_PDF_LAUNCH, "it leads elsewhere when it is opened");
}

static const struct { const char *name; enum file_fact fact; } names[] = {
	{ "JS", FACT_PDF_SCRIPT }, { "JavaScript", FACT_PDF_SCRIPT }, { "Launch", FACT_PDF_LAUNCH }, { "EmbeddedFile", FACT_PDF_EMBEDDED },
	{ "EmbeddedFiles", FACT_PDF_EMBEDDED }, { "FileAttachment", FACT_PDF_EMBEDDED }, { "RichMedia", FACT_PDF_EMBEDDED },
	{ "GoToE", FACT_PDF_EMBEDDED },
	{ "XFA", FACT_PDF_XFA }, { "ByteRange", FACT_SIGNED },
};

static void one_name(struct pdf *p, const char *name, struct str after)
{
	if (!name[0] || !strchr("ABEFGJLORX", name[0]))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (name[0] == names[i].name[0] && strcmp(name, names[i].name) == 0) {
			look_note(p->l, names[i].fact, "/%s", name);
			p->embedded |= names[i].fact == FACT_PDF_EMBEDDED;
		}
	if (strcmp(name, "Encrypt") == 0) {
		p->encrypted = true;
	} else if (strcmp(name, "OpenAction") == 0) {
		after = str_trim(bytes_sub(after, 0, ACTION));
		if (str_starts(after, STR("<<")))
			action(p, after);
		else
			p->open_id = (uint32_t)strtoul(bytes_at(after, 0, STR("[")) || after.n < 4 ? "0" : after.p, NULL, 10);
	} else if (strcmp(name, "AA") == 0) {				/* when a page is opened, a field is left ... */
		after = str_trim(bytes_sub(after, 0, ACTION));
		if (str_starts(after, STR("<<"))) {
			ptrdiff_t end = str_find(after, STR(">>>>"));

			action(p, bytes_sub(after, 0, end < 0 ? after.n : (size_t)end));
		}
	} else if (strcmp(name, "GoToR") == 0) {
		/* A document on a server: opening the link tells that server who is signed in here. */
		after = bytes_sub(after, 0, ACTION);
		if (bytes_has(after, STR("\\\\\\\\")) || bytes_has(after, STR("://")) || bytes_has(after, STR("(//")))
			look_note(p->l, FACT_EXTERNAL_OBJECT, "/GoToR to a server");
	} else if (strcmp(name, "Author") == 0) {
		after = str_trim(bytes_sub(after, 0, 64));
		if (after.n > 2 && (after.p[0] == '(' || after.p[0] == '<') && after.p[1] != ')' && after.p[1] != '>' && after.p[1] != '<')
			look_note(p->l, FACT_METADATA, "/Author");
	}
}

static void tokens(struct pdf *p, struct str s);

/* Objects that lie packed in a stream. */
static void packed_objects(struct pdf *p, struct str dict, struct str data)
{
	struct buf b;
	z_stream z = { .next_in = (Bytef *)data.p, .avail_in = data.n < UINT32_MAX ? (uInt)data.n : UINT32_MAX };

	if (!has_name(dict, "Filter")) {
		tokens(p, data);
		return;
	}
	if (!(has_name(dict, "FlateDecode") || has_name(dict, "Fl")) || has_name(dict, "Predictor") ||
	    bytes_has(dict, STR("[")) || inflateInit(&z) != Z_OK) {
		p->packed_left = true;
		return;
	}
	buf_init(&b, PDF_UNPACKED);
	for (int r = Z_OK; r == Z_OK && buf_reserve(&b, 65536) == 0;) {
		z.next_out = (Bytef *)b.p + b.n;
		z.avail_out = 65536;
		r = inflate(&z, Z_NO_FLUSH);
		b.n += 65536 - z.avail_out;
		if (!look_spend(p->l, 65536 - z.avail_out) || (z.avail_out > 0 && r == Z_OK && z.avail_in == 0))
			break;
	}
	inflateEnd(&z);
	if (b.n + 65536 > PDF_UNPACKED)
		look_note(p->l, FACT_TOO_BIG, "packed objects");
	tokens(p, buf_str(&b));
	buf_release(&b);
}

/* Behind "stream": returns where its data ends. What the dictionary says of its length is not believed. */
static size_t stream(struct pdf *p, struct str s, size_t dict_from, size_t at)
{
	struct str dict = bytes_sub(s, dict_from, at - 6 - dict_from), data;
	ptrdiff_t end;

	at += bytes_at(s, at, STR("\r\n")) ? 2 : bytes_at(s, at, STR("\n")) || bytes_at(s, at, STR("\r"));
	data = str_cut(s, at);
	end = str_find(data, STR("endstream"));
	data = bytes_sub(data, 0, end < 0 ? data.n : (size_t)end);
	if (has_name(dict, "ObjStm"))
		packed_objects(p, dict, data);
	else if (has_name(dict, "EmbeddedFile"))
		p->embedded = true;
	/* The word may stand in a string, to hide the objects that follow: what has objects in it is searched, too. */
	if (bytes_has(data, STR(" obj")))
		return at;
	return end < 0 ? s.n : at + (size_t)end;
}

/* Names wherever they stand, but not within streams: there they are chance, or text. */
static void tokens(struct pdf *p, struct str s)
{
	char name[NAME];
	size_t dict_from = 0;

	for (size_t at = 0; at < s.n;) {
		char c = s.p[at];

		if (c == '/') {
			size_t n = name_at(str_cut(s, at + 1), name);

			one_name(p, name, str_cut(s, at + 1 + n));
			at += 1 + n;
		} else if (c == 's' && bytes_at(s, at, STR("stream")) && at >= 2 && (s.p[at - 1] == '>' || space(s.p[at - 1]))) {
			dict_from = at = stream(p, s, dict_from, at + 6);
		} else if (c == 'o' && bytes_at(s, at, STR("obj")) && at > 0 && space(s.p[at - 1])) {
			dict_from = at += 3;
			p->objects = true;
		} else {
			at++;
		}
	}
}

/* "12 0 obj": the first of that number. */
static void open_action(struct pdf *p)
{
	char want[24];
	struct str w = { want, (size_t)snprintf(want, sizeof(want), "%u 0 obj", (unsigned)p->open_id) };

	for (size_t from = 0; p->open_id;) {
		struct str rest = str_cut(p->bytes, from);
		ptrdiff_t at = str_find(rest, w), end;

		if (at < 0)
			return;
		from += (size_t)at + w.n;
		if (at > 0 && rest.p[at - 1] >= '0' && rest.p[at - 1] <= '9')
			continue;
		rest = bytes_sub(str_cut(p->bytes, from), 0, ACTION);
		end = str_find(rest, STR("endobj"));
		action(p, bytes_sub(rest, 0, end < 0 ? rest.n : (size_t)end));
	}
}

/* A file within: looked at like any other. */
static void file_within(struct pdf *p, qpdf_data q, qpdf_oh oh)
{
	unsigned char *data = NULL;
	size_t n = 0;

	if (qpdf_oh_get_stream_data(q, oh, qpdf_dl_all, NULL, &data, &n) == QPDF_SUCCESS && look_spend(p->l, n) && look_enter(p->l))
		look_part(p->l, STR("embedded"), str_make((const char *)data, n));
	free(data);
}

/* Has it the keys of one? /Type may be left out. */
static bool is_file(struct str dict)
{
	static const char *const others[] = { "Length1", "Length2", "Width", "BBox", "ObjStm", "XRef", "Metadata", "FunctionType", "PatternType", "ShadingType" };

	if (has_name(dict, "EmbeddedFile") || has_name(dict, "Params"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (has_name(dict, others[i]))
			return false;
	return true;
}

static void objects(struct pdf *p, qpdf_data q)
{
	qpdf_oh trailer = qpdf_get_trailer(q);
	qpdf_oh n = qpdf_oh_is_dictionary(q, trailer) ? qpdf_oh_get_key(q, trailer, "/Size") : trailer;
	int size = qpdf_oh_is_integer(q, n) ? qpdf_oh_get_int_value_as_int(q, n) : 0;

	if (size > PDF_OBJECTS)
		look_note(p->l, FACT_TOO_BIG, "%d objects", size);
	for (int i = 1; i < size && i <= PDF_OBJECTS; i++) {
		qpdf_oh oh = qpdf_get_object_by_id(q, i, 0);
		const char *text = qpdf_oh_unparse_resolved(q, oh);
		struct str dict = str_of(text);

		if (qpdf_oh_is_stream(q, oh)) {
			qpdf_oh d = qpdf_oh_get_dict(q, oh);

			dict = str_of(qpdf_oh_unparse_resolved(q, d));
			if (p->embedded && is_file(dict))
				file_within(p, q, oh);
		}
		tokens(p, dict);
		qpdf_oh_release_all(q);
		if (p->l->unpacked > p->l->unpacked_max)
			return;
	}
}

static void by_qpdf(struct pdf *p)
{
	qpdf_data q = qpdf_init();
	QPDF_ERROR_CODE r;

	if (!q) {
		look_note(p->l, FACT_SCAN_FAILED, "out of memory");
		return;
	}
	qpdf_silence_errors(q);
	qpdf_set_suppress_warnings(q, QPDF_TRUE);
	r = qpdf_read_memory(q, "file", p->bytes.p, p->bytes.n, NULL);
	if (!(r & QPDF_ERRORS))
		objects(p, q);
	else if (qpdf_get_error_code(q, qpdf_get_error(q)) == qpdf_e_password)
		look_note(p->l, FACT_ENCRYPTED_DOCUMENT, "PDF");
	else if (p->encrypted || p->packed_left)
		look_note(p->l, FACT_MALFORMED, "a damaged PDF with parts that cannot be read");
	qpdf_cleanup(&q);
}

void pdf_check(struct look *l, struct str bytes)
{
	struct pdf p = { .l = l, .bytes = bytes };

	tokens(&p, bytes);
	open_action(&p);
	if (p.encrypted || p.packed_left || p.embedded)
		by_qpdf(&p);
}
