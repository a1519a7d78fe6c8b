/* blob.c - see blob.h. */
#include "inspect/blob.h"

#include "base/check.h"
#include "inspect/picture.h"

#define HEAD 160			/* from "data:" to the comma, at most */
#define LINE 40				/* characters of a line of Base64 that goes on in the next one */
#define SNIFF 64

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Returns how many bytes; less than all when it meets what is no Base64 (ret_end). */
static size_t decode(struct str s, uint8_t *ret, size_t cap, size_t *ret_end)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0, i;

	for (i = 0; i < s.n && n < cap; i++) {
		int v = value_of(s.p[i]);

		if (is_space(s.p[i]))
			continue;
		if (v < 0)
			break;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			ret[n++] = (uint8_t)(bits >> have);
		}
	}
	*ret_end = i;
	return n;
}

struct str blob_decode(struct str base64, struct arena *a)
{
	uint8_t *p = arena_alloc(a, base64.n / 4 * 3 + 4);
	size_t end = 0, n = p ? decode(base64, p, base64.n / 4 * 3 + 4, &end) : 0;

	for (size_t i = end; i < base64.n; i++)
		if (!is_space(base64.p[i]) && base64.p[i] != '=')
			return (struct str){ NULL, 0 };
	return p ? str_make((const char *)p, n) : (struct str){ NULL, 0 };
}

/* --- what it is --------------------------------------------------------------------------------------------------------- */

