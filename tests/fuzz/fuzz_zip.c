/* Directories of ZIP: what is told of one lies within the bytes; and the whole road of an archive. */
#include "scan/unpack.h"
#include "scan/zip.h"
#include "scan_look.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void each(void *ctx, struct look *l, struct str name, struct str bytes, bool whole)
{
	size_t *sum = ctx;

	(void)l;
	(void)whole;
	for (size_t i = 0; i < name.n; i++)
		*sum += (uint8_t)name.p[i];
	*sum += bytes.n ? (uint8_t)bytes.p[bytes.n - 1] : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str bytes = str_make((const char *)p, n);
	struct scan_look s;
	struct look *l = scan_look_begin(&s, bytes);
	struct zip z;
	size_t sum = 0;

	if (zip_read(bytes, &z) == 0) {
		CHECK(z.n <= ZIP_ENTRIES && z.start <= n);
		for (size_t i = 0; i < z.n; i++) {
			CHECK(z.v[i].name.n == 0 || (z.v[i].name.p >= bytes.p && z.v[i].name.p + z.v[i].name.n <= bytes.p + n));
			CHECK(i == 0 || z.v[i - 1].at <= z.v[i].at);
		}
		(void)zip_kind(&z, bytes);
		zip_release(&z);
	}
	unpack_walk(l, KIND_ZIP, STR("a.zip"), bytes, each, &sum);
	unpack_walk(l, KIND_ZIP_CUT, STR("a.zip"), bytes, each, &sum);
	CHECK(l->unpacked <= SCAN_LOOK_UNPACKED + (1u << 20));
	scan_look_end(&s);
	return 0;
}
