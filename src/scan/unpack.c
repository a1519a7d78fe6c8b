#include "scan/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>

#include "base/buf.h"
#include "scan/bytes.h"
#include "scan/names.h"
#include "scan/sniff.h"

#define NAME_MAX_SHOWN 60
#define TAR_HEAD 512
#define FAULTS 8			/* headers that cannot be read, before it is given up */

struct walk {
	struct look *l;
	struct archive *a;
	struct str name;
	unpack_fn *each;
	void *ctx;
	struct buf part;
	bool raw;			/* one stream, no names in it */
	unsigned files;
};

static const struct { enum kind kind; int (*support)(struct archive *a); } streams[] = {
	{ KIND_GZIP, archive_read_support_filter_gzip }, { KIND_XZ, archive_read_support_filter_xz },
	{ KIND_BZIP2, archive_read_support_filter_bzip2 }, { KIND_ZSTD, archive_read_support_filter_zstd },
	{ KIND_LZ4, archive_read_support_filter_lz4 }, { KIND_LZIP, archive_read_support_filter_lzip },
	{ KIND_COMPRESS, archive_read_support_filter_compress }, { KIND_UU, archive_read_support_filter_uu },
	{ KIND_LZMA, archive_read_support_filter_lzma },
};

static const struct { enum kind kind; int (*support)(struct archive *a); } formats[] = {
	{ KIND_ZIP, archive_read_support_format_zip_seekable }, { KIND_RAR, archive_read_support_format_rar },
	{ KIND_RAR, archive_read_support_format_rar5 },
	{ KIND_SEVEN, archive_read_support_format_7zip }, { KIND_TAR, archive_read_support_format_tar },
	{ KIND_CAB, archive_read_support_format_cab },
	{ KIND_LHA, archive_read_support_format_lha }, { KIND_AR, archive_read_support_format_ar },
	{ KIND_DEB, archive_read_support_format_ar },
	{ KIND_CPIO, archive_read_support_format_cpio }, { KIND_XAR, archive_read_support_format_xar },
	{ KIND_WARC, archive_read_support_format_warc },
	{ KIND_ISO, archive_read_support_format_iso9660 },
	/* Without a directory: file after file, as far as it goes. */
	{ KIND_ZIP_CUT, archive_read_support_format_zip_streamable },
};

bool unpack_can(enum kind k)
{
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		if (streams[i].kind == k)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].kind == k)
			return true;
	return k == KIND_RPM;
}

/* Just one format, just one filter: a chain of filters would unpack without being counted. (Filters are found, not given:
 * archive_read_append_filter() breaks down with .Z in libarchive 3.6.) */
static bool prepare(struct walk *w, enum kind k, bool tar)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].kind == k)
			any |= formats[i].support(w->a) >= ARCHIVE_WARN;
	for (size_t i = 0; i < ARRAY_SIZE(streams) && !any; i++)
		if (streams[i].kind == k) {
			w->raw = !tar;
			return streams[i].support(w->a) >= ARCHIVE_WARN &&
			       (tar ? archive_read_support_format_tar(w->a) : archive_read_support_format_raw(w->a)) >= ARCHIVE_WARN;
		}
	if (k == KIND_RPM)
		return archive_read_support_filter_rpm(w->a) >= ARCHIVE_WARN && archive_read_support_filter_gzip(w->a) >= ARCHIVE_WARN &&
		       archive_read_support_filter_xz(w->a) >= ARCHIVE_WARN && archive_read_support_filter_zstd(w->a) >= ARCHIVE_WARN &&
		       archive_read_support_filter_bzip2(w->a) >= ARCHIVE_WARN && archive_read_support_filter_lzma(w->a) >= ARCHIVE_WARN &&
		       archive_read_support_format_cpio(w->a) >= ARCHIVE_WARN;
	return any;
}

/* Upwards, from the root, or to a drive: where it would lie when it is unpacked. */
static bool escapes(struct str s)
{
	if (bytes_at(s, 0, STR("/")) || bytes_at(s, 0, STR("\\")) || (s.n > 2 && s.p[1] == ':' && (s.p[2] == '\\' || s.p[2] == '/')))
		return true;
	for (size_t at = 0; at < s.n; at++) {
		bool first = at == 0 || s.p[at - 1] == '/' || s.p[at - 1] == '\\';

		if (first && bytes_at(s, at, STR("..")) && (at + 2 == s.n || s.p[at + 2] == '/' || s.p[at + 2] == '\\'))
			return true;
	}
	return false;
}

static bool encrypted(struct walk *w, struct archive_entry *e)
{
	const char *said = archive_error_string(w->a);

	/* Of RAR with names that are encrypted, too, it says so in words alone. */
	if (archive_read_has_encrypted_entries(w->a) <= 0 && !(e && archive_entry_is_encrypted(e)) && !(said && strstr(said, "ncrypt")))
		return false;
	look_note(w->l, FACT_ENCRYPTED_ARCHIVE, "%s", e && archive_entry_pathname(e) ? archive_entry_pathname(e) : "");
	return true;
}

