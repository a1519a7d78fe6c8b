/* The spim inspector is pure: the same text looks the same, tokens lie inside the text, evidence is well-formed; a model or a site's
 * adjustments from any bytes are refused or good. */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"
#include "inspect/spim_campaign.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void look(struct spim *m, const struct normal_table *t, struct str text)
{
	static struct normal one;
	struct subject s = { .from = STR("x@y.example"), .to = STR("a@firm.example"), .body = text, .topic = STR_NONE };
	struct spim_memory mem = { 0 };
	struct spim_view view, again;
	struct verdict v = { 0 };

	normal_text(t, text, &one);
	CHECK(one.n <= NORMAL_CHARS && one.n_tokens <= NORMAL_TOKENS);
	for (unsigned i = 0; i < one.n_tokens; i++) {
		char put[64];
		size_t k = normal_put(&one, &one.t[i], put, sizeof(put));

		CHECK(one.t[i].n > 0 && (unsigned)one.t[i].at + one.t[i].n <= one.n);
		CHECK(k <= sizeof(put) && utf8_valid(str_make(put, k)));
	}
	spim_look(m, text, &view);
	spim_look(m, text, &again);
	CHECK(isfinite(view.over) && view.over == again.over && view.band == again.band && view.n_top == again.n_top);
	CHECK(view.band <= SPIM_BANDS && view.n_top <= SPIM_TOP && spim_overlap(view.print, again.print) == (view.n_words ? 100u : 0u));
	for (unsigned i = 0; i < 6; i++) {
		spim_campaign_verdict(&s, &view, &mem, i, 0, 3600000, &v);
		spim_campaign_note(&mem, &s, &view, i);
	}
	CHECK(v.n > 0);		/* six strangers, the same text, nobody answers */
	for (unsigned i = 0; i < v.n; i++)
		CHECK(utf8_valid(str_of(v.f[i].evidence)));
}

/* Bytes in the place of a model's, and of a site's adjustments. */
static void damage(struct spim *m, const uint8_t *p, size_t n)
{
	struct str good = spim_builtin();
	char *copy = malloc(good.n);
	struct spim *other = NULL;
	size_t at = n > 2 ? ((size_t)p[0] << 8 | p[1]) * 4 % good.n : 0, k = n < good.n - at ? n : good.n - at;
	struct buf b;
	int r;

	CHECK(copy);
	memcpy(copy, good.p, good.n);
	memcpy(copy + at, p, k);
	r = spim_new(str_make(copy, good.n), &other);
	CHECK(memcmp(copy, good.p, good.n) == 0 ? r == 0 : r == ERR_BAD_FORMAT);
	spim_free(&other);
	CHECK(spim_new(str_make((const char *)p, n), &other) == ERR_BAD_FORMAT);
	free(copy);
	if (spim_delta_read(m, str_make((const char *)p, n)) == 0) {
		buf_init(&b, SPIM_DELTA_BYTES);
		spim_delta_write(m, &b);
		CHECK(!b.failed && b.n == n && memcmp(b.p, p, n) == 0);
		buf_release(&b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct spim *m;
	static struct normal_table *t;
	struct str text = str_make((const char *)p, n);

	if (!m) {
		t = normal_table_new();
		CHECK(t && spim_new(spim_builtin(), &m) == 0);
	}
	damage(m, p, n);
	if (utf8_valid(text)) {		/* the XML door lets nothing else in */
		look(m, t, text);
		if (n > 4)
			spim_learn(m, text, p[0] & 1, (float)p[1] / 200);
	}
	return 0;
}
