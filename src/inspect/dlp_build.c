/* dlp_build.c - run while building: compiles what inspect/dlp.c looks for and prints it as bytes of a C array. Prints nothing but a
 * zero where this machine cannot; the server then compiles when it starts. */
#include <stdio.h>
#include <stdlib.h>

#include "inspect/patterns.h"

int main(void)
{
	static const struct pattern v[] = {
#define KIND(regex, caseless, rule, read, label, least) { regex, caseless },
#include "inspect/dlp_kinds.def"
#undef KIND
	};
	char *bytes = NULL;
	size_t n = 0;

	if (patterns_save(v, sizeof(v) / sizeof(v[0]), &bytes, &n) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		printf("%u,%s", (unsigned char)bytes[i], i % 32 == 31 ? "\n" : "");
	printf("0\n");
	free(bytes);
	return 0;
}
