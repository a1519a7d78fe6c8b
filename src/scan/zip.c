#include "scan/zip.h"

#include <stdio.h>
#include <stdlib.h>

#include "scan/bytes.h"

#define END_LENGTH 22
#define END_BACK (65535 + END_LENGTH)	/* a comment has at most 65535 bytes */
#define CENTRAL_LENGTH 46
#define LOCAL_LENGTH 30
#define FLAG_ENCRYPTED 0x1
#define FLAG_LATER 0x8			/* sizes stand behind the data */
#define DESCRIPTOR 24			/* longest form of those */
#define UNKNOWN32 0xffffffffu

static void lie(struct zip *z, const char *why)
{
	if (!z->lie[0])
		snprintf(z->lie, sizeof(z->lie), "%s", why);
}

/* The last end record whose directory lies before it. */
static bool find_end(struct str s, uint64_t *ret_at)
{
	size_t least = s.n > END_BACK ? s.n - END_BACK : 0;
	bool found = false;

	if (s.n < END_LENGTH)
		return false;
	for (size_t at = least;; at++) {
		ptrdiff_t next = str_find(str_cut(s, at), STR("PK\5\6"));

		if (next < 0)
			return found;
		at += (size_t)next;
		if (at + END_LENGTH <= s.n && bytes_le32(s, at + 12) <= at) {
			*ret_at = at;
			found = true;
		}
	}
}

/* ZIP64: sizes that do not fit stand in an extra field, in this order. */
static void extra(struct str s, struct zip_entry *e)
{
	for (size_t at = 0; at + 4 <= s.n;) {
		uint16_t id = bytes_le16(s, at), n = bytes_le16(s, at + 2);
		size_t in = at + 4;

		if (id == 1) {
			if (e->size == UNKNOWN32) {
				e->size = bytes_le64(s, in);
				in += 8;
			}
			if (e->packed == UNKNOWN32) {
				e->packed = bytes_le64(s, in);
				in += 8;
			}
			if (e->at == UNKNOWN32)
				e->at = bytes_le64(s, in);
			return;
		}
		at += 4u + n;
	}
}

/* The local header must say the same; some unpackers read the one, some the other. Returns where its data ends. */
static uint64_t compare(struct str s, struct zip *z, const struct zip_entry *e)
{
	uint16_t flags = bytes_le16(s, e->at + 6), method = bytes_le16(s, e->at + 8), name_n = bytes_le16(s, e->at + 26), more = bytes_le16(s, e->at + 28);
	uint32_t packed = bytes_le32(s, e->at + 18), size = bytes_le32(s, e->at + 22);
	struct str name = bytes_sub(s, e->at + LOCAL_LENGTH, name_n);

	if (!bytes_at(s, e->at, STR("PK\3\4"))) {
		lie(z, "its list names a file where there is none");
		return e->at;
	}
	if (!str_eq(name, e->name))
		lie(z, "a file has another name than the list says");
	if (method != e->method)
		lie(z, "a file is packed otherwise than the list says");
	if ((flags ^ e->flags) & FLAG_ENCRYPTED)
		lie(z, "list and file differ about encryption");
	if (!(flags & FLAG_LATER) && packed != UNKNOWN32 && size != UNKNOWN32 && (packed != e->packed || size != e->size))
		lie(z, "a file has another size than the list says");
	return e->at + LOCAL_LENGTH + name_n + more + e->packed;
}

