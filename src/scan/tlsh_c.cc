// The only C++ of this program: a door to libtlsh. Nothing it throws goes past it.
#include "scan/tlsh_c.h"

#include <cstring>
#include <tlsh.h>

extern "C" void tlsh_c_hash(const unsigned char *a, unsigned a_n, const unsigned char *b, unsigned b_n, char *ret, unsigned ret_n)
{
	ret[0] = 0;
	try {
		Tlsh t;
		const char *h;

		t.update(a, a_n);
		if (b_n)
			t.update(b, b_n);
		t.final();
		h = t.getHash();
		if (h && std::strlen(h) < ret_n)
			std::memcpy(ret, h, std::strlen(h) + 1);
	} catch (...) {
		ret[0] = 0;
	}
}
