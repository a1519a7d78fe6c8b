/* An address is refused or has one form: normalising it again changes nothing, and its parts are what it says. */
#include "base/check.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(1 << 20);
	struct jid j, k;
	struct str s;

	CHECK(a);
	if (jid_parse(a, str_make((const char *)p, n), &j) == 0) {
		CHECK(utf8_valid(j.full) && j.full.n <= LIMIT_JID);
		CHECK(j.domain.n && j.local.n <= LIMIT_JID_PART && j.domain.n <= LIMIT_JID_PART && j.resource.n <= LIMIT_JID_PART);
		CHECK(str_find_char(j.bare, '/') < 0);
		CHECK(str_find_char(j.local, '@') < 0 && str_find_char(j.domain, '@') < 0);
		CHECK(j.bare.n == j.local.n + j.domain.n + (j.local.n > 0));
		CHECK(j.full.n == j.bare.n + j.resource.n + (j.resource.n > 0));
		CHECK(jid_parse(a, j.full, &k) == 0);
		CHECK(str_eq(j.full, k.full) && str_eq(j.local, k.local) && str_eq(j.domain, k.domain) && jid_equal_bare(&j, &k));
		if (j.local.n && jid_skeleton(a, j.local, &s) == 0)
			CHECK(s.n > 0);
	}
	arena_free(&a);
	return 0;
}
