/* scan_files.c - looks at the files that stdin names (PATH, NAME, TYPE between tabs, percent-encoded), and says what it saw:
 * facts between commas, media type, microseconds of CPU, evidence. It looks without any rights, as wardroom-scand does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "ipc/sandbox.h"
#include "scan/scan.h"

#define FILES 2000
#define LINE 4096

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

struct file {
	char line[LINE];
	struct scan_in in;
};

static void load(struct file *f)
{
	char *name = strchr(f->line, '\t'), *type = name ? strchr(name + 1, '\t') : NULL;
	struct stat st;
	void *p = NULL;
	int fd;

	if (!type)
		exit(2);
	*name++ = *type++ = 0;
	fd = open(f->line, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || (st.st_size && (p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)) {
		fprintf(stderr, "%s: cannot be read\n", f->line);
		exit(2);
	}
	close(fd);
	f->in = (struct scan_in){ .bytes = str_make(p ? p : "", (size_t)st.st_size), .name = decode(name), .type = decode(type), .out = -1 };
}

static void show(struct scan *s, const struct file *f)
{
	clock_t t = clock();
	struct scan_out out;

	if (scan_run(s, &f->in, &out) < 0)
		printf("ERROR");
	for (unsigned fact = 0, n = 0; fact < FACT_COUNT; fact++)
		if (out.facts & FACT_BIT(fact))
			printf("%s%s", n++ ? "," : "", file_fact_name(fact));
	printf("\t%s\t%ld\t", out.type, (long)((clock() - t) * 1000000 / CLOCKS_PER_SEC));
	for (unsigned i = 0; i < out.n_found; i++)
		printf("%s%s (%s)", i ? "; " : "", file_fact_name(out.found[i].fact), out.found[i].evidence);
	printf("\n");
	fflush(stdout);
}

int main(void)
{
	struct file *files = calloc(FILES, sizeof(*files));
	struct sandbox_state st;
	struct scan *s = NULL;
	unsigned n = 0;

	if (!files || scan_new(&s) < 0)
		return 2;
	while (n < FILES && fgets(files[n].line, LINE, stdin)) {
		files[n].line[strcspn(files[n].line, "\n")] = 0;
		load(&files[n++]);
	}
	/* As in wardroom-scand: from here on nothing is opened. */
	if (sandbox_enter_strict(&st) < 0)
		return 2;
	for (unsigned i = 0; i < n; i++)
		show(s, &files[i]);
	_exit(0);
}
