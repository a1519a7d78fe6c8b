/* Names of files: what misleads the eye is told, what people call their files is not. */
#include "scan_see.h"

#define T STR("words\n")
#define NAMES (BIT(DOUBLE_EXTENSION) | BIT(NAME_DIRECTION) | BIT(NAME_CONFUSABLE))

static void names_that_hide_their_ending_are_told(void **st)
{
	static const struct example bad[] = {
		{ STR("invoice.pdf.exe"), T, BIT(DOUBLE_EXTENSION) | BIT(EXECUTABLE), 0 },
		{ STR("holiday.jpg.scr"), T, BIT(DOUBLE_EXTENSION) | BIT(EXECUTABLE), 0 },
		{ STR("report.docx.js"), T, BIT(DOUBLE_EXTENSION) | BIT(SCRIPT), 0 },
		{ STR("scan.pdf.lnk"), T, BIT(DOUBLE_EXTENSION) | BIT(SHORTCUT), 0 },
		{ STR("readme.txt                    .exe"), T, BIT(DOUBLE_EXTENSION) | BIT(EXECUTABLE), 0 },
		{ STR("setup.exe..."), T, BIT(DOUBLE_EXTENSION) | BIT(EXECUTABLE), 0 },
		{ STR("setup.exe  "), T, BIT(DOUBLE_EXTENSION) | BIT(EXECUTABLE), 0 },
		{ STR("INVOICE.PDF.EXE"), T, BIT(DOUBLE_EXTENSION), 0 },
		{ STR("bill.pdf.html"), T, BIT(DOUBLE_EXTENSION), BIT(SCRIPT) },
		{ STR("photo\xe2\x80\xaegpj.exe"), T, BIT(NAME_DIRECTION) | BIT(EXECUTABLE), 0 },
		{ STR("photo\xe2\x81\xa7gpj.exe"), T, BIT(NAME_DIRECTION) | BIT(EXECUTABLE), 0 },
		{ STR("setup.\xd0\xb5\xd1\x85\xd0\xb5"), T, BIT(NAME_CONFUSABLE), 0 },		/* .exe in Cyrillic */
		{ STR("p\xd0\xb0ypal.txt"), T, BIT(NAME_CONFUSABLE), 0 },
		{ STR("in\xe2\x80\x8bvoice.txt"), T, BIT(NAME_CONFUSABLE), 0 },
		{ STR("invoice\xef\xbc\x8epdf"), T, BIT(NAME_CONFUSABLE), 0 },
	};

	check_examples(bad, ARRAY_SIZE(bad));
	(void)st;
}

static void names_that_people_give_are_nothing_special(void **st)
{
	static const struct example good[] = {
		{ STR("notes.txt"), T, 0, ANY }, { STR("v1.2.3 final.txt"), T, 0, ANY }, { STR("Angebot 24.11.2026.txt"), T, 0, ANY },
		{ STR("\xd0\x9e\xd1\x82\xd1\x87\xd1\x91\xd1\x82 2026.txt"), T, 0, ANY },			/* Russian */
		{ STR("\xd7\x93\xd7\x95\xd7\x97.txt"), T, 0, ANY },					/* Hebrew */
		{ STR("\xe6\x8a\xa5\xe5\x91\x8a.txt"), T, 0, ANY }, { STR("r\xc3\xa9sum\xc3\xa9.txt"), T, 0, ANY },
		{ STR("\xce\x94t per run.txt"), T, 0, ANY },						/* Greek for what it means */
		{ STR("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb.txt"), T, 0, ANY },			/* an emoji of two with a joiner */
		{ STR("photo.jpg.txt"), T, 0, ANY }, { STR("eslint.config.txt"), T, 0, ANY }, { STR(""), T, 0, ANY },
		{ STR("."), T, 0, ANY },
		{ STR("no ending"), T, 0, ANY }, { STR("archive.2026.log"), T, 0, ANY },
	};

	check_examples(good, ARRAY_SIZE(good));
	(void)st;
}

static void a_name_of_bytes_that_are_no_text_is_survived(void **st)
{
	char junk[3000];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (char)(i * 7 + 128);
	(void)look_named(str_make(junk, sizeof(junk)), T);
	memset(junk, '.', sizeof(junk));
	(void)look_named(str_make(junk, sizeof(junk)), T);
	memset(junk, ' ', sizeof(junk));
	memcpy(junk + sizeof(junk) - 4, ".exe", 4);
	assert_true(look_named(str_make(junk, sizeof(junk)), T).facts & BIT(DOUBLE_EXTENSION));
	(void)st;
}

static void endings_that_run_are_told_whatever_is_in_the_file(void **st)
{
	static const char *const program[] = { "a.exe", "a.DLL", "a.scr", "a.cpl", "a.com", "a.pif", "a.jar", "a.xll" };
	static const char *const script[] = { "a.bat", "a.cmd", "a.ps1", "a.vbs", "a.vbe", "a.js", "a.jse", "a.wsf", "a.hta",
	    "a.py", "a.sh", "a.reg", "a.inf", "a.chm" };
	static const char *const shortcut[] = { "a.lnk", "a.url", "a.desktop", "a.scf", "a.iqy", "a.settingcontent-ms",
	    "a.application", "a.jnlp" };

	for (size_t i = 0; i < ARRAY_SIZE(program); i++)
		assert_true(look_named(str_of(program[i]), T).facts & BIT(EXECUTABLE));
	for (size_t i = 0; i < ARRAY_SIZE(script); i++)
		assert_true(look_named(str_of(script[i]), T).facts & BIT(SCRIPT));
	for (size_t i = 0; i < ARRAY_SIZE(shortcut); i++)
		assert_true(look_named(str_of(shortcut[i]), T).facts & BIT(SHORTCUT));
	assert_true(look_named(STR("a.msi"), T).facts & BIT(INSTALLER));
	assert_true(look_named(STR("a.iso"), T).facts & BIT(DISK_IMAGE));
	assert_true(look_named(STR("a.one"), T).facts & BIT(ONENOTE));
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_hide_their_ending_are_told),
		cmocka_unit_test(names_that_people_give_are_nothing_special),
		cmocka_unit_test(a_name_of_bytes_that_are_no_text_is_survived),
		cmocka_unit_test(endings_that_run_are_told_whatever_is_in_the_file),
	};

	return cmocka_run_group_tests(tests, open_tools, close_tools);
}
