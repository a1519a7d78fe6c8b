#include "base/b64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void b64_encode(const void *data, size_t n, char *ret)
{
	const uint8_t *p = data;

	for (; n >= 3; n -= 3, p += 3) {
		*ret++ = alphabet[p[0] >> 2];
		*ret++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		*ret++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		*ret++ = alphabet[p[2] & 63];
	}
	if (n) {
		uint8_t second = n == 2 ? p[1] : 0;

		*ret++ = alphabet[p[0] >> 2];
		*ret++ = alphabet[(p[0] & 3) << 4 | second >> 4];
		*ret++ = n == 2 ? alphabet[(second & 15) << 2] : '=';
		*ret++ = '=';
	}
	*ret = 0;
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int b64_decode(struct str text, uint8_t *ret, size_t cap, size_t *ret_n)
{
	size_t pad = 0, n, out = 0;

	if (text.n % 4)
		return ERR_BAD_FORMAT;
	if (text.n && text.p[text.n - 1] == '=')
		pad = text.p[text.n - 2] == '=' ? 2 : 1;
	n = text.n / 4 * 3 - pad;
	if (n > cap)
		return ERR_LIMIT;
	for (size_t i = 0; i < text.n; i += 4) {
		bool last = i + 4 == text.n;
		uint32_t v = 0;

		for (size_t j = 0; j < 4; j++) {
			bool padding = last && j >= 4 - pad;
			int x = padding ? 0 : value_of(text.p[i + j]);

			if (x < 0)
				return ERR_BAD_FORMAT;
			v = v << 6 | (uint32_t)x;
		}
		if (last && ((pad == 1 && v & 0xff) || (pad == 2 && v & 0xffff)))
			return ERR_BAD_FORMAT;
		for (size_t j = 0; j < 3 && out < n; j++)
			ret[out++] = (uint8_t)(v >> (16 - 8 * j));
	}
	*ret_n = n;
	return 0;
}

struct str b64_str(struct arena *a, const void *p, size_t n)
{
	char *out = arena_alloc(a, B64_LEN(n) + 1);

	if (out)
		b64_encode(p, n, out);
	return (struct str){ out, out ? B64_LEN(n) : 0 };
}

void b64_hex(const void *data, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++) {
		*ret++ = digits[p[i] >> 4];
		*ret++ = digits[p[i] & 15];
	}
	*ret = 0;
}

int b64_unhex(struct str text, uint8_t *ret, size_t cap, size_t *ret_n)
{
	if (text.n % 2)
		return ERR_BAD_FORMAT;
	if (text.n / 2 > cap)
		return ERR_LIMIT;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		int x = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (x < 0)
			return ERR_BAD_FORMAT;
		ret[i / 2] = (uint8_t)(i % 2 ? ret[i / 2] | x : x << 4);
	}
	*ret_n = text.n / 2;
	return 0;
}
