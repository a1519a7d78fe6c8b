#include "scan/rtf.h"

#include "base/buf.h"
#include "scan/bytes.h"
#include "scan/dde.h"

#define WORD 32				/* RTF 1.9: a control word has at most 32 letters */
#define FIELD 512

struct rtf {
	struct look *l;
	struct str s;
	size_t at;
	unsigned depth;
	unsigned data_depth;		/* of the group with \objdata; 0: none */
	unsigned field_depth, template_depth;
	int nibble;			/* -1: none */
	struct buf data, field;
};

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static void data_done(struct rtf *r)
{
	struct str s = buf_str(&r->data);
	ptrdiff_t at;

	r->data_depth = 0;
	r->nibble = -1;
	if (s.n > 0 && look_spend(r->l, s.n)) {
		/* OLE 1.0: a class name, then the object; inside of it a compound file, or a file as it is. */
		at = str_find(s, STR("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"));
		look_part(r->l, STR("object"), at >= 0 ? str_cut(s, (size_t)at) : s);
		if (bytes_has_nocase(s, STR("equation.")))
			look_note(r->l, FACT_RTF_OBJECT, "equation");
		at = str_find(s, STR("MZ"));
		if (at >= 0 && bytes_has(str_cut(s, (size_t)at), STR("This program")))
			look_part(r->l, STR("object"), str_cut(s, (size_t)at));
	}
	buf_clear(&r->data);
}

static void word(struct rtf *r, struct str w, long number)
{
	if (str_is(w, "object") || str_is(w, "objdata") || str_is(w, "objemb") || str_is(w, "objocx") || str_is(w, "objhtml"))
		look_note(r->l, FACT_RTF_OBJECT, "\\%.*s", STR_FMT(w));
	else if (str_is(w, "objlink") || str_is(w, "objautlink"))
		look_note(r->l, FACT_EXTERNAL_OBJECT, "\\%.*s", STR_FMT(w));
	if (str_is(w, "objdata")) {
		data_done(r);
		r->data_depth = r->depth;
	} else if (str_is(w, "fldinst")) {
		r->field_depth = r->depth;
		buf_clear(&r->field);
	} else if (str_is(w, "template")) {
		r->template_depth = r->depth;
		buf_clear(&r->field);
	} else if (str_is(w, "bin") && number > 0) {
		struct str raw = bytes_sub(r->s, r->at, (size_t)number);

		if (r->data_depth && buf_str_add(&r->data, raw) < 0)
			look_note(r->l, FACT_TOO_BIG, "an object");
		r->at += raw.n;
	}
}

static void control(struct rtf *r)
{
	size_t from = r->at, end;
	bool minus = false;
	long number = 0;

	while (r->at < r->s.n && r->at - from < WORD && (r->s.p[r->at] | 0x20) >= 'a' && (r->s.p[r->at] | 0x20) <= 'z')
		r->at++;
	end = r->at;
	if (end == from) {
		if (bytes_at(r->s, r->at, STR("'"))) {		/* \'hh: one byte of text */
			int a = hex((char)bytes_u8(r->s, r->at + 1)), b = hex((char)bytes_u8(r->s, r->at + 2));

			if ((r->field_depth || r->template_depth) && a >= 0 && b >= 0 && r->field.n < FIELD)
				(void)buf_char(&r->field, (char)(a * 16 + b));
			r->at += 3;
		} else {
			r->at++;
		}
		return;
	}
	if (bytes_at(r->s, r->at, STR("-"))) {
		minus = true;
		r->at++;
	}
	for (unsigned i = 0; r->at < r->s.n && i < 10 && r->s.p[r->at] >= '0' && r->s.p[r->at] <= '9'; i++)
		number = number * 10 + (r->s.p[r->at++] - '0');
	if (bytes_at(r->s, r->at, STR(" ")))
		r->at++;
	word(r, bytes_sub(str_cut(r->s, from), 0, end - from), minus ? -number : number);
}

static void group_end(struct rtf *r)
{
	if (r->data_depth && r->depth <= r->data_depth)
		data_done(r);
	if (r->field_depth && r->depth <= r->field_depth) {
		if (dde_field(buf_str(&r->field)))
			look_note(r->l, FACT_DDE, "field");
		r->field_depth = 0;
	}
	if (r->template_depth && r->depth <= r->template_depth) {
		struct str t = buf_str(&r->field);

		if (bytes_has(t, STR("://")) || bytes_has(t, STR("\\\\")) || bytes_has(t, STR("//")))
			look_note(r->l, FACT_EXTERNAL_TEMPLATE, "%.*s", STR_FMT(bytes_sub(t, 0, 80)));
		r->template_depth = 0;
	}
	r->depth -= r->depth > 0;
}

static void text(struct rtf *r, char c)
{
	int v = r->data_depth ? hex(c) : -1;

	if (v >= 0 && r->nibble < 0) {
		r->nibble = v;
	} else if (v >= 0) {
		if (buf_char(&r->data, (char)(r->nibble * 16 + v)) < 0)
			look_note(r->l, FACT_TOO_BIG, "an object");
		r->nibble = -1;
	}
	if ((r->field_depth || r->template_depth) && r->field.n < FIELD && c != '\r' && c != '\n')
		(void)buf_char(&r->field, c);
}

void rtf_check(struct look *l, struct str bytes)
{
	struct rtf r = { .l = l, .s = bytes, .nibble = -1 };

	buf_init(&r.data, RTF_OBJECT);
	buf_init(&r.field, FIELD);
	while (r.at < r.s.n) {
		char c = r.s.p[r.at++];

		if (c == '{')
			r.depth++;
		else if (c == '}')
			group_end(&r);
		else if (c == '\\')
			control(&r);
		else
			text(&r, c);
	}
	data_done(&r);
	buf_release(&r.data);
	buf_release(&r.field);
}
