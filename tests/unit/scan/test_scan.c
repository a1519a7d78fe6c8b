/* What is seen in files: for each fact something that has it, and something like it that has it not. */
#include "scan_see.h"
#include "zip_make.h"

#define Z8 "\0\0\0\0\0\0\0\0"
#define PE "MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0" Z8 Z8 Z8 Z8 "\0\0\0\0\x40\0\0\0PE\0\0\x4c\1"
#define ELF "\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0"
#define GIF "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
#define RELATIONS(inside) "<?xml version='1.0'?><Relationships>" inside "</Relationships>"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define RELATION(type, more) "<Relationship Id='r' Type='" OFFICE type "' " more "/>"

static struct str eicar(char ret[68])
{
	static const char veiled[] = "Y6P\"Q&ABQ\\5]Q[Y65)Q_*8DD*8~%FJDBS.TUBOEBSE.BOUJWJSVT.UFTU.GJMF\"%I,I+";

	/* Each letter one further than it is: this source is not the test file. */
	for (size_t i = 0; i < 68; i++)
		ret[i] = (char)(veiled[i] - 1);
	return str_make(ret, 68);
}

static void types_are_known_by_content_and_disguises_told(void **st)
{
	static const struct example some[] = {
		{ STR("tool.exe"), STR(PE), BIT(EXECUTABLE), BIT(TYPE_MISMATCH) },
		{ STR("picture.jpg"), STR(PE), BIT(EXECUTABLE) | BIT(TYPE_MISMATCH), 0 },
		{ STR("tool.txt"), STR(ELF), BIT(EXECUTABLE) | BIT(TYPE_MISMATCH), 0 },
		{ STR("budget.xlsx"), STR(PE), BIT(EXECUTABLE) | BIT(TYPE_MISMATCH), 0 },
		{ STR("a"), STR("\xca\xfe\xba\xbe\0\0\0\x34"), BIT(EXECUTABLE), 0 },
		{ STR("a"), STR("#!/bin/sh\nexit 0\n"), BIT(SCRIPT), 0 },
		{ STR("a"), STR("#!/usr/bin/env python3\n"), BIT(SCRIPT), 0 },
		{ STR("a"), STR("#!/bin/sh\nexit\n\0\1\2\3\4\5\6"), BIT(SCRIPT), 0 },
		{ STR("a.appdata.xml"), STR("<?xml version='1.0'?><component type='desktop'><id>a</id></component>"), 0, ANY },
		{ STR("film.ts"), STR("export const a = 1;\n"), 0, ANY },
		{ STR("about-pages.txt"), STR("To run code in a page, write <script>go()</script> into it.\n"), 0, ANY },
		{ STR("a.txt"), STR("@echo off\r\ndel x\r\n"), BIT(SCRIPT), 0 },
		{ STR("a.txt"), STR("<?php echo 1;"), BIT(SCRIPT), 0 },
		{ STR("a.txt"), STR("\xff\xfe#\0!\0/\0b\0i\0n\0/\0s\0h\0\n\0"), BIT(SCRIPT), 0 },
		{ STR("a.dat"), STR("[InternetShortcut]\r\nURL=http://a.example/\r\n"), BIT(SHORTCUT), 0 },
		{ STR("a.dat"), STR("WEB\r\n1\r\nhttp://a.example/q\r\n"), BIT(SHORTCUT), 0 },
		{ STR("a.dat"), STR("Windows Registry Editor Version 5.00\r\n"), BIT(SCRIPT), 0 },
		{ STR("a.dat"), STR("\x4c\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46\0\0"), BIT(SHORTCUT), 0 },
		{ STR("a.dat"), STR("\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"), BIT(ONENOTE), 0 },
		{ STR("a.dat"), STR("!<arch>\ndebian-binary   "), BIT(INSTALLER), 0 },
		{ STR("a.txt"), STR("Most people write about MZ and ELF and #! in plain text.\n"), 0, ANY },
		{ STR("a.csv"), STR("name;sum\nAnn;3\n"), 0, ANY },
		{ STR("a.gif"), STR(GIF), 0, ANY },
		{ STR("a.png"), STR(GIF), 0, ANY },		/* a wrong ending among pictures is no disguise */
		{ STR("empty.txt"), STR(""), 0, ANY },
		{ STR("empty.jpg"), STR(""), 0, ANY },
		{ STR("song.amr"), STR("#!AMR\n\x3c\x91\x17\x16"), 0, ANY },
	};

	check_examples(some, ARRAY_SIZE(some));
	(void)st;
}

