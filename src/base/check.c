#include "base/check.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void check_failed(const char *what, const char *file, int line)
{
	void *frames[32];
	int n = backtrace(frames, ARRAY_SIZE(frames));

	fprintf(stderr, "check.failed what=\"%s\" at=%s:%d\n", what, file, line);
	backtrace_symbols_fd(frames, n, STDERR_FILENO);
	abort();
}
