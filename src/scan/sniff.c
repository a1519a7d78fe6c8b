#include "scan/sniff.h"

#include <magic.h>
#include <stdio.h>
#include <stdlib.h>

#include "scan/bytes.h"
#include "scan/names.h"
#include "scan/noise.h"
#include "scan/sniff_parts.h"

#define MAGIC_HEAD (64u << 10)
#define MAGIC_TEXT (16u << 10)
#define PDF_HEAD 1024			/* how far into a file readers look for %PDF- */

struct sniff {
	magic_t magic;
};

int sniff_new(struct sniff **ret)
{
	struct sniff *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_ELF |
			      MAGIC_NO_CHECK_TOKENS | MAGIC_NO_CHECK_ENCODING | MAGIC_NO_CHECK_CSV | MAGIC_NO_CHECK_JSON);
	if (!s->magic || magic_load(s->magic, NULL) < 0) {
		sniff_free(&s);
		return ERR_IO;
	}
	*ret = s;
	return 0;
}

void sniff_free(struct sniff **s)
{
	if (!*s)
		return;
	if ((*s)->magic)
		magic_close((*s)->magic);
	free(*s);
	*s = NULL;
}

struct mark {
	uint16_t at;
	struct str bytes;
	enum kind kind;
};
#define MARK(at, literal, kind) { at, { "" literal, sizeof(literal) - 1 }, KIND_##kind }

