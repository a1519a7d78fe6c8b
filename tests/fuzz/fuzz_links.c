/* The link finder is pure: the same text has the same links and findings; what it hands out is well-formed and bounded. */
#include "base/check.h"
#include "base/utf8.h"
#include "inspect/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void well_formed(const struct url *u)
{
	CHECK(u->host.n > 0 && u->host.n <= 253);
	for (size_t i = 0; i < u->host.n; i++) {
		char c = u->host.p[i];

		CHECK((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || (u->ip && (c == ':' || (c >= 'A' && c <= 'F'))));
	}
	CHECK(utf8_valid(u->unicode));
	CHECK(u->site.n > 0 && u->site.n <= u->host.n && str_ends(u->host, u->site));
}

static void same(const struct links *a, const struct links *b)
{
	CHECK(a->n == b->n && a->more == b->more);
	for (unsigned i = 0; i < a->n; i++) {
		CHECK(str_eq(a->v[i].host, b->v[i].host) && str_eq(a->v[i].path, b->v[i].path) && str_eq(a->v[i].shown, b->v[i].shown));
		CHECK(a->v[i].obfuscated == b->v[i].obfuscated && a->v[i].ip == b->v[i].ip);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct lookalike_name names[2];
	struct links_conf conf = { .own = names, .n_own = 1, .brands = names + 1, .n_brands = 1 };
	struct arena *a = arena_new(4 << 20);
	struct str text = str_make((const char *)p, n);
	struct subject s = { .from = STR("anna@firm.example"), .to = STR("bob@firm.example"), .body = text };
	struct links one, two;
	struct verdict v = { 0 }, w = { 0 };
	struct fingerprint f;
	char id[17];

	CHECK(a);
	if (!utf8_valid(text)) {	/* the XML door lets nothing else in */
		arena_free(&a);
		return 0;
	}
	lookalike_init(&names[0], STR("firmament.example"));
	lookalike_init(&names[1], STR("paypal.com"));
	if (n > 2 && n < 4096)
		subject_add_link(&s, str_cut(text, n / 2), str_make(text.p, n / 2));
	links_gather(&s, a, &one);
	links_gather(&s, a, &two);
	same(&one, &two);
	CHECK(one.n <= URLS);
	for (unsigned i = 0; i < one.n; i++)
		well_formed(&one.v[i]);
	links_verdict(&one, &conf, &v);
	links_verdict(&two, &conf, &w);
	CHECK(v.n <= FINDINGS && v.n == w.n && v.truncated == w.truncated);
	for (unsigned i = 0; i < v.n; i++) {
		CHECK(v.f[i].rule == w.f[i].rule && strcmp(v.f[i].evidence, w.f[i].evidence) == 0);
		CHECK(utf8_valid(str_of(v.f[i].evidence)));
	}
	fingerprint_of(&s, one.n ? &one.v[0] : NULL, false, &f);
	CHECK(f.n_words <= FINGERPRINT_WORDS && fingerprint_alike(&f, &f) == (one.n > 0 || f.n_words >= 6));
	fingerprint_id(&f, id);
	CHECK(strlen(id) == 16);
	arena_free(&a);
	return 0;
}