/* Films and sound are long, and nothing in them is looked for behind their beginning. */
static bool long_is_fine(struct look *l, struct str head)
{
	char mime[SCAN_TYPE];
	enum kind_family f = kind_family(sniff_kind(look_sniff(l), head, true, mime));

	return f == FAMILY_MEDIA || f == FAMILY_PICTURE;
}

/* Its bytes into w->part; false: the budget is used up. */
static bool take(struct walk *w, bool *ret_whole)
{
	const void *p;
	size_t n;
	la_int64_t at;
	int r;

	buf_clear(&w->part);
	*ret_whole = true;
	while ((r = archive_read_data_block(w->a, &p, &n, &at)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		if (!look_spend(w->l, n))
			return false;
		if (*ret_whole && buf_add(&w->part, p, n) < 0)
			*ret_whole = false;
	}
	if (r == ARCHIVE_EOF) {
		if (!*ret_whole && !long_is_fine(w->l, buf_str(&w->part)))
			look_note(w->l, FACT_TOO_BIG, "a file in it is longer than %u MiB", SCAN_PART >> 20);
		return true;
	}
	*ret_whole = false;
	if (!encrypted(w, NULL))
		look_note(w->l, FACT_MALFORMED, "it cannot be unpacked: %s", archive_error_string(w->a) ? archive_error_string(w->a) : "");
	return true;
}

/* "notes.txt" of notes.txt.gz; the name within the stream is not known. */
static struct str bare_name(struct str name)
{
	for (size_t i = name.n; i-- > 0;)
		if (name.p[i] == '.')
			return str_ends(str_make(name.p, i), STR(".tar")) ? str_make(name.p, i - 4) : str_make(name.p, i);
	return name;
}

static bool one(struct walk *w, struct archive_entry *e)
{
	const char *path = archive_entry_pathname_utf8(e), *link = archive_entry_symlink(e);
	struct str name;
	bool whole;

	if (!path)
		path = archive_entry_pathname(e);
	name = w->raw ? bare_name(w->name) : str_of(path);
	if (!look_enter(w->l))
		return false;
	if (escapes(name) || (link && escapes(str_of(link))))
		look_note(w->l, FACT_ARCHIVE_ESCAPE, "%.*s", name.n > NAME_MAX_SHOWN ? NAME_MAX_SHOWN : (int)name.n, name.p);
	if (archive_entry_filetype(e) == AE_IFDIR)
		return true;
	w->files++;
	if (encrypted(w, e) && archive_entry_is_encrypted(e)) {
		names_check(w->l, name);
		return true;
	}
	if (!take(w, &whole))
		return false;
	w->each(w->ctx, w->l, name, buf_str(&w->part), whole);
	return true;
}

static void entries(struct walk *w)
{
	struct archive_entry *e;
	unsigned faults = 0;
	int r;

	while ((r = archive_read_next_header(w->a, &e)) != ARCHIVE_EOF) {
		if (r < ARCHIVE_WARN) {
			if (!encrypted(w, NULL))
				look_note(w->l, FACT_MALFORMED, "it cannot be unpacked: %s",
				    archive_error_string(w->a) ? archive_error_string(w->a) : "");
			if (r == ARCHIVE_FATAL || ++faults == FAULTS)
				return;
			continue;
		}
		if (!one(w, e))
			return;
	}
}

/* Does the stream begin as a tape archive does? libarchive takes a long row of zeros for one, too: an empty one. */
static bool tar_within(enum kind k, struct str bytes)
{
	struct walk w = { .a = archive_read_new() };
	struct archive_entry *e;
	char head[TAR_HEAD];
	la_ssize_t n = 0;

	if (w.a && prepare(&w, k, false) && w.raw && archive_read_open_memory(w.a, bytes.p, bytes.n) >= ARCHIVE_WARN &&
	    archive_read_next_header(w.a, &e) >= ARCHIVE_WARN)
		n = archive_read_data(w.a, head, sizeof(head));
	archive_read_free(w.a);
	return n == TAR_HEAD && sniff_tar(str_make(head, sizeof(head)));
}

void unpack_walk(struct look *l, enum kind k, struct str name, struct str bytes, unpack_fn *each, void *ctx)
{
	struct walk w = { .l = l, .name = name, .each = each, .ctx = ctx, .a = archive_read_new() };

	if (!w.a) {
		look_note(l, FACT_SCAN_FAILED, "out of memory");
		return;
	}
	buf_init(&w.part, SCAN_PART);
	if (!prepare(&w, k, tar_within(k, bytes)) || archive_read_open_memory(w.a, bytes.p, bytes.n) < ARCHIVE_WARN) {
		/* Not encrypted(): before a format was found, libarchive follows a pointer that is not set. */
		look_note(l, FACT_MALFORMED, "it cannot be unpacked: %s", archive_error_string(w.a) ? archive_error_string(w.a) : "");
	} else {
		entries(&w);
	}
	buf_release(&w.part);
	archive_read_free(w.a);
}
