/* scan_files.c - looks at the files that stdin names (PATH, NAME, TYPE between tabs, percent-encoded), and says what it saw:
 * facts between commas, media type, microseconds of CPU, evidence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "scan/scan.h"

static struct str decode(char *s)
{
	char *out = s, *start = s;

	for (; *s; s++) {
		char hex[3] = { s[0] == '%' ? s[1] : 0, s[0] == '%' && s[1] ? s[2] : 0, 0 };

		if (hex[0] && hex[1]) {
			*out++ = (char)strtoul(hex, NULL, 16);
			s += 2;
		} else {
			*out++ = *s;
		}
	}
	return str_make(start, (size_t)(out - start));
}

static void show(struct scan *s, const char *path, char *name, char *type)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct scan_in in = { .name = decode(name), .type = decode(type), .out = -1 };
	struct scan_out out;
	struct stat st;
	clock_t t;
	void *p = NULL;

	if (fd < 0 || fstat(fd, &st) < 0 || (st.st_size && (p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)) {
		printf("cannot read\n");
		exit(2);
	}
	in.bytes = str_make(p ? p : "", (size_t)st.st_size);
	t = clock();
	if (scan_run(s, &in, &out) < 0)
		printf("ERROR");
	for (unsigned f = 0, n = 0; f < FACT_COUNT; f++)
		if (out.facts & FACT_BIT(f))
			printf("%s%s", n++ ? "," : "", file_fact_name(f));
	printf("\t%s\t%ld\t", out.type, (long)((clock() - t) * 1000000 / CLOCKS_PER_SEC));
	for (unsigned i = 0; i < out.n_found; i++)
		printf("%s%s (%s)", i ? "; " : "", file_fact_name(out.found[i].fact), out.found[i].evidence);
	printf("\n");
	fflush(stdout);
	if (p)
		munmap(p, (size_t)st.st_size);
	close(fd);
}

int main(void)
{
	char line[16384], *name, *type;
	struct scan *s = NULL;

	if (scan_new(&s) < 0)
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		name = strchr(line, '\t');
		type = name ? strchr(name + 1, '\t') : NULL;
		if (!type)
			return 2;
		*name++ = *type++ = 0;
		show(s, line, name, type);
	}
	scan_free(&s);
	return 0;
}