static const struct mark marks[] = {
	MARK(0, "\x7f" "ELF", ELF), MARK(0, "\xfe\xed\xfa\xce", MACHO), MARK(0, "\xfe\xed\xfa\xcf", MACHO),
	MARK(0, "\xce\xfa\xed\xfe", MACHO),
	MARK(0, "\xcf\xfa\xed\xfe", MACHO), MARK(0, "dex\n", DEX), MARK(0, "dey\n", DEX), MARK(0, "\0asm", WASM),
	MARK(0, "FWS", SWF), MARK(0, "CWS", SWF),
	MARK(0, "ZWS", SWF), MARK(0, "%PDF-", PDF), MARK(0, "PK\3\4", ZIP), MARK(0, "PK\5\6", ZIP), MARK(0, "PK00PK\3\4", ZIP),
	MARK(0, "PK\7\10PK\3\4", ZIP),
	MARK(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE), MARK(0, "Rar!\x1a\7", RAR), MARK(0, "RE~^", RAR),
	MARK(0, "7z\xbc\xaf\x27\x1c", SEVEN),
	MARK(0, "\x1f\x8b", GZIP), MARK(0, "\xfd" "7zXZ\0", XZ), MARK(0, "BZh", BZIP2), MARK(0, "\x28\xb5\x2f\xfd", ZSTD),
	MARK(0, "\4\"M\x18", LZ4),
	MARK(0, "LZIP", LZIP), MARK(0, "\x5d\0\0", LZMA), MARK(0, "\x89LZO\0\r\n\x1a\n", LZIP), MARK(0, "\x1f\x9d", COMPRESS),
	MARK(0, "MSCF\0\0\0\0", CAB),
	MARK(0, "ISc(", CAB),
	MARK(2, "-lh", LHA), MARK(2, "-lz", LHA), MARK(2, "-pm", LHA), MARK(0, "\x60\xea", ARJ), MARK(7, "**ACE**", ACE),
	MARK(257, "ustar", TAR), MARK(0, "!<arch>\n", AR),
	MARK(0, "\xed\xab\xee\xdb", RPM), MARK(0, "070701", CPIO), MARK(0, "070702", CPIO), MARK(0, "070707", CPIO),
	MARK(0, "\xc7\x71", CPIO), MARK(0, "\x71\xc7", CPIO),
	MARK(0, "xar!", XAR), MARK(0, "WARC/", WARC), MARK(20, "\xdc\xa7\xc4\xfd", ARCHIVE), MARK(0, "EGGA", ARCHIVE),
	MARK(0, "ALZ\1", ARCHIVE),
	MARK(0, "StuffIt (c)", ARCHIVE), MARK(0, "SIT!", ARCHIVE), MARK(0, "\xff\xd8\xff", JPEG),
	MARK(0, "\x89PNG\r\n\x1a\n", PNG), MARK(0, "GIF87a", GIF),
	MARK(0, "GIF89a", GIF), MARK(8, "WEBP", WEBP), MARK(8, "WAVE", WAV), MARK(8, "AVI ", MEDIA), MARK(0, "II*\0", TIFF),
	MARK(0, "MM\0*", TIFF),
	MARK(0, "8BPS", PSD), MARK(0, "\xd7\xcd\xc6\x9a", WMF), MARK(0, "\0\0\0\x0cjP  \r\n", JP2),
	MARK(0, "\xff\x4f\xff\x51", JP2), MARK(0, "ID3", MP3),
	MARK(0, "fLaC", MEDIA), MARK(0, "OggS", OGG), MARK(0, "MThd", MEDIA), MARK(0, "\x1a\x45\xdf\xa3", MEDIA), MARK(0, "FLV\1", MEDIA),
	MARK(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", MEDIA), MARK(0, "\0\0\1\xba", MEDIA), MARK(0, "\0\0\1\xb3", MEDIA),
	MARK(0, "conectix", VHD),
	MARK(0, "vhdxfile", VHD), MARK(0, "KDMV", VHD), MARK(0, "QFI\xfb", VHD), MARK(64, "\x7f\x10\xda\xbe", VHD),
	MARK(0, "MSWIM\0\0\0", VHD), MARK(0, "WLPWM\0\0\0", VHD),
	MARK(3, "NTFS    ", IMG), MARK(3, "EXFAT   ", IMG), MARK(512, "EFI PART", IMG), MARK(54, "FAT1", IMG),
	MARK(82, "FAT32", IMG), MARK(1080, "\x53\xef", IMG),
	MARK(0, "hsqs", IMG), MARK(1024, "H+\0\4", DMG), MARK(0, "\x4c\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", LNK),
	MARK(0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", ONENOTE),
	MARK(0, "\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f", ONENOTE), MARK(0, "ITSF", CHM),
	MARK(0, "?_\3\0", SCRIPT),
	MARK(0, "\x78\x9f\x3e\x22", TNEF), MARK(0, "!BDN", MSG), MARK(4, "Standard Jet DB", ACCESS),
	MARK(4, "Standard ACE DB", ACCESS), MARK(0, "SQLite format 3\0", SQLITE),
	MARK(0, "\0\1\0\0\0", FONT), MARK(0, "OTTO", FONT), MARK(0, "wOFF", FONT), MARK(0, "wOF2", FONT), MARK(0, "ttcf", FONT),
	MARK(0, "Cr24", INSTALLER),
	MARK(0, "\xff\xff\xff\xff", UNKNOWN),
};

/* A header of a tape archive proves itself by its sum (POSIX ustar; the older form has no mark). */
static bool tar_sum(struct str s)
{
	unsigned sum = 8 * ' ', want = 0, at = 148;

	if (s.n < 512 || s.p[0] == 0)
		return false;
	for (unsigned i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? 0 : (uint8_t)s.p[i];
	while (at < 155 && s.p[at] == ' ')
		at++;
	for (; at < 156 && s.p[at] >= '0' && s.p[at] <= '7'; at++)
		want = want * 8 + (unsigned)(s.p[at] - '0');
	return want != 0 && want == sum;
}

bool sniff_tar(struct str bytes)
{
	return bytes_at(bytes, 257, STR("ustar")) || tar_sum(bytes);
}

static enum kind program(struct str s)
{
	uint32_t at = bytes_le32(s, 0x3c);

	if (bytes_at(s, 0, STR("MZ")) || bytes_at(s, 0, STR("ZM"))) {
		if (bytes_at(s, at, STR("PE\0\0")) || bytes_at(s, at, STR("NE")) || bytes_at(s, at, STR("LE")) ||
		    bytes_at(s, at, STR("LX")))
			return KIND_PE;
		if (!bytes_text(s) && s.n >= 28)
			return KIND_DOS;
	}
	if (bytes_at(s, 0, STR("\xca\xfe\xba\xbe")) || bytes_at(s, 0, STR("\xca\xfe\xba\xbf")))
		return bytes_be32(s, 4) < 40 ? KIND_MACHO : KIND_JAVA;
	if (bytes_at(s, 2, STR("\r\n")) && (bytes_le16(s, 0) >> 8) >= 0xb && (bytes_le16(s, 0) >> 8) <= 0xf && !bytes_text(s))
		return KIND_PYC;
	return KIND_UNKNOWN;
}

static enum kind media(struct str s)
{
	struct str brand = bytes_sub(s, 8, 4);

	if (bytes_at(s, 4, STR("ftyp"))) {
		if (str_is(brand, "heic") || str_is(brand, "heix") || str_is(brand, "mif1") || str_is(brand, "msf1") ||
		    str_is(brand, "avif") ||
		    str_is(brand, "avis") || str_is(brand, "hevc") || str_is(brand, "heif"))
			return KIND_HEIF;
		return KIND_MP4;
	}
	if ((bytes_at(s, 4, STR("moov")) || bytes_at(s, 4, STR("mdat")) || bytes_at(s, 4, STR("free")) ||
	    bytes_at(s, 4, STR("wide"))) && s.p[0] == 0)
		return KIND_MP4;
	if (bytes_at(s, 0, STR("BM")) && bytes_le32(s, 14) >= 12 && bytes_le32(s, 14) <= 200 && bytes_le32(s, 10) < s.n + 4096)
		return KIND_BMP;
	if ((bytes_at(s, 0, STR("\0\0\1\0")) || bytes_at(s, 0, STR("\0\0\2\0"))) && bytes_le16(s, 4) > 0 &&
	    bytes_le16(s, 4) < 256 && bytes_le32(s, 18) < (16u << 20))
		return KIND_ICO;
	if (bytes_at(s, 40, STR(" EMF")) && bytes_le32(s, 0) == 1)
		return KIND_WMF;
	if (bytes_u8(s, 0) == 0xff && (bytes_u8(s, 1) & 0xe0) == 0xe0 && (bytes_u8(s, 1) & 0x06) && bytes_u8(s, 1) < 0xfe &&
	    (bytes_u8(s, 2) >> 4) != 0xf && (bytes_u8(s, 2) & 0xc) != 0xc)
		return KIND_MP3;
	return KIND_UNKNOWN;
}

static enum kind disk(struct str s)
{
	struct str end = s.n >= 512 ? str_cut(s, s.n - 512) : STR_NONE;

	if (bytes_at(s, 0x8001, STR("CD001")) || bytes_at(s, 0x8001, STR("BEA01")) || bytes_at(s, 0x8001, STR("NSR0")) ||
	    bytes_at(s, 0x8001, STR("CDROM")))
		return KIND_ISO;
	/* Raw sectors of 2352 bytes, as .bin and .mdf have them. */
	if (bytes_at(s, 0x9311, STR("CD001")) || bytes_at(s, 0x9319, STR("CD001")))
		return KIND_ISO;
	if (str_starts(end, STR("koly")))
		return KIND_DMG;
	if (str_starts(end, STR("conectix")))
		return KIND_VHD;
	/* A boot sector: a jump, the mark, and sectors of 512 to 4096 bytes. */
	if (s.n >= 4096 && bytes_at(s, 510, STR("\x55\xaa")) && (bytes_u8(s, 0) == 0xeb || bytes_u8(s, 0) == 0xe9 ||
	    bytes_u8(s, 0) == 0xfa || bytes_u8(s, 0) == 0x33 ||
	    bytes_u8(s, 0) == 0) && !bytes_text(s))
		return KIND_IMG;
	return KIND_UNKNOWN;
}

static bool holds(struct str s, const struct mark *m)
{
	if (!bytes_at(s, m->at, m->bytes))
		return false;
	switch ((unsigned)m->kind) {		/* where the mark alone is too short to be sure */
	case KIND_SWF:
		return bytes_u8(s, 3) > 0 && bytes_u8(s, 3) < 60 && s.n > 8 && !bytes_text(s);
	case KIND_BZIP2:
		return bytes_u8(s, 3) >= '1' && bytes_u8(s, 3) <= '9' && (bytes_at(s, 4, STR("1AY&SY")) ||
		    bytes_at(s, 4, STR("\x17\x72\x45\x38\x50\x90")));
	case KIND_LZMA:
		return (bytes_le64(s, 5) == UINT64_MAX || bytes_le64(s, 5) < (UINT64_C(1) << 40)) && s.n > 13 && s.p[13] == 0 &&
		    bytes_le32(s, 1) >= 4096;
	case KIND_GZIP:
		return bytes_u8(s, 2) == 8;
	case KIND_WEBP: case KIND_WAV:
		return bytes_at(s, 0, STR("RIFF")) || bytes_at(s, 0, STR("RF64"));
	case KIND_MEDIA:
		return m->at != 8 || bytes_at(s, 0, STR("RIFF"));
	case KIND_LHA:
		return bytes_u8(s, 6) == '-' && !bytes_text(bytes_sub(s, 0, 22));
	case KIND_ARJ:
		return bytes_le16(s, 2) > 20 && bytes_le16(s, 2) <= 2600;
	case KIND_COMPRESS:
		return s.n > 3;
	case KIND_IMG:
		return bytes_at(s, 510, STR("\x55\xaa")) || m->at == 512 || m->at == 0 || (m->at == 1080 && s.n >= 4096 &&
		    bytes_le32(s, 1024) > 0 && bytes_le16(s, 1024 + 58) < 5);
	case KIND_CPIO:
		return m->bytes.n > 2 || (s.n >= 26 && !bytes_text(s) && (bytes_le16(s, 20) < 1024 || bytes_be16(s, 20) < 1024) &&
		    s.n > 100);
	default:
		return true;
	}
}

static enum kind binary(struct str s)
{
	enum kind k = program(s);

	if (k != KIND_UNKNOWN)
		return k;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(marks); i++)
		if (holds(s, &marks[i])) {
			if (marks[i].kind == KIND_AR && bytes_at(s, 8, STR("debian-binary")))
				return KIND_DEB;
			return marks[i].kind;
		}
	k = media(s);
	if (k == KIND_UNKNOWN || k == KIND_MP3)
		k = disk(s) != KIND_UNKNOWN ? disk(s) : k;
	if (k == KIND_UNKNOWN && tar_sum(s))
		k = KIND_TAR;
	return k;
}

enum kind sniff_kind(struct sniff *s, struct str bytes, bool quick, char ret_mime[SCAN_TYPE])
{
	enum kind k = bytes.n == 0 ? KIND_TEXT : binary(bytes);
	const char *mime = NULL;

	/* A script may have anything behind its first lines: archives that unpack themselves do. */
	if (k == KIND_UNKNOWN && (bytes_text(bytes) || bytes_at(bytes, 0, STR("#!/"))))
		k = sniff_text_kind(bytes);
	if (k == KIND_UNKNOWN && str_find(bytes_sub(bytes, 0, PDF_HEAD), STR("%PDF-")) >= 0)
		k = KIND_PDF;
	if (k == KIND_UNKNOWN && quick && bytes_text(bytes))
		k = KIND_TEXT;
	if (k == KIND_UNKNOWN) {
		size_t most = bytes_text(bytes) ? MAGIC_TEXT : MAGIC_HEAD;

		mime = magic_buffer(s->magic, bytes.p, bytes.n < most ? bytes.n : most);
		if (mime)
			k = kind_of_mime(str_of(mime));
		/* Libmagic reads programs into many things that are none, and scripts into all sorts of source; what is one was seen above,
		 * and what is named like one is told by its name. */
		if (kind_runs(kind_family(k)))
			k = KIND_UNKNOWN, mime = NULL;
		if (k == KIND_UNKNOWN && bytes_text(bytes) && (!mime || strcmp(mime, "application/octet-stream") == 0))
			k = KIND_TEXT, mime = NULL;
	}
	if (!mime)
		mime = kind_mime(k);
	snprintf(ret_mime, SCAN_TYPE, "%s", mime);
	return k;
}

static bool text_like(enum kind_family f)
{
	return f == FAMILY_TEXT || f == FAMILY_WEB || f == FAMILY_MAIL || f == FAMILY_SCRIPT || f == FAMILY_SHORTCUT ||
	    f == FAMILY_NONE || f == FAMILY_DATA;
}

/* May a file that claims to be of one family have content of the other? What people really send decides. */
static bool agree(enum kind claim, enum kind_family claimed, enum kind content, enum kind_family is)
{
	if (claimed == is || claimed == FAMILY_NONE || is == FAMILY_NONE || claimed == FAMILY_DATA)
		return true;
	if (content == KIND_ZIP_CUT)				/* what it was, its directory would have told; it is held as damaged */
		return true;
	if (claim == KIND_XML && (content == KIND_FLAT_OFFICE || content == KIND_ODF || content == KIND_SHORTCUT))
		return true;
	if (claim == KIND_SOURCE && is == FAMILY_MEDIA)		/* .ts: a program's source, or a film */
		return true;
	if (claimed == FAMILY_TEXT && (is == FAMILY_WEB || is == FAMILY_MAIL || content == KIND_PS || content == KIND_SYLK ||
	    content == KIND_PGP || is == FAMILY_DATA))
		return true;
	/* What runs is told as such; a wrong ending of another sort of program disguises nothing. */
	if (kind_runs(claimed) || claimed == FAMILY_DISK || claimed == FAMILY_NOTEBOOK)
		return true;
	if (claimed == FAMILY_ARCHIVE)				/* formats that are archives within */
		return is == FAMILY_DOCUMENT || is == FAMILY_INSTALLER || content == KIND_JAVA || is == FAMILY_DISK || is == FAMILY_TEXT ||
		       claim == KIND_WARC;
	if (claimed == FAMILY_DOCUMENT)				/* exports: pages and tables named .xls, mail named .doc */
		return content == KIND_TEXT || content == KIND_XML || content == KIND_HTML || content == KIND_MAIL ||
		    content == KIND_PS || is == FAMILY_DATA ||
		       (content == KIND_ZIP && claim == KIND_DOCUMENT) || content == KIND_PDF;
	if (claimed == FAMILY_WEB)
		return is == FAMILY_TEXT || is == FAMILY_MAIL || (claim == KIND_SVG && content == KIND_GZIP);
	if (claimed == FAMILY_MAIL)
		return is == FAMILY_TEXT || is == FAMILY_WEB || is == FAMILY_DOCUMENT;
	if (claimed == FAMILY_PICTURE)
		return content == KIND_SVG || content == KIND_PS || content == KIND_MP4 || is == FAMILY_DATA;
	if (claimed == FAMILY_MEDIA)
		return content == KIND_TEXT || content == KIND_HEIF;
	if (claimed == FAMILY_PDF)
		return content == KIND_PS;
	if (claimed == FAMILY_FONT)
		return content == KIND_PS || content == KIND_SVG || content == KIND_TEXT;
	return false;
}

void sniff_check(struct look *l, struct str name, struct str declared, enum kind k, const char *mime, struct str bytes)
{
	enum kind_family is = k != KIND_UNKNOWN ? kind_family(k) : kind_family_of_mime(str_of(mime));
	enum kind named = names_kind(name), said = kind_of_mime(declared);
	enum file_fact fact;
	char suffix[KIND_SUFFIX];

	if (kind_fact(kind_family(k), &fact))
		look_note(l, fact, "%s", kind_mime(k));
	if (bytes.n == 0)
		return;
	/* Whatever its name says: clients that encrypt give it that of the file within (XEP-0454). */
	if (k == KIND_UNKNOWN && l->depth == 0 && (is == FAMILY_DATA || is == FAMILY_NONE || bytes.n > 65536) && noise_is(bytes))
		look_note(l, FACT_CIPHERTEXT, "%s", "");
	if (named != KIND_UNKNOWN && !agree(named, kind_family(named), k, is) && names_suffix(name, suffix))
		look_note(l, FACT_TYPE_MISMATCH, "named .%s, is %s", suffix, mime);
	/* A declared type is set by programs that guess by the name; it misleads only those who trust it. */
	if (!str_empty(declared) && !agree(said, kind_family_of_mime(declared), k, is) && !text_like(kind_family_of_mime(declared)))
		look_note(l, FACT_TYPE_MISMATCH, "declared as %.*s, is %s", declared.n > 60 ? 60 : (int)declared.n, declared.p, mime);
}
