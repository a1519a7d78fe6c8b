/* bench_scan.c - the time of the built-in checks on documents of 1 MiB, each made up here: CPU of one look, the median of several.
 *
 * bench_scan [MOST]: fails when the median of an ordinary document is above MOST milliseconds.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/buf.h"
#include "scan/scan.h"

#define MIB (1u << 20)
#define LOOKS 15

static uint32_t state = 1;

static uint32_t next(void)
{
	state = state * 1103515245 + 12345;
	return state >> 8;
}

static void words(struct buf *b, size_t n)
{
	for (size_t end = b->n + n; b->n < end;) {
		for (unsigned k = 2 + next() % 8; k > 0; k--)
			buf_char(b, (char)('a' + next() % 26 * (next() % 26) / 26));
		buf_char(b, ' ');
	}
}

static void noise(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_char(b, (char)(next() % 255));		/* without 0xff: no marker of JPEG */
}

static void paragraphs(struct buf *b, const char *before, const char *after, size_t n)
{
	while (b->n < n) {
		buf_printf(b, "%s", before);
		words(b, 300);
		buf_printf(b, "%s", after);
	}
}

static void add(struct archive *a, const char *name, const struct buf *b)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)b->n);
	if (archive_write_header(a, e) < ARCHIVE_WARN || archive_write_data(a, b->p, b->n) < 0)
		exit(2);
	archive_entry_free(e);
}

/* text: bytes of its XML; picture: bytes of one. */
static void docx(struct buf *out, size_t text, size_t picture)
{
	struct archive *a = archive_write_new();
	struct buf part;
	size_t used = 0;

	buf_init(&part, 16 * MIB);
	if (archive_write_set_format_zip(a) < ARCHIVE_WARN || buf_reserve(out, 4 * MIB) < 0 || archive_write_open_memory(a, out->p, 4 * MIB, &used) < ARCHIVE_WARN)
		exit(2);
	buf_printf(&part, "<Types/>");
	add(a, "[Content_Types].xml", &part);
	buf_clear(&part);
	buf_printf(&part, "<w:document xmlns:w='w'><w:p><w:r><w:fldChar w:fldCharType='begin'/><w:instrText> PAGE </w:instrText></w:r></w:p>");
	paragraphs(&part, "<w:p><w:r><w:rPr><w:sz w:val='22'/></w:rPr><w:t>", "</w:t></w:r></w:p>", text);
	buf_printf(&part, "</w:document>");
	add(a, "word/document.xml", &part);
	buf_clear(&part);
	buf_add(&part, "\xff\xd8\xff\xe0\0\4JF", 8);
	noise(&part, picture);
	add(a, "word/media/image1.jpeg", &part);
	archive_write_close(a);
	archive_write_free(a);
	out->n = used;
	buf_release(&part);
}

static void pdf(struct buf *out)
{
	struct buf page;
	unsigned id = 1;

	buf_init(&page, MIB);
	buf_printf(out, "%%PDF-1.5\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n");
	while (out->n < MIB) {
		uLongf n = 8192;
		Bytef packed[8192];

		buf_clear(&page);
		words(&page, 4000);
		compress(packed, &n, (const Bytef *)page.p, page.n);
		buf_printf(out, "%u 0 obj\n<</Filter/FlateDecode/Length %lu>>stream\n", ++id, (unsigned long)n);
		buf_add(out, packed, n);
		buf_printf(out, "\nendstream\nendobj\n");
	}
	buf_printf(out, "trailer\n<</Size %u/Root 1 0 R>>\nstartxref\n0\n%%%%EOF\n", id + 1);
	buf_release(&page);
}

static int by_size(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double look(struct scan *s, const char *name, const struct buf *b)
{
	struct scan_in in = { .bytes = buf_str(b), .name = str_of(name), .out = -1 };
	struct scan_out out;
	long us[LOOKS];

	for (unsigned i = 0; i < LOOKS; i++) {
		clock_t t = clock();

		if (scan_run(s, &in, &out) < 0)
			exit(2);
		us[i] = (long)((clock() - t) * 1000000 / CLOCKS_PER_SEC);
	}
	qsort(us, LOOKS, sizeof(us[0]), by_size);
	printf("%-34s %8zu bytes %6.1f ms\n", name, b->n, (double)us[LOOKS / 2] / 1000);
	return (double)us[LOOKS / 2] / 1000;
}

int main(int argc, char **argv)
{
	double most = argc > 1 ? strtod(argv[1], NULL) : 1e9, worst = 0, t;
	const char *const names[] = { "text and pictures.docx", "pages.pdf", "text.txt", "page.html", "picture.jpg", "a book without pictures.docx" };
	struct scan *s;

	if (scan_new(&s) < 0)
		return 2;
	for (unsigned i = 0; i < 6; i++) {
		struct buf b;

		buf_init(&b, 16 * MIB);
		if (i == 0)
			docx(&b, 700000, 750000);
		else if (i == 1)
			pdf(&b);
		else if (i == 2)
			words(&b, MIB);
		else if (i == 3)
			paragraphs(&b, b.n ? "<p>" : "<!DOCTYPE html><p>", "</p>\n", MIB);
		else if (i == 4) {
			buf_add(&b, "\xff\xd8\xff\xda\0\4\1\1", 8);
			noise(&b, MIB);
			buf_add(&b, "\xff\xd9", 2);
		} else
			docx(&b, 2700000, 0);
		t = look(s, names[i], &b);
		if (i < 5)
			worst = t > worst ? t : worst;
		buf_release(&b);
	}
	scan_free(&s);
	if (worst > most)
		printf("above %.1f ms\n", most);
	return worst > most;
}
