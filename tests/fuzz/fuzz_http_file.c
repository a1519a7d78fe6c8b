/* fuzz_http_file.c - properties of what a request says about a file, for any bytes at all. Three bytes are the file's size. */
#include "base/check.h"
#include "base/utf8.h"
#include "web/http_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A header line, whole and one: nothing in it can end it early or turn the direction of writing. */
static void check_disposition(struct str name)
{
	static const char begin[] = "Content-Disposition: attachment; filename*=UTF-8''";
	struct buf b;

	buf_init(&b, 1 << 20);
	http_file_disposition(name, &b);
	CHECK(!b.failed && b.n >= sizeof(begin) + 1 && str_starts(buf_str(&b), str_of(begin)));
	for (size_t i = 0; i + 2 < b.n; i++)
		CHECK(b.p[i] >= 0x20 && b.p[i] < 0x7f);
	CHECK(b.p[b.n - 2] == '\r' && b.p[b.n - 1] == '\n');
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t size, from = 0, part = 0, when;
	struct str text, tag = STR("\"b\"");
	char date[HTTP_FILE_DATE];

	if (n < 3 || n > 4096)
		return 0;
	size = (uint64_t)p[0] << 16 | (uint64_t)p[1] << 8 | p[2];
	text = str_make((const char *)p + 3, n - 3);
	if (http_file_range(text, size, &from, &part) == HTTP_FILE_PART)
		CHECK(part > 0 && from < size && part <= size - from);
	if (http_file_lists_tag(text, tag, false))
		CHECK(http_file_lists_tag(text, tag, true));
	if (http_file_date_read(text, &when)) {
		http_file_date(when, date);
		CHECK(str_is(text, date));
	}
	if (http_file_name(text))
		CHECK(text.n > 0 && str_find_char(text, '/') < 0 && str_find_char(text, '\\') < 0 && text.n <= 3 * HTTP_FILE_NAME);
	if (http_file_type(text))
		CHECK(utf8_valid(text) && str_find_char(text, '\n') < 0);
	check_disposition(text);
	return 0;
}
