/* What either engine finds to be a leak lies within the text and in order; masked it is text still. (That both find the same is for the unit
 * tests: on noise they may begin elsewhere.) The memory of beacons stays within its bounds whatever is said, and when. */
#include "base/check.h"
#include "base/utf8.h"
#include "inspect/beacon.h"
#include "inspect/dlp.h"
#include "inspect/dlp_password.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct dlp *make(enum patterns_engine engine)
{
	static const struct str words[] = { { "Project Nautilus", 16 }, { "zürich", 7 } };
	static const struct dlp_own own[] = { { { "ticket", 6 }, { "TCK-[0-9]{4}", 12 } } };
	struct dlp_conf conf = { .words = words, .n_words = 2, .own = own, .n_own = 1, .engine = engine };
	struct dlp *d;
	size_t bad;

	CHECK(dlp_new(&conf, &d, &bad) == 0);
	return d;
}

static void well_formed(const struct dlp_spans *l, struct str text)
{
	CHECK(l->n <= DLP_SPANS);
	for (unsigned i = 0; i < l->n; i++) {
		CHECK(l->v[i].from < l->v[i].to && l->v[i].to <= text.n);
		CHECK(i == 0 || l->v[i].from >= l->v[i - 1].to);
		CHECK(strlen(l->v[i].label) < DLP_LABEL);
	}
}

static void remember(struct str text)
{
	struct beacon_memory m = { 0 };
	struct subject s = { .from = STR("a@firm.test"), .to = STR("x@other.test"), .topic = STR_NONE, .outward = true };
	struct verdict v;

	for (size_t i = 0; i + 8 <= text.n && i < 64 * 8; i += 8) {
		memset(&v, 0, sizeof(v));
		s.body = str_cut(text, i);
		memcpy(&s.ts_ms, text.p + i, sizeof(s.ts_ms));
		beacon_verdict(&m, &s, (unsigned char)text.p[i] % 6, &v);
		CHECK(m.n <= BEACON_TRACKS && v.n <= FINDINGS);
		for (unsigned k = 0; k < v.n; k++)
			CHECK(utf8_valid(str_of(v.f[k].evidence)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct dlp *fast, *slow;
	struct str text = str_make((const char *)p, n), masked, candidates[DLP_PASSWORD_CANDIDATES];
	struct arena *a = arena_new(4 << 20);
	struct dlp_spans one, two;

	CHECK(a);
	if (!fast) {
		fast = make(PATTERNS_BEST);
		slow = make(PATTERNS_PCRE2);
	}
	remember(text);
	CHECK(dlp_password_candidates(text, n % 2, candidates) <= DLP_PASSWORD_CANDIDATES);
	if (!utf8_valid(text)) {	/* the XML door lets nothing else in */
		arena_free(&a);
		return 0;
	}
	CHECK(dlp_find(fast, text, &one) == 0);
	well_formed(&one, text);
	if (dlp_find(slow, text, &two) == 0)
		well_formed(&two, text);
	masked = dlp_masked(&one, text, a);
	CHECK(masked.p && utf8_valid(masked));
	arena_free(&a);
	return 0;
}
