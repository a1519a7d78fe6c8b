#include "scan/digest.h"

#include <openssl/evp.h>

#include "scan/tlsh_c.h"

#define TLSH_LEAST 512			/* below it the library gives none */

void digest_sha256(struct str bytes, uint8_t ret[SCAN_DIGEST])
{
	unsigned n = 0;

	if (EVP_Digest(bytes.p, bytes.n, ret, &n, EVP_sha256(), NULL) != 1 || n != SCAN_DIGEST)
		check_failed("EVP_Digest", __FILE__, __LINE__);
}

void digest_tlsh(struct str bytes, char ret[SCAN_TLSH])
{
	struct str tail = STR_NONE;

	ret[0] = 0;
	if (bytes.n < TLSH_LEAST)
		return;
	if (bytes.n > DIGEST_TLSH_HEAD + DIGEST_TLSH_TAIL) {
		tail = str_cut(bytes, bytes.n - DIGEST_TLSH_TAIL);
		bytes.n = DIGEST_TLSH_HEAD;
	}
	tlsh_c_hash((const unsigned char *)bytes.p, (unsigned)bytes.n, (const unsigned char *)tail.p, (unsigned)tail.n, ret, SCAN_TLSH);
}