static int by_place(const void *a, const void *b)
{
	const struct zip_entry *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Between two files there is room for the sizes of the first; what else stands there, some unpackers find and some do not. */
static void between(struct str s, struct zip *z, uint64_t directory)
{
	uint64_t end = z->start;

	for (size_t i = 0; i <= z->n; i++) {
		uint64_t at = i < z->n ? z->v[i].at : directory;

		if (at < end)
			lie(z, "files lie upon each other");
		else if (at - end > DESCRIPTOR && !z->more && bytes_has(bytes_sub(s, end, at - end), STR("PK\3\4")))
			lie(z, "it holds a file that its list leaves out");
		if (i < z->n)
			end = compare(s, z, &z->v[i]);
	}
}

static bool central(struct str s, struct zip *z, uint64_t at, uint64_t end, uint64_t stated)
{
	uint64_t seen = 0;

	while (at + CENTRAL_LENGTH <= end && bytes_at(s, at, STR("PK\1\2"))) {
		uint16_t name_n = bytes_le16(s, at + 28), extra_n = bytes_le16(s, at + 30), comment_n = bytes_le16(s, at + 32);
		struct zip_entry e = { .name = bytes_sub(s, at + CENTRAL_LENGTH, name_n), .flags = bytes_le16(s, at + 8), .method = bytes_le16(s, at + 10),
				       .packed = bytes_le32(s, at + 20), .size = bytes_le32(s, at + 24), .at = bytes_le32(s, at + 42) };

		extra(bytes_sub(s, at + CENTRAL_LENGTH + name_n, extra_n), &e);
		seen++;
		if (z->n < ZIP_ENTRIES) {
			e.at = e.at > s.n ? s.n : e.at + z->start;
			z->v[z->n++] = e;
		} else {
			z->more = true;
		}
		at += (uint64_t)CENTRAL_LENGTH + name_n + extra_n + comment_n;
	}
	if ((seen & 0xffff) != (stated & 0xffff))
		lie(z, "its list has another number of files than it says");
	return seen > 0 || stated == 0;
}

int zip_read(struct str s, struct zip *ret)
{
	struct zip z = { 0 };
	uint64_t end, size, offset, stated, at;

	if (!find_end(s, &end))
		return ERR_NOT_FOUND;
	stated = bytes_le16(s, end + 10);
	size = bytes_le32(s, end + 12);
	offset = bytes_le32(s, end + 16);
	z.end = end + END_LENGTH + bytes_le16(s, end + 20);
	at = end - size;
	if (end >= 20 && bytes_at(s, end - 20, STR("PK\6\7"))) {	/* ZIP64's end record and its locator stand before */
		uint64_t record = bytes_le64(s, end - 12);

		for (uint64_t back = 76; back <= end && back < 4096 && !bytes_at(s, record, STR("PK\6\6")); back++)
			record = end - back;
		if (!bytes_at(s, record, STR("PK\6\6")))
			return ERR_NOT_FOUND;
		stated = bytes_le64(s, record + 32);
		size = bytes_le64(s, record + 40);
		offset = bytes_le64(s, record + 48);
		if (size > record)
			return ERR_NOT_FOUND;
		at = record - size;
	}
	z.start = at >= offset ? at - offset : 0;
	z.v = calloc(ZIP_ENTRIES, sizeof(*z.v));
	if (!z.v)
		return ERR_NOMEM;
	if (at < offset)
		lie(&z, "its list lies elsewhere than it says");
	if (!central(s, &z, at, s.n, stated)) {
		zip_release(&z);
		return ERR_NOT_FOUND;
	}
	qsort(z.v, z.n, sizeof(*z.v), by_place);
	between(s, &z, at);
	*ret = z;
	return 0;
}

void zip_release(struct zip *z)
{
	free(z->v);
	*z = (struct zip){ 0 };
}

const struct zip_entry *zip_find(const struct zip *z, struct str name)
{
	for (size_t i = 0; i < z->n; i++)
		if (str_eq_nocase(z->v[i].name, name))
			return &z->v[i];
	return NULL;
}

bool zip_encrypted(const struct zip *z)
{
	for (size_t i = 0; i < z->n; i++)
		if (z->v[i].flags & FLAG_ENCRYPTED)
			return true;
	return false;
}

static bool starts_with(const struct zip *z, struct str folder)
{
	for (size_t i = 0; i < z->n; i++)
		if (z->v[i].name.n >= folder.n && str_eq_nocase(bytes_sub(z->v[i].name, 0, folder.n), folder))
			return true;
	return false;
}

enum kind zip_kind(const struct zip *z, struct str bytes)
{
	const struct zip_entry *e;

	if (zip_find(z, STR("[Content_Types].xml")) || starts_with(z, STR("_rels/"))) {
		if (zip_find(z, STR("AppxManifest.xml")) || starts_with(z, STR("AppxMetadata/")))
			return KIND_INSTALLER;
		if (starts_with(z, STR("word/")))
			return KIND_DOCX;
		if (starts_with(z, STR("xl/")))
			return KIND_XLSX;
		if (starts_with(z, STR("ppt/")))
			return KIND_PPTX;
		return KIND_OPC;
	}
	if (zip_find(z, STR("AndroidManifest.xml")) && !zip_find(z, STR("classes.jar")))
		return KIND_APK;
	e = zip_find(z, STR("mimetype"));
	if (e && e->method == 0) {
		struct str mime = bytes_sub(bytes, e->at + LOCAL_LENGTH + bytes_le16(bytes, e->at + 26) + bytes_le16(bytes, e->at + 28), e->packed);

		if (str_starts(mime, STR("application/epub")))
			return KIND_EPUB;
		if (str_starts(mime, STR("application/vnd.oasis.opendocument")) || str_starts(mime, STR("application/vnd.sun.xml")))
			return KIND_ODF;
	}
	if (zip_find(z, STR("META-INF/container.xml")))
		return KIND_EPUB;
	if (zip_find(z, STR("content.xml")) && (zip_find(z, STR("META-INF/manifest.xml")) || zip_find(z, STR("styles.xml"))))
		return KIND_ODF;
	if (zip_find(z, STR("META-INF/MANIFEST.MF")) || zip_find(z, STR("META-INF/application.xml")))
		return KIND_JAVA;
	if (starts_with(z, STR("Index/")) && zip_find(z, STR("Index/Document.iwa")))
		return KIND_DOCUMENT;
	return KIND_ZIP;
}
