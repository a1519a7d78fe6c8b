/* Not a test: cleans files for clean.py, and looks at the copies again. Lines in: FROM <tab> TO <tab> NAME; lines out:
 * error <tab> suffix <tab> media type <tab> what was seen <tab> what is said to be removed <tab> what is seen in the copy. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/clean.h"
#include "scan/scan.h"

static void names(uint64_t facts)
{
	const char *sep = "";

	printf("\t");
	for (unsigned i = 0; i < FACT_COUNT; i++)
		if (facts & FACT_BIT(i)) {
			printf("%s%s", sep, file_fact_name(i));
			sep = ",";
		}
}

static struct str map(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0) {
		if (fd >= 0)
			close(fd);
		return STR_NONE;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return p == MAP_FAILED ? STR_NONE : str_make(p, (size_t)st.st_size);
}

static int save(const char *path, struct str s)
{
	FILE *f = fopen(path, "wb");
	bool good = f && fwrite(s.p, 1, s.n, f) == s.n;

	return f && fclose(f) == 0 && good ? 0 : ERR_IO;
}

static int one(struct scan *s, char *line)
{
	char *to = strchr(line, '\t'), *name = to ? strchr(to + 1, '\t') : NULL;
	struct scan_in in = { .out = -1 }, again = { .out = -1 };
	struct clean c = { .name = STR_NONE };
	struct scan_out seen, left = { 0 };
	char named[4096];
	uint64_t all = 0;
	int err;

	if (!name)
		return -1;
	*to++ = *name++ = 0;
	name[strcspn(name, "\n")] = 0;
	for (unsigned i = 0; i < FACT_COUNT; i++)
		if (file_fact_default(i) == FILE_CLEAN || i == FACT_RTF_OBJECT || i == FACT_HTML_SMUGGLING)
			all |= FACT_BIT(i);
	in.bytes = map(line);
	in.name = str_of(name);
	c.in = in.bytes;
	c.name = in.name;
	c.what = all;
	err = scan_run(s, &in, &seen);
	if (err == 0) {
		c.media = str_of(seen.type);
		err = clean_make(&c);
	}
	if (err == 0 && c.cleaned) {
		snprintf(named, sizeof(named), "%s%s", name, c.suffix ? c.suffix : "");
		again.bytes = buf_str(&c.out);
		again.name = str_of(named);
		err = save(to, buf_str(&c.out));
		if (err == 0)
			err = scan_run(s, &again, &left);
	}
	printf("%s\t%s", err < 0 ? err_text(err) : c.cleaned ? "" : "nothing", c.suffix ? c.suffix : "");
	printf("\t%s", seen.type);
	names(seen.facts);
	names(c.removed);
	names(left.facts);
	clean_release(&c);
	printf("\n");
	fflush(stdout);
	return 0;
}

int main(void)
{
	static char line[8192];
	struct scan *s;

	if (scan_new(&s) < 0)
		return 2;
	while (fgets(line, sizeof(line), stdin))
		if (one(s, line) < 0)
			return 2;
	scan_free(&s);
	return 0;
}