const char *blob_kind_of(const uint8_t *p, size_t n)
{
	static const struct { const char *magic; uint8_t len; const char *what; } known[] = {
		{ "MZ\x90\0", 4, "a program" }, { "MZP\0", 4, "a program" }, { "\x7f" "ELF", 4, "a program" }, { "\xca\xfe\xba\xbe", 4, "a program" },
		{ "\xcf\xfa\xed\xfe", 4, "a program" }, { "PK\3\4", 4, "an archive or document" }, { "PK\5\6", 4, "an archive" },
		{ "Rar!\x1a\7", 6, "an archive" }, { "7z\xbc\xaf\x27\x1c", 6, "an archive" }, { "\x1f\x8b\x08", 3, "an archive" }, { "BZh", 3, "an archive" },
		{ "\xfd" "7zXZ", 5, "an archive" }, { "\x28\xb5\x2f\xfd", 4, "an archive" }, { "MSCF", 4, "an archive" }, { "%PDF-", 5, "a document" },
		{ "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "a document" }, { "{\\rtf", 5, "a document" }, { "<!DOCTYPE", 9, "a page" }, { "<html", 5, "a page" },
		{ "<?xml", 5, "a document" }, { "<svg", 4, "a picture" }, { "#!/", 3, "a script" }, { "L\0\0\0\1\x14\2\0", 8, "a shortcut" },
		{ "\x89PNG", 4, "a picture" }, { "\xff\xd8\xff", 3, "a picture" }, { "GIF8", 4, "a picture" }, { "RIFF", 4, "a picture or sound" },
		{ "OggS", 4, "a sound" }, { "ID3", 3, "a sound" }, { "X5O!P%@AP", 9, "the test file of virus scanners" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (n >= known[i].len && memcmp(p, known[i].magic, known[i].len) == 0)
			return known[i].what;
	return n >= 12 && memcmp(p + 4, "ftyp", 4) == 0 ? "a film or picture" : NULL;
}

/* --- data: URIs (RFC 2397) ------------------------------------------------------------------------------------------------ */

static bool starts_data(struct str s)
{
	return s.n > 5 && str_eq_nocase(str_make(s.p, 5), STR("data:"));
}

static bool ends_uri(char c)
{
	return is_space(c) || c == '"' || c == '<' || c == '>' || c == '\'' || c == ')' || (unsigned char)c < 0x20;
}

/* From "data:" on. False: a sentence with this word. */
static bool uri_at(struct str s, struct blob *ret)
{
	size_t head = 5, end;
	struct str meta;
	ptrdiff_t semicolon;

	if (!starts_data(s))
		return false;
	while (head < s.n && head < HEAD && s.p[head] != ',' && !ends_uri(s.p[head]))
		head++;
	if (head >= s.n || s.p[head] != ',')
		return false;
	meta = str_make(s.p + 5, head - 5);
	semicolon = str_find_char(meta, ';');
	*ret = (struct blob){ .kind = BLOB_DATA_URI, .type = semicolon >= 0 ? str_make(meta.p, (size_t)semicolon) : meta };
	ret->base64 = meta.n >= 7 && str_eq_nocase(str_make(meta.p + meta.n - 7, 7), STR(";base64"));
	if (meta.n && !ret->base64 && semicolon != 0 && str_find_char(ret->type, '/') < 0)
		return false;
	for (end = head + 1; end < s.n && !ends_uri(s.p[end]); end++)
		;
	if (end == head + 1)
		return false;
	ret->payload = str_make(s.p + head + 1, end - head - 1);
	ret->to = end;
	return true;
}

bool blob_of_uri(struct str uri, struct blob *ret)
{
	size_t i = 0;

	while (i < uri.n && (is_space(uri.p[i]) || (unsigned char)uri.p[i] < 0x20))
		i++;
	if (!uri_at(str_cut(uri, i), ret))
		return false;
	ret->from = i;
	ret->to += i;
	return true;
}

/* --- Base64 -------------------------------------------------------------------------------------------------------------------- */

/* Lines of nothing else, all but the last LINE long at least; "> " of quoted text does not hide them. */
static size_t run_at(struct str s, size_t *ret_n)
{
	size_t i = 0, n = 0, before = 0;

	for (;;) {
		size_t line = i, len;

		while (i < s.n && value_of(s.p[i]) >= 0)
			i++;
		while (i < s.n && s.p[i] == '=')
			i++;
		len = i - line;
		if (n && len < LINE && (n + len) % 4) {	/* "bye": a word behind it */
			i = before;
			break;
		}
		n += len;
		before = i;
		if (len < LINE || i >= s.n || (s.p[i] != '\n' && s.p[i] != '\r') || (i > line && s.p[i - 1] == '='))
			break;
		line = i;
		while (line < s.n && (s.p[line] == '\n' || s.p[line] == '\r' || s.p[line] == '>' || s.p[line] == ' '))
			line++;
		if (line >= s.n || value_of(s.p[line]) < 0)
			break;
		i = line;
	}
	*ret_n = n;
	return i;
}

/* One letter over and over, a line of hyphens, digits alone: no file. */
static bool is_mixed(struct str s)
{
	unsigned seen = 0;

	for (size_t i = 0; i < s.n; i++)
		seen |= s.p[i] >= 'a' && s.p[i] <= 'z' ? 1u : s.p[i] >= 'A' && s.p[i] <= 'Z' ? 2u : s.p[i] >= '0' && s.p[i] <= '9' ? 4u : 0u;
	return seen == 7;
}

/* Keys, certificates and PGP are written so, too; what begins otherwise only says that it is one. */
static bool is_armour(struct str text, size_t from, const uint8_t *head, size_t n)
{
	struct str before = str_make(text.p + (from > 200 ? from - 200 : 0), from > 200 ? 200 : from);
	bool der = n > 4 && head[0] == 0x30 && (head[1] & 0x80), packet = n > 1 && (head[0] & 0x80);

	if (str_find(before, STR("-----BEGIN PGP ")) >= 0)
		return packet;
	return str_find(before, STR("-----BEGIN ")) >= 0 && der;
}

/* A long address is made of the same letters; it has one line. */
static bool in_link(struct str text, size_t from, struct str run)
{
	size_t at = from;

	if (str_find_char(run, '\n') >= 0)
		return false;
	while (at > 0 && !is_space(text.p[at - 1]))
		at--;
	return str_find(str_make(text.p + at, from - at), STR("://")) >= 0;
}

static bool base64_at(struct str text, size_t from, struct blob *ret)
{
	struct str rest = str_cut(text, from);
	uint8_t head[SNIFF];
	size_t n, end, len = run_at(rest, &n);
	size_t have;
	const char *kind;

	*ret = (struct blob){ .kind = BLOB_BASE64, .from = from, .to = from + len, .type = STR_NONE, .payload = str_make(rest.p, len), .base64 = true };
	if (n < BLOB_SHORT)
		return false;
	have = decode(ret->payload, head, sizeof(head), &end);
	kind = blob_kind_of(head, have);
	if (!kind && (n < BLOB_LONG || in_link(text, from, ret->payload) || !is_mixed(ret->payload)))
		return false;
	return !is_armour(text, from, head, have);
}

unsigned blob_find(struct str text, struct blob ret[BLOBS], bool *ret_more)
{
	unsigned n = 0;
	struct blob one;

	*ret_more = false;
	for (size_t i = 0; i < text.n;) {
		bool begins = i == 0 || !is_word(text.p[i - 1]), found = false;

		if (begins && (text.p[i] == 'd' || text.p[i] == 'D') && uri_at(str_cut(text, i), &one)) {
			one.from = i;
			one.to += i;
			found = true;
		} else if (value_of(text.p[i]) >= 0) {
			found = base64_at(text, i, &one);
		} else {
			i++;
			continue;
		}
		if (found && n == BLOBS) {
			*ret_more = true;
			return n;
		}
		if (found)
			ret[n++] = one;
		i = one.to > i ? one.to : i + 1;	/* what is no file is not looked at again line by line */
	}
	return n;
}
