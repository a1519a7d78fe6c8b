/* mail.c - a part is what stands between two empty lines or boundaries: headers that are followed by a body. That is more than MIME allows, as
 * readers of mail do, too; parts within parts are found on the way. */
#include "scan/mail.h"

#include "base/buf.h"
#include "scan/bytes.h"
#include "scan/page.h"

#define NAME 256

/* The line from `at` on without its end; *ret_next: behind it. */
static struct str line_at(struct str s, size_t at, size_t *ret_next)
{
	struct str rest = str_cut(s, at);
	const char *end = memchr(rest.p, '\n', rest.n);
	size_t n = end ? (size_t)(end - rest.p) : rest.n;

	*ret_next = at + n + (end ? 1 : 0);
	return n > 0 && rest.p[n - 1] == '\r' ? str_make(rest.p, n - 1) : str_make(rest.p, n);
}

static bool starts(struct str s, struct str what)
{
	return bytes_find_nocase(bytes_sub(s, 0, what.n), 0, what) == 0;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static void quoted(struct str s, struct buf *out)	/* RFC 2045 6.7 */
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '=') {
			if (buf_char(out, s.p[i]) < 0)
				return;
		} else if (i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			if (buf_char(out, (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]))) < 0)
				return;
			i += 2;
		} else {
			while (i + 1 < s.n && s.p[i] != '\n')	/* a line that goes on */
				i++;
		}
	}
}

/* name="x" or filename=x of a header. */
static struct str parameter(struct str head)
{
	ptrdiff_t at = bytes_find_nocase(head, 0, STR("name="));
	struct str s;
	size_t n = 0;

	if (at < 0)
		return STR("part");
	s = bytes_sub(str_cut(head, (size_t)at + 5), 0, NAME);
	if (s.n > 0 && s.p[0] == '"') {
		s = str_cut(s, 1);
		while (n < s.n && s.p[n] != '"' && s.p[n] != '\n')
			n++;
	} else {
		while (n < s.n && s.p[n] > ' ' && s.p[n] != ';')
			n++;
	}
	return n ? str_make(s.p, n) : STR("part");
}

static void body(struct look *l, struct str head, struct str s)
{
	struct str name = parameter(head);
	struct buf b;

	if (bytes_has_nocase(head, STR("activemime")) || bytes_has_nocase(head, STR("editdata.mso")))
		look_note(l, FACT_MACRO, "ActiveMime");
	buf_init(&b, MAIL_PART);
	if (bytes_has_nocase(head, STR("base64"))) {
		page_decode(s, &b);
		s = buf_str(&b);
	} else if (bytes_has_nocase(head, STR("quoted-printable"))) {
		quoted(s, &b);
		s = buf_str(&b);
	}
	/* What is mere text was seen with the whole; a part with a name is a file. */
	if (str_trim(s).n > 0 && look_enter(l) && look_spend(l, s.n))
		look_part(l, name, s);
	if (bytes_at(s, 0, STR("ActiveMime")))
		look_note(l, FACT_MACRO, "ActiveMime");
	buf_release(&b);
}

/* A header of MIME: from its first line to the empty one. Then the body, up to the next boundary. */
void mail_check(struct look *l, struct str s)
{
	unsigned parts = 0;

	for (size_t at = 0, next; at < s.n; at = next) {
		struct str line = line_at(s, at, &next), head;
		size_t end = next, from;

		if (!starts(line, STR("content-")))
			continue;
		while (end < s.n && line_at(s, end, &next).n > 0)
			end = next;
		head = bytes_sub(str_cut(s, at), 0, end - at);
		from = end = next;
		while (end < s.n) {
			line = line_at(s, end, &next);
			if (starts(line, STR("--")) && line.n > 2 && line.p[2] != ' ')
				break;
			end = next;
		}
		next = end > from ? end : next;
		/* The parts of a multipart follow; mail in mail begins with headers of its own. */
		if (bytes_has_nocase(head, STR("multipart/")) || (bytes_has_nocase(head, STR("message/rfc822")) &&
		    !bytes_has_nocase(head, STR("base64")))) {
			next = from;
			continue;
		}
		if (++parts > MAIL_PARTS) {
			look_note(l, FACT_ARCHIVE_MANY, "more than %d parts", MAIL_PARTS);
			return;
		}
		if (l->depth < SCAN_DEPTH)
			body(l, head, bytes_sub(str_cut(s, from), 0, end - from));
		else
			look_note(l, FACT_ARCHIVE_DEPTH, "more than %d, one in another", SCAN_DEPTH);
	}
}