static void two_types_at_once_and_what_is_appended_are_told(void **st)
{
	static const struct example some[] = {
		{ STR("a.gif"), STR(GIF "more words, many more"), BIT(TRAILING_DATA) | BIT(POLYGLOT), 0 },
		{ STR("a.gif"), STR(GIF PE), BIT(TRAILING_DATA) | BIT(POLYGLOT) | BIT(EXECUTABLE), 0 },
		{ STR("a.gif"), STR(GIF "\0\0\0\0"), 0, ANY },
		{ STR("a.gif"), STR("GIF89a=1;alert(1);//xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), BIT(POLYGLOT), 0 },
		{ STR("a.jpg"), STR("\xff\xd8\xff\xe0\0\4JF\xff\xd9<script>x()</script>"), BIT(POLYGLOT), 0 },
		{ STR("a.jpg"), STR("\xff\xd8\xff\xe0\0\4JF\xff\xd9"), 0, BIT(POLYGLOT) | BIT(TRAILING_DATA) | BIT(TYPE_MISMATCH) },
	};
	struct zip_make z;
	struct buf b;

	check_examples(some, ARRAY_SIZE(some));
	buf_init(&b, 1 << 16);
	zip_make_begin(&z);
	zip_make_add(&z, STR("a.class"), STR("\xca\xfe\xba\xbe\0\0\0\x34"));
	buf_add(&b, GIF, sizeof(GIF) - 1);
	buf_str_add(&b, zip_make_end(&z));
	assert_int_equal(look_named(STR("a.gif"), buf_str(&b)).facts & (BIT(POLYGLOT) | BIT(EXECUTABLE)), BIT(POLYGLOT) | BIT(EXECUTABLE));
	zip_make_release(&z);
	buf_release(&b);
	(void)st;
}

static void what_grows_without_end_when_it_is_opened_is_told(void **st)
{
	static const struct example some[] = {
		{ STR("a.png"), STR("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\1\0\0\0\1\0\0\x08\2\0\0\0"), BIT(ARCHIVE_BOMB), 0 },
		{ STR("a.png"), STR("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x10\0\0\0\x10\0\x08\2\0\0\0"), 0, BIT(ARCHIVE_BOMB) },
		{ STR("a.xml"), STR("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;'>]><x>&b;</x>"), BIT(ARCHIVE_BOMB), 0 },
		{ STR("a.svg"), STR("<!DOCTYPE svg [<!ENTITY ns 'http://ns.example/'>]><svg xmlns:x='&ns;'></svg>"), 0, ANY },
		{ STR("a.xml"), STR("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"), BIT(EXTERNAL_OBJECT), 0 },
	};

	check_examples(some, ARRAY_SIZE(some));
	(void)st;
}

static struct str zipped(struct zip_make *z, struct str name, struct str bytes)
{
	zip_make_begin(z);
	zip_make_add(z, name, bytes);
	return zip_make_end(z);
}

static void what_lies_in_archives_counts_for_them(void **st)
{
	char e[68];
	struct zip_make inner, outer;
	struct scan_out o;
	struct str s = zipped(&inner, STR("eicar.com"), eicar(e));

	o = look_named(STR("a.zip"), s);
	assert_true(o.facts & BIT(TEST_VIRUS));
	assert_true(o.facts & BIT(EXECUTABLE));				/* .com */
	assert_string_equal(evidence(&o, FACT_TEST_VIRUS), "eicar.com");
	o = look_named(STR("b.zip"), zipped(&outer, STR("a.zip"), s));
	assert_true(o.facts & BIT(TEST_VIRUS));
	assert_string_equal(evidence(&o, FACT_TEST_VIRUS), "a.zip/eicar.com");
	zip_make_release(&outer);
	zip_make_release(&inner);
	assert_int_equal(look_named(STR("a.zip"), zipped(&inner, STR("notes.txt"), STR("words"))).facts, 0);
	zip_make_release(&inner);
	assert_true(look_named(STR("a.zip"), zipped(&inner, STR("../../x.txt"), STR("words"))).facts & BIT(ARCHIVE_ESCAPE));
	zip_make_release(&inner);
	assert_true(look_named(STR("a.zip"), zipped(&inner, STR("a\xe2\x80\xaegpj.exe"), STR("words"))).facts & BIT(NAME_DIRECTION));
	zip_make_release(&inner);
	(void)st;
}

static void archives_too_deep_and_too_full_are_told(void **st)
{
	struct zip_make z, next;
	struct str s = zipped(&z, STR("a.txt"), STR("words"));
	char name[16];

	for (unsigned i = 0; i < SCAN_DEPTH - 1; i++) {
		s = zipped(&next, STR("a.zip"), s);
		zip_make_release(&z);
		z = next;
	}
	assert_int_equal(look_named(STR("a.zip"), s).facts, 0);
	s = zipped(&next, STR("a.zip"), s);
	assert_true(look_named(STR("a.zip"), s).facts & BIT(ARCHIVE_DEPTH));
	zip_make_release(&z);
	zip_make_release(&next);
	zip_make_begin(&z);
	for (unsigned i = 0; i <= SCAN_ENTRIES; i++)
		zip_make_add(&z, str_make(name, (size_t)snprintf(name, sizeof(name), "%u.txt", i)), STR("x"));
	assert_true(look_named(STR("a.zip"), zip_make_end(&z)).facts & BIT(ARCHIVE_MANY));
	zip_make_release(&z);
	(void)st;
}

static void a_list_that_lies_is_told(void **st)
{
	static const struct { int back; char as; } lies[] = { { 22 + 5, 'X' } };	/* the name in the list,
	    five letters before the end record */
	struct zip_make z;
	struct str s = zipped(&z, STR("a.txt"), STR("words"));
	struct scan_out o;

	assert_int_equal(look_named(STR("a.zip"), s).facts, 0);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		char *at = z.out.p + s.n - (size_t)lies[i].back, was = *at;

		*at = lies[i].as;
		o = look_named(STR("a.zip"), s);
		assert_true(o.facts & BIT(MALFORMED));
		*at = was;
	}
	z.out.p[6] = 1;				/* encrypted, says the file; the list does not */
	assert_true(look_named(STR("a.zip"), s).facts & BIT(MALFORMED));
	z.out.p[6] = 0;
	assert_true(look_named(STR("a.zip"), str_make(s.p, s.n - 30)).facts & BIT(MALFORMED));		/* cut off */
	zip_make_release(&z);
	(void)st;
}

static struct scan_out document(struct str part, struct str xml)
{
	struct zip_make z;
	struct scan_out o;

	zip_make_begin(&z);
	zip_make_add(&z, STR("[Content_Types].xml"), STR("<Types/>"));
	zip_make_add(&z, STR("word/document.xml"), STR("<document><p><t>DDEAUTO in text is a word</t></p></document>"));
	zip_make_add(&z, part, xml);
	o = look_named(STR("a.docx"), zip_make_end(&z));
	zip_make_release(&z);
	return o;
}

static void parts_of_documents_are_told_by_relation_and_field(void **st)
{
	static const struct { struct str part, xml; uint64_t facts; } some[] = {
		{ STR("word/_rels/document.xml.rels"), STR(RELATIONS(RELATION("attachedTemplate",
		    "Target='http://t.example/a.dotm' TargetMode='External'"))), BIT(EXTERNAL_TEMPLATE) },
		{ STR("word/_rels/document.xml.rels"), STR(RELATIONS(RELATION("attachedTemplate",
		    "Target='file:///C:/Users/ann/Normal.dotm' TargetMode='External'"))), 0 },
		{ STR("word/_rels/document.xml.rels"), STR(RELATIONS(RELATION("oleObject",
		    "Target='mhtml:http://t.example/x!y' TargetMode='External'"))), BIT(EXTERNAL_OBJECT) },
		{ STR("word/_rels/document.xml.rels"), STR(RELATIONS(RELATION("hyperlink",
		    "Target='https://www.example/' TargetMode='External'"))), 0 },
		{ STR("word/_rels/document.xml.rels"), STR(RELATIONS(RELATION("image", "Target='media/image1.png'"))), 0 },
		{ STR("word/_rels/document.xml.rels"), STR(RELATIONS(RELATION("vbaProject", "Target='harmless.bin'"))), BIT(MACRO) },
		{ STR("word/_rels/document.xml.rels"), STR(RELATIONS(RELATION("control", "Target='a.xml'"))), BIT(ACTIVEX) },
		{ STR("word/header1.xml"),
		    STR("<hdr><p><instrText> DD</instrText><instrText>EAUTO c:\\\\x </instrText></p></hdr>"), BIT(DDE) },
		{ STR("word/header1.xml"), STR("<hdr><p><fldSimple instr=' DDE \"c:\\\\x\" '/></p></hdr>"), BIT(DDE) },
		{ STR("word/header1.xml"), STR("<hdr><p><instrText> PAGE </instrText></p></hdr>"), 0 },
		{ STR("docProps/core.xml"), STR("<coreProperties><creator>Ann</creator></coreProperties>"), BIT(METADATA) },
		{ STR("docProps/core.xml"), STR("<coreProperties><creator/><title>Sums</title></coreProperties>"), 0 },
		{ STR("_xmlsignatures/sig1.xml"), STR("<Signature/>"), BIT(SIGNED) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		struct scan_out o = document(some[i].part, some[i].xml);

		if (o.facts != some[i].facts)
			print_error("%zu: %llx instead of %llx\n", i, (unsigned long long)o.facts, (unsigned long long)some[i].facts);
		assert_true(o.facts == some[i].facts);
	}
	assert_true(document(STR("word/_rels/document.xml.rels"),
	    STR("<!DOCTYPE x [<!ENTITY a 'b'>]><Relationships/>")).facts & BIT(MALFORMED));
	(void)st;
}

static void active_text_is_told(void **st)
{
	static const struct example some[] = {
		{ STR("a.html"), STR("<!DOCTYPE html><p>words</p>"), 0, ANY },
		{ STR("a.html"), STR("<html><body><p>press on = to go on, one=1</p></body></html>"), 0, ANY },
		{ STR("a.html"), STR("<html><script>1</script></html>"), BIT(HTML_SCRIPT), BIT(HTML_SMUGGLING) },
		{ STR("a.html"), STR("<html><body onload = 'x()'></body></html>"), BIT(HTML_SCRIPT), BIT(HTML_SMUGGLING) },
		{ STR("a.html"), STR("<html><a href='javascript:x()'>y</a></html>"), BIT(HTML_SCRIPT), 0 },
		{ STR("a.html"), STR("<html><script>var d=atob('TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');"
				     "var u=URL.createObjectURL(new Blob([d]));</script></html>"),
				     BIT(HTML_SCRIPT) | BIT(HTML_SMUGGLING), 0 },
		{ STR("a.svg"), STR("<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/></svg>"), 0, ANY },
		{ STR("a.svg"), STR("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"), BIT(SVG_SCRIPT), 0 },
		{ STR("a.svg"), STR("<svg onload='x()'></svg>"), BIT(SVG_SCRIPT), 0 },
		{ STR("a.rtf"), STR("{\\rtf1 words}"), 0, ANY },
		{ STR("a.rtf"), STR("{\\rt1{\\object\\objemb{\\*\\objdata 0105}}}"), BIT(RTF_OBJECT), 0 },
		{ STR("a.rtf"), STR("{\\rtf1{\\field{\\*\\fldinst {DDE}AUTO c:\\\\x}}}"), BIT(DDE), 0 },
		{ STR("a.rtf"), STR("{\\rtf1{\\field{\\*\\fldinst HYPERLINK \"http://a.example/\"}}}"), 0, ANY },
		{ STR("a.rtf"), STR("{\\rtf1{\\*\\template http://t.example/x.dotm}}"), BIT(EXTERNAL_TEMPLATE), 0 },
		{ STR("a.csv"), STR("1,2\n=cmd|' /C calc'!A0,3\n"), BIT(DDE), 0 },
		{ STR("a.csv"), STR("a|b|c!\n=A1+B2,yes!\n"), 0, ANY },
		{ STR("a.slk"), STR("ID;P\nO;E\nNN;NAuto_open;ER1C1\nE\n"), BIT(MACRO) | BIT(MACRO_AUTO), 0 },
		{ STR("a.slk"), STR("ID;PSCALC3\nC;X1;Y1;K5\nE\n"), 0, ANY },
		{ STR("a.eml"),
		    STR("From: a@a.example\nTo: b@b.example\nSubject: x\nContent-Type: application/octet-stream; name=\"x.bin\"\n"
				    "Content-Transfer-Encoding: base64\n\nTVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAAAAABAAAAAUEUAAEwB\n"), BIT(EXECUTABLE), 0 },
		{ STR("a.eml"), STR("From: a@a.example\nTo: b@b.example\nSubject: x\n\nwords\n"), 0, ANY },
	};

	check_examples(some, ARRAY_SIZE(some));
	(void)st;
}

static void what_a_pdf_does_is_told_however_it_is_spelled(void **st)
{
	static const struct example some[] = {
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n%%EOF\n"), 0, ANY },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<</OpenAction<</S/JavaScript/JS(1)>>>>\nendobj\n%%EOF\n"), BIT(PDF_SCRIPT), 0 },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<</A<</S/J#61vaScript>>>>\nendobj\n%%EOF\n"), BIT(PDF_SCRIPT), 0 },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<</A<</S /Launch/F(cmd)>>>>\nendobj\n%%EOF\n"), BIT(PDF_LAUNCH), 0 },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<</OpenAction<</S/URI/URI(http://a.example/)>>>>\nendobj\n%%EOF\n"),
		    BIT(PDF_LAUNCH), 0 },
		{ STR("a.pdf"),
		    STR("%PDF-1.4\n1 0 obj\n<</OpenAction 2 0 R>>\nendobj\n2 0 obj\n<</S/URI/URI(x)>>\nendobj\n%%EOF\n"),
		    BIT(PDF_LAUNCH), 0 },
		{ STR("a.pdf"),
		    STR("%PDF-1.4\n1 0 obj\n<</OpenAction[3 0 R/Fit]/A<</S/URI/URI(http://a.example/)>>>>\nendobj\n%%EOF\n"), 0, ANY },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<</XFA 2 0 R>>\nendobj\n%%EOF\n"), BIT(PDF_XFA), 0 },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<</Names<</EmbeddedFiles 2 0 R>>>>\nendobj\n%%EOF\n"), BIT(PDF_EMBEDDED), 0 },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<</Length 4>>stream\n /JS \nendstream\nendobj\n%%EOF\n"), 0, ANY },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n(>> stream\n)\nendobj\n2 0 obj\n<</S/Launch>>\nendobj\nendstream\n%%EOF\n"), BIT(PDF_LAUNCH), 0 },
		{ STR("a.pdf"), STR("some words in front of it %PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"), BIT(POLYGLOT), 0 },
		{ STR("a.pdf"), STR("%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<</Author(Ann)>>\n%%EOF\n"), BIT(METADATA), 0 },
	};

	check_examples(some, ARRAY_SIZE(some));
	(void)st;
}

