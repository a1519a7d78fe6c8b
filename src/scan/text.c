#include "scan/text.h"

#include "scan/bytes.h"
#include "scan/dde.h"
#include "scan/names.h"
#include "scan/page.h"

#define ENTITY 4096			/* bytes of one declaration */
#define REFERENCES 4

/* SYLK: records of lines; "O;E" allows macros, "NN;NAuto_open" names one, "E" is a formula. */
static void sylk(struct look *l, struct str s)
{
	static const struct str calls[] = { { ";eexec(", 7 }, { ";ecall(", 7 }, { ";eregister(", 11 }, { ";eformula(", 10 },
	{ "exec(", 5 }, { "call(", 5 } };

	if (bytes_has_nocase(s, STR("nn;nauto_")) || bytes_has_nocase(s, STR("auto_open")) || bytes_has_nocase(s, STR("auto_close"))) {
		look_note(l, FACT_MACRO, "SYLK");
		look_note(l, FACT_MACRO_AUTO, "Auto_Open");
	}
	if (bytes_has(s, STR("\nO;E")) || bytes_has(s, STR(";E;")) || bytes_has(s, STR("\nNE;")))
		look_note(l, FACT_MACRO, "SYLK");
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (bytes_has_nocase(s, calls[i]))
			look_note(l, FACT_MACRO, "SYLK");
	if (dde_table(s) || bytes_has_nocase(s, STR(";ecmd|")) || bytes_has_nocase(s, STR("|'")))
		look_note(l, FACT_DDE, "formula");
}

/* References within the value of one declaration; what is declared once and used is fine, drawing programs do so. */
void text_entities(struct look *l, struct str s)
{
	for (size_t at = 0;;) {
		ptrdiff_t next = bytes_find_nocase(s, at, STR("<!entity")), end;
		unsigned references = 0;
		struct str one;

		if (next < 0)
			return;
		at = (size_t)next + 8;
		one = bytes_sub(str_cut(s, at), 0, ENTITY);
		end = str_find_char(one, '>');
		one = bytes_sub(one, 0, end < 0 ? one.n : (size_t)end);
		for (size_t i = 0; i < one.n; i++)
			references += (one.p[i] == '&' || one.p[i] == '%') && i + 1 < one.n && one.p[i + 1] != '#' && one.p[i + 1] != ' ';
		if (references >= REFERENCES)
			look_note(l, FACT_ARCHIVE_BOMB, "entities made of entities");
		if (bytes_has(one, STR("SYSTEM")) && (bytes_has(one, STR("://")) || bytes_has(one, STR("file:")) ||
		    bytes_has(one, STR("\"/")) || bytes_has(one, STR("'/"))))
			look_note(l, FACT_EXTERNAL_OBJECT, "an entity that is elsewhere");
	}
}

void text_check(struct look *l, enum kind k, struct str name, struct str bytes)
{
	char suffix[KIND_SUFFIX] = "";

	if (k == KIND_SYLK) {
		sylk(l, bytes);
		return;
	}
	if (k == KIND_XML)
		text_entities(l, bytes);
	(void)page_base64(l, bytes);
	(void)names_suffix(name, suffix);
	/* Office opens these as tables. */
	if ((strcmp(suffix, "csv") == 0 || strcmp(suffix, "tsv") == 0 || strcmp(suffix, "tab") == 0 ||
	    strcmp(suffix, "prn") == 0 || strcmp(suffix, "dif") == 0 ||
	     strcmp(suffix, "xls") == 0 || strcmp(suffix, "xlt") == 0 || strcmp(suffix, "txt") == 0) && dde_table(bytes))
		look_note(l, FACT_DDE, "formula");
	if (strcmp(suffix, "slk") == 0)
		sylk(l, bytes);
}
