/* Cleaned pictures of SVG draw and do nothing else; pages become the text they show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scan/clean.h"

#define ACTIVE (FACT_BIT(FACT_SVG_SCRIPT) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_METADATA))
#define SVG(inner) "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'>" inner "</svg>"
#define MADE(inner) "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">" inner "</svg>\n"

static struct clean made;

static int down(void **st)
{
	(void)st;
	clean_release(&made);
	made = (struct clean){ 0 };
	return 0;
}

static int clean(const char *text, const char *media, uint64_t what)
{
	clean_release(&made);
	made = (struct clean){ .in = str_of(text), .media = str_of(media), .what = what };
	return clean_make(&made);
}

static const struct {
	const char *from, *to;
	unsigned fact;
} pictures[] = {
	{ SVG("<script>x()</script><g/>"), MADE("<g></g>"), FACT_SVG_SCRIPT },
	{ SVG("<g onclick='x()' id='a'/>"), MADE("<g id=\"a\"></g>"), FACT_SVG_SCRIPT },
	{ SVG("<g><foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject></g>"), MADE("<g></g>"), FACT_SVG_SCRIPT },
	{ SVG("<a xlink:href=' javascript:x()'><text>y</text></a>"), MADE("<a><text>y</text></a>"), FACT_SVG_SCRIPT },
	{ SVG("<a href='https://firm.example/'/><use href='http://evil.test/#a'/>"), MADE("<a href=\"https://firm.example/\"></a><use></use>"), FACT_EXTERNAL_OBJECT },
	{ SVG("<set attributeName='xlink:href' to='javascript:x()'/>"), MADE(""), FACT_SVG_SCRIPT },
	{ SVG("<image href='data:image/svg+xml;base64,PHN2Zz4='/>"), MADE("<image></image>"), FACT_SVG_SCRIPT },
	{ SVG("<image href='data:image/png;base64,iVBO'/><g onload='x'/>"), MADE("<image href=\"data:image/png;base64,iVBO\"></image><g></g>"), FACT_SVG_SCRIPT },
	{ SVG("<style>a{fill:url(#g)} b{background:url(http://evil.test/)}</style>"), MADE("<style></style>"), FACT_EXTERNAL_OBJECT },
	{ SVG("<style>@import 'http://evil.test/';</style>"), MADE("<style></style>"), FACT_EXTERNAL_OBJECT },
	{ SVG("<g style='fill:url( \"#g\" )'/><g style='fill:u\\rl(http://evil.test/)'/>"), MADE("<g style=\"fill:url( &#34;#g&#34; )\"></g><g></g>"), FACT_SVG_SCRIPT },
	{ SVG("<!-- by a program --><metadata>who</metadata><text>a&lt;b</text>"), MADE("<text>a&lt;b</text>"), FACT_METADATA },
	{ "<?xml-stylesheet href='http://evil.test/'?>" "<svg xmlns='http://www.w3.org/2000/svg'/>", MADE(""), FACT_EXTERNAL_OBJECT },
	{ "<!DOCTYPE svg [<!ENTITY s 'ript'><!ENTITY j 'java'>]>" "<svg xmlns='http://www.w3.org/2000/svg'><a href='&j;sc&s;:x'/></svg>", MADE("<a></a>"), FACT_SVG_SCRIPT },
};

static void pictures_only_draw(void **st)
{
	(void)st;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		assert_int_equal(clean(pictures[i].from, "image/svg+xml", ACTIVE), 0);
		assert_true(made.cleaned);
		assert_int_equal(buf_char(&made.out, 0), 0);
		assert_string_equal(made.out.p, pictures[i].to);
		if (made.removed != FACT_BIT(pictures[i].fact))
			fail_msg("%s: %llx", pictures[i].from, (unsigned long long)made.removed);
	}
}

static void what_only_draws_is_not_written_anew(void **st)
{
	(void)st;
	assert_int_equal(clean(SVG("<g id='a' style='fill:#fff'><animate attributeName='x' to='1'/></g>"), "image/svg+xml", ACTIVE), 0);
	assert_false(made.cleaned);
	assert_int_equal(clean(SVG("<g>"), "image/svg+xml", ACTIVE), ERR_BAD_FORMAT);
	assert_int_equal(clean("<html><svg></svg></html>", "image/svg+xml", ACTIVE), ERR_BAD_FORMAT);
}

static const struct { const char *from, *to; } pages[] = {
	{ "<html><head><title>Plan</title><script>x()</script><style>p{}</style></head><body><p>One &amp; two</p><p>Three</p></body></html>",
	  "Plan\n\nOne & two\n\nThree\n\n\n" },
	{ "a<br>b<!-- <b>no</b> -->c <b title='x>y'>d</b>\n\n e", "a\nbc d e\n" },
	{ "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1\t2\t\n3\t\n\n\n" },
	{ "<ul><li>one<li>two</ul>x", "- one\n- two\n\nx\n" },
	{ "&#x41;&#66;&euro;&auml;&unknown;&", "AB\xe2\x82\xac\xc3\xa4&unknown;&\n" },
	{ "<script>var a = '</scr' + 'ipt>'; document.write('<p>')</script>shown", "shown\n" },
	{ "<script>never ends", "\n" },
	{ "caf\xe9 <p>", "caf\xc3\xa9\n\n\n" },
	{ "<meta charset=\"koi8-r\">\xf0\xd2", "\xd0\x9f\xd1\x80\n" },
	{ "<svg onload=alert(1)><text>x</text></svg>1 < 2", "1 < 2\n" },
};

static void a_page_becomes_the_text_it_shows(void **st)
{
	(void)st;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		assert_int_equal(clean(pages[i].from, "text/html", FACT_BIT(FACT_HTML_SCRIPT)), 0);
		assert_int_equal(buf_char(&made.out, 0), 0);
		assert_string_equal(made.out.p, pages[i].to);
		assert_string_equal(made.type, "text/plain");
		assert_string_equal(made.suffix, ".txt");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(pictures_only_draw, down),
		cmocka_unit_test_teardown(what_only_draws_is_not_written_anew, down),
		cmocka_unit_test_teardown(a_page_becomes_the_text_it_shows, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