static void digests_are_those_of_the_bytes(void **st)
{
	static const uint8_t want[4] = { 0xba, 0x78, 0x16, 0xbf };	/* SHA-256 of "abc" (FIPS 180-2) */
	struct scan_out o = look_named(STR("a"), STR("abc"));
	char text[4096];

	assert_memory_equal(o.sha256, want, sizeof(want));
	assert_string_equal(o.tlsh, "");
	for (uint32_t i = 0, x = 1; i < sizeof(text); i++) {
		x = x * 1103515245 + 12345;
		text[i] = (char)('a' + (x >> 16) % 23);
	}
	assert_int_equal(strlen(look_named(STR("a"), str_make(text, sizeof(text))).tlsh), 70);
	(void)st;
}

static void what_a_cipher_made_is_seen_whatever_its_name(void **st)
{
	static uint8_t dice[70000], words[70000];
	uint32_t x = 1;
	struct scan_out o;

	(void)st;
	for (size_t i = 0; i < sizeof(dice); i++) {
		x = x * 1664525 + 1013904223;
		dice[i] = (uint8_t)(x >> 24);
		words[i] = "the quick brown fox "[i % 20];
	}
	o = look_named(STR("holiday.jpg"), str_make((const char *)dice, sizeof(dice)));
	assert_true(o.facts & BIT(CIPHERTEXT));
	o = look_named(STR("holiday.jpg"), str_make((const char *)dice, 5000));
	assert_true(o.facts & BIT(CIPHERTEXT));
	o = look_named(STR("letter.txt"), str_make((const char *)words, sizeof(words)));
	assert_false(o.facts & BIT(CIPHERTEXT));
	o = look_named(STR("holiday.jpg"), str_make((const char *)dice, 300));	/* too short to say */
	assert_false(o.facts & BIT(CIPHERTEXT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_cipher_made_is_seen_whatever_its_name),
		cmocka_unit_test(types_are_known_by_content_and_disguises_told),
		cmocka_unit_test(two_types_at_once_and_what_is_appended_are_told),
		cmocka_unit_test(what_grows_without_end_when_it_is_opened_is_told),
		cmocka_unit_test(what_lies_in_archives_counts_for_them),
		cmocka_unit_test(archives_too_deep_and_too_full_are_told),
		cmocka_unit_test(a_list_that_lies_is_told),
		cmocka_unit_test(parts_of_documents_are_told_by_relation_and_field),
		cmocka_unit_test(active_text_is_told),
		cmocka_unit_test(what_a_pdf_does_is_told_however_it_is_spelled),
		cmocka_unit_test(digests_are_those_of_the_bytes),
	};

	return cmocka_run_group_tests(tests, open_tools, close_tools);
}
