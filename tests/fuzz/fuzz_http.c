/* fuzz_http.c - properties of http_parse() for any bytes at all. */
#include "base/check.h"
#include "web/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool inside(struct str s, const uint8_t *p, size_t n)
{
	return s.n == 0 || ((const uint8_t *)s.p >= p && (const uint8_t *)s.p + s.n <= p + n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct http_request r, again;
	int err = http_parse(str_make((const char *)p, n), &r);

	if (err != 0)
		return 0;
	CHECK(r.n <= n && r.n <= HTTP_HEAD_BYTES && r.n_fields <= HTTP_FIELDS);
	CHECK(r.path.n > 0 && r.path.p[0] == '/' && inside(r.path, p, r.n) && inside(r.query, p, r.n) && inside(r.host, p, r.n));
	for (unsigned i = 0; i < r.n_fields; i++)
		CHECK(r.fields[i].name.n > 0 && inside(r.fields[i].name, p, r.n) && inside(r.fields[i].value, p, r.n));
	CHECK(http_parse(str_make((const char *)p, r.n), &again) == 0);		/* what follows makes no difference */
	CHECK(http_parse(str_make((const char *)p, r.n - 1), &again) == ERR_AGAIN);
	return 0;
}
