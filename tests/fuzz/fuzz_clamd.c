/* fuzz_clamd.c - whatever clamd says, it is clean only when it says exactly that. */
#include "base/check.h"
#include "scan/clamd.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str s = str_make((const char *)p, n);
	struct clamd_reply r, again;
	size_t name_n;

	clamd_parse(s, &r);
	clamd_parse(s, &again);
	CHECK(memcmp(&r, &again, sizeof(r)) == 0);
	CHECK(r.said != SCAN_JOB_CLAMD_NONE);
	name_n = strnlen(r.name, sizeof(r.name));
	CHECK(name_n < sizeof(r.name));
	for (size_t i = 0; i < name_n; i++)
		CHECK(r.name[i] >= 0x20 && r.name[i] < 0x7f);
	if (r.said == SCAN_JOB_CLAMD_OK)
		CHECK(str_starts(s, STR("stream: OK")) && n <= sizeof("stream: OK") + 1);
	CHECK((r.said == SCAN_JOB_CLAMD_FOUND) <= (name_n > 0));
	return 0;
}
