#include "scan/kind.h"

#include <strings.h>

#include "base/check.h"

static const struct kind_row {
	const char *mime, *suffixes;
	enum kind_family family;
} rows[KIND_COUNT] = {
#define KIND(name, mime, family, suffixes) [KIND_##name] = { mime, suffixes, FAMILY_##family },
#include "scan/kind.def"
#undef KIND
};

/* What libmagic and senders call types that have a row under another name, or a family alone. */
static const struct { const char *mime; enum kind kind; } also[] = {
	{ "application/x-dosexec", KIND_PE }, { "application/x-msdownload", KIND_PE }, { "application/x-pie-executable", KIND_ELF },
	{ "application/x-sharedlib", KIND_ELF }, { "application/x-object", KIND_ELF }, { "application/x-coredump", KIND_ELF },
	{ "application/x-java-applet", KIND_JAVA }, { "application/x-bytecode.python", KIND_PYC },
	{ "application/javascript", KIND_JAVASCRIPT }, { "application/x-javascript", KIND_JAVASCRIPT }, { "application/x-sh", KIND_SHELL },
	{ "application/x-shellscript", KIND_SHELL }, { "text/x-python", KIND_PYTHON }, { "text/x-msdos-batch", KIND_BATCH },
	{ "application/x-bat", KIND_BATCH }, { "application/x-php", KIND_PHP }, { "text/x-ruby", KIND_RUBY }, { "text/x-tcl", KIND_SCRIPT },
	{ "text/x-awk", KIND_SCRIPT }, { "text/x-lua", KIND_SCRIPT }, { "application/xml", KIND_XML },
	{ "application/xhtml+xml", KIND_HTML },
	{ "application/x-rar", KIND_RAR }, { "application/x-rar-compressed", KIND_RAR }, { "application/x-gzip", KIND_GZIP },
	{ "application/x-zip-compressed", KIND_ZIP }, { "application/x-zip", KIND_ZIP }, { "text/rtf", KIND_RTF },
	{ "image/x-ms-bmp", KIND_BMP },
	{ "image/x-icon", KIND_ICO }, { "image/jpg", KIND_JPEG }, { "image/pjpeg", KIND_JPEG }, { "image/heif", KIND_HEIF },
	{ "image/avif", KIND_HEIF },
	{ "application/x-ms-dos-executable", KIND_PE }, { "application/CDFV2", KIND_OLE }, { "application/x-iso9660-image", KIND_ISO },
	{ "application/x-debian-package", KIND_DEB }, { "application/x-wine-extension-ini", KIND_TEXT }, { "application/json", KIND_TEXT },
	{ "application/x-ndjson", KIND_TEXT }, { "application/csv", KIND_TEXT }, { "application/x-mswinurl", KIND_URL },
	{ "application/ogg", KIND_OGG }, { "application/x-mach-binary", KIND_MACHO }, { "application/winhelp", KIND_SCRIPT },
	{ "application/vnd.ms-fontobject", KIND_FONT },
};

const char *kind_mime(enum kind k)
{
	CHECK((unsigned)k < KIND_COUNT);
	return rows[k].mime;
}

enum kind_family kind_family(enum kind k)
{
	CHECK((unsigned)k < KIND_COUNT);
	return rows[k].family;
}

enum kind kind_of_suffix(struct str suffix)
{
	char want[KIND_SUFFIX + 2];

	if (suffix.n == 0 || suffix.n >= KIND_SUFFIX || memchr(suffix.p, ' ', suffix.n) || memchr(suffix.p, 0, suffix.n))
		return KIND_UNKNOWN;
	want[0] = ' ';
	for (size_t i = 0; i < suffix.n; i++)
		want[i + 1] = suffix.p[i] >= 'A' && suffix.p[i] <= 'Z' ? (char)(suffix.p[i] | 0x20) : suffix.p[i];
	want[suffix.n + 1] = ' ';
	for (unsigned k = 0; k < KIND_COUNT; k++)
		if (memmem(rows[k].suffixes, strlen(rows[k].suffixes), want, suffix.n + 2))
			return (enum kind)k;
	return KIND_UNKNOWN;
}

enum kind kind_of_mime(struct str mime)
{
	for (unsigned k = 1; k < KIND_COUNT; k++)
		if (str_eq_nocase(mime, str_of(rows[k].mime)))
			return (enum kind)k;
	for (size_t i = 0; i < ARRAY_SIZE(also); i++)
		if (str_eq_nocase(mime, str_of(also[i].mime)))
			return also[i].kind;
	return KIND_UNKNOWN;
}

enum kind_family kind_family_of_mime(struct str mime)
{
	static const struct { struct str start; enum kind_family f; } starts[] = {
		{ { "image/", 6 }, FAMILY_PICTURE }, { { "audio/", 6 }, FAMILY_MEDIA }, { { "video/", 6 }, FAMILY_MEDIA },
		{ { "font/", 5 }, FAMILY_FONT },
		{ { "text/", 5 }, FAMILY_TEXT }, { { "message/", 8 }, FAMILY_MAIL },
		{ { "application/vnd.openxmlformats", 30 }, FAMILY_DOCUMENT },
		{ { "application/vnd.oasis.opendocument", 34 }, FAMILY_DOCUMENT },
		{ { "application/vnd.ms-", 19 }, FAMILY_DOCUMENT },
	};
	enum kind k = kind_of_mime(mime);

	if (k != KIND_UNKNOWN)
		return kind_family(k);
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (mime.n >= starts[i].start.n && strncasecmp(mime.p, starts[i].start.p, starts[i].start.n) == 0)
			return starts[i].f;
	return FAMILY_NONE;
}

bool kind_runs(enum kind_family f)
{
	return f == FAMILY_PROGRAM || f == FAMILY_SCRIPT || f == FAMILY_SHORTCUT || f == FAMILY_INSTALLER;
}

bool kind_fact(enum kind_family f, enum file_fact *ret)
{
	static const struct { enum kind_family f; enum file_fact fact; } of[] = {
		{ FAMILY_PROGRAM, FACT_EXECUTABLE }, { FAMILY_SCRIPT, FACT_SCRIPT }, { FAMILY_SHORTCUT, FACT_SHORTCUT },
		{ FAMILY_INSTALLER, FACT_INSTALLER }, { FAMILY_DISK, FACT_DISK_IMAGE }, { FAMILY_NOTEBOOK, FACT_ONENOTE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		if (of[i].f == f) {
			*ret = of[i].fact;
			return true;
		}
	return false;
}
