/* Lists of malicious links: whatever they hold, the set is ordered, bounded, and has what a line put into it. */
#include "base/check.h"
#include "inspect/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make((const char *)p, n);
	struct arena *a = arena_new(4 << 20);
	struct feed_build b;
	struct feed_set s = { .name = STR("fuzz") };
	struct url found[URLS];
	bool more;
	unsigned m;

	CHECK(a && feed_begin(&b) == 0);
	CHECK(feed_text(&b, text) == 0);
	feed_finish(&b);
	CHECK(b.n <= b.room);
	for (size_t i = 1; i < b.n; i++)
		CHECK(b.v[i - 1] < b.v[i]);
	for (unsigned i = 0; i < FEED_NAMED && i < b.broken; i++)
		CHECK(b.named[i].why && b.named[i].line <= b.lines && strlen(b.named[i].text) < sizeof(b.named[i].text));
	s.v = b.v;
	s.n = b.n;
	m = url_find(text, a, found, &more);
	for (unsigned i = 0; i < m; i++)
		if (feed_has(&s, &found[i], false))
			CHECK(feed_has(&s, &found[i], true));
	feed_free(&b);
	arena_free(&a);
	return 0;
}
