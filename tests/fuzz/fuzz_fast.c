/* A message of the HT mechanisms is refused or is a name, a NUL and a proof; no made-up proof is right, and none changes
 * what is stored. */
#include "auth/fast.h"
#include "base/b64.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_parsed(struct arena *a, struct str text)
{
	static struct scram_tools *tools;
	struct sasl_binding binding = { .tls = true, .exporter_n = 32, .endpoint_n = 32 };
	struct vault_device d, before;
	struct fast_message m;
	enum fast_verdict v;
	uint8_t answer[FAST_PROOF];

	if (fast_parse(a, text, &m) < 0)
		return;
	CHECK(m.name.n > 0 && utf8_valid(m.name) && !memchr(m.name.p, 0, m.name.n));
	CHECK(B64_LEN(m.name.n + 1 + FAST_PROOF) == text.n && text.n <= LIMIT_SASL_TEXT);
	if (!tools)
		tools = scram_tools_new();
	CHECK(tools);
	vault_device_init(&d, STR("d4565fa7-4d72-4749-b3d3-740edbf87770"), 1000);
	fast_issue(&d, FAST_UNBOUND, 1000, 1000);
	before = d;
	for (enum fast_mechanism k = FAST_NO_MECHANISM; k <= FAST_UNBOUND; k++) {
		CHECK(fast_check(tools, &binding, k, m.proof, 0, 1001, &d, &v, answer) == 0);
		CHECK(v == FAST_WRONG && memcmp(&d, &before, sizeof(d)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(1 << 20);

	CHECK(a);
	check_parsed(a, str_make((const char *)p, n));
	check_parsed(a, b64_str(a, p, n));
	arena_free(&a);
	return 0;
}
