#include "scan/scan.h"

#include <iconv.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "scan/bytes.h"
#include "scan/cfb.h"
#include "scan/digest.h"
#include "scan/eicar.h"
#include "scan/mail.h"
#include "scan/mixed.h"
#include "scan/names.h"
#include "scan/office.h"
#include "scan/ole.h"
#include "scan/page.h"
#include "scan/pdf.h"
#include "scan/rtf.h"
#include "scan/scan_parts.h"
#include "scan/text.h"
#include "scan/tnef.h"
#include "scan/unpack.h"
#include "scan/zip.h"

/* What the libraries open when they are first asked, they open now: names in archives are UTF-8 in this program, whatever the system
 * thinks; times of entries have a zone; OpenSSL has a configuration. */
static void open_all(void)
{
	uint8_t digest[SCAN_DIGEST];
	iconv_t ic = iconv_open("UTF-8", "UTF-16LE");

	if (ic != (iconv_t)-1)
		iconv_close(ic);
	setlocale(LC_CTYPE, "C.UTF-8");
	tzset();
	digest_sha256(STR_NONE, digest);
}

int scan_new(struct scan **ret)
{
	struct scan *s = calloc(1, sizeof(*s));
	int err = s ? sniff_new(&s->sniff) : ERR_NOMEM;

	if (err < 0) {
		scan_free(&s);
		return err;
	}
	open_all();
	*ret = s;
	return 0;
}

void scan_free(struct scan **s)
{
	if (!*s)
		return;
	sniff_free(&(*s)->sniff);
	free(*s);
	*s = NULL;
}

/* Where we are, for people: the outermost names fall away when it gets too long. */
static void where_add(char where[LOOK_WHERE], struct str name)
{
	size_t have = strlen(where), room;

	if (name.n > LOOK_WHERE / 2)
		name = str_cut(name, name.n - LOOK_WHERE / 2);
	room = LOOK_WHERE - 1 - name.n - 1;
	if (have > room) {
		memmove(where, where + have - room, room);
		have = room;
	}
	if (have > 0)
		where[have++] = '/';
	memcpy(where + have, name.p, name.n);
	where[have + name.n] = 0;
}

struct place {
	char where[LOOK_WHERE];
};

static struct place go_in(struct look *l, struct str name)
{
	struct place was;

	memcpy(was.where, l->where, sizeof(was.where));
	where_add(l->where, name);
	return was;
}

static void go_back(struct look *l, const struct place *was)
{
	memcpy(l->where, was->where, sizeof(was->where));
}

static void each_part(void *ctx, struct look *l, struct str name, struct str bytes, bool whole)
{
	(void)ctx;
	(void)whole;
	look_part(l, name, bytes);
}

/* For those who search bytes: in everything that was unpacked. */
static void raw_look(struct look *l, struct str bytes)
{
	if (l->in->part)
		l->in->part(l->in->part_ctx, str_of(l->where), bytes);
}

static void eicar_look(struct look *l, struct str bytes)
{
	if (eicar_in(bytes))
		look_note(l, FACT_TEST_VIRUS, "%s", "");
}

/* Parts of a document: XML is read for what Office does with it, everything else is a file within the file. */
static void each_office(void *ctx, struct look *l, struct str name, struct str bytes, bool whole)
{
	struct place was = go_in(l, name);
	bool xml = bytes_at(bytes, 0, STR("<")) || bytes_at(bytes, 0, STR("\xef\xbb\xbf<"));

	(void)whole;
	if (xml) {
		raw_look(l, bytes);
		eicar_look(l, bytes);
	}
	if (*(enum kind *)ctx == KIND_ODF)
		office_odf_part(l, name, bytes);
	else
		office_part(l, name, bytes);
	go_back(l, &was);
	if (!xml)
		look_part(l, name, bytes);
}

static void unpack(struct look *l, enum kind container, enum kind k, struct str name, struct str bytes)
{
	bool office = k == KIND_DOCX || k == KIND_XLSX || k == KIND_PPTX || k == KIND_OPC || k == KIND_ODF;

	if (l->depth >= SCAN_DEPTH)
		look_note(l, FACT_ARCHIVE_DEPTH, "more than %d, one in another", SCAN_DEPTH);
	else
		unpack_walk(l, container, name, bytes, office ? each_office : each_part, &k);
}

static enum kind ole_notes(struct look *l, struct str bytes)
{
	struct cfb c;
	enum kind k;

	if (cfb_open(bytes, &c) < 0) {
		look_note(l, FACT_MALFORMED, "a damaged OLE file");
		return KIND_OLE;
	}
	k = ole_kind(&c);
	if (l->depth >= SCAN_DEPTH)
		look_note(l, FACT_ARCHIVE_DEPTH, "more than %d, one in another", SCAN_DEPTH);
	else
		ole_check(l, &c, k);
	cfb_release(&c);
	return k;
}

static enum kind zip_notes(struct look *l, struct str bytes)
{
	struct zip z;
	enum kind k;
	int err = zip_read(bytes, &z);

	if (err < 0) {
		look_note(l, FACT_MALFORMED, "its list of files is missing");
		return KIND_ZIP_CUT;
	}
	k = zip_kind(&z, bytes);
	if (z.lie[0])
		look_note(l, FACT_MALFORMED, "%s", z.lie);
	if (z.start > 0)
		look_note(l, FACT_MALFORMED, "something stands before the archive");
	if (zip_encrypted(&z))
		look_note(l, k == KIND_ZIP ? FACT_ENCRYPTED_ARCHIVE : FACT_ENCRYPTED_DOCUMENT, "%s", "a file in it");
	zip_release(&z);
	return k;
}

/* What is within, as its kind wants. */
static void look_into(struct look *l, enum kind container, enum kind k, struct str name, struct str bytes)
{
	if (unpack_can(container))
		unpack(l, container, k, name, bytes);
	else if (kind_family(k) == FAMILY_ARCHIVE)
		look_note(l, FACT_UNREADABLE, "%s", kind_mime(k));
	else if (k == KIND_PDF)
		pdf_check(l, bytes);
	else if (k == KIND_RTF)
		rtf_check(l, bytes);
	else if (k == KIND_MAIL)
		mail_check(l, bytes);
	else if (k == KIND_TNEF)
		tnef_check(l, bytes);
	else if (k == KIND_HTML && (names_kind(name) == KIND_TEXT || names_kind(name) == KIND_SOURCE))
		text_check(l, k, name, bytes);		/* shown as text, and about pages it may well be */
	else if (k == KIND_HTML || k == KIND_SVG || k == KIND_HTA)
		page_check(l, k, bytes);
	else if (k == KIND_FLAT_OFFICE || (k == KIND_ODF && container == KIND_ODF))
		office_flat(l, bytes);
	else if (kind_family(k) == FAMILY_TEXT || k == KIND_SYLK)
		text_check(l, k, name, bytes);
	mixed_check(l, k, bytes);
}

static void look_at(struct look *l, struct str name, struct str declared, struct str bytes)
{
	char mime[SCAN_TYPE];
	enum kind k, container;

	raw_look(l, bytes);
	names_check(l, name);
	k = container = sniff_kind(l->tools->sniff, bytes, l->depth > 0, mime);
	if (k == KIND_ZIP) {
		k = zip_notes(l, bytes);
		container = k == KIND_ZIP_CUT ? k : KIND_ZIP;
	} else if (k == KIND_OLE) {
		k = ole_notes(l, bytes);
	}
	if (k != container)
		snprintf(mime, sizeof(mime), "%s", kind_mime(k));
	if (l->depth == 0)
		memcpy(l->out->type, mime, sizeof(mime));
	sniff_check(l, name, declared, k, mime, bytes);
	look_into(l, container, k, name, bytes);
	eicar_look(l, bytes);			/* last: of what lies within, the innermost place is told */
}

void look_part(struct look *l, struct str name, struct str bytes)
{
	struct place was = go_in(l, name);

	l->depth++;
	look_at(l, name, STR_NONE, bytes);
	l->depth--;
	go_back(l, &was);
}

struct sniff *look_sniff(const struct look *l)
{
	return l->tools->sniff;
}

int scan_run(struct scan *s, const struct scan_in *in, struct scan_out *ret)
{
	uint64_t may = SCAN_RATIO_FREE + (uint64_t)in->bytes.n * SCAN_RATIO;
	struct look l = { .in = in, .out = ret, .tools = s, .unpacked_max = may < SCAN_UNPACKED ? may : SCAN_UNPACKED };

	*ret = (struct scan_out){ 0 };
	digest_sha256(in->bytes, ret->sha256);
	digest_tlsh(in->bytes, ret->tlsh);
	look_at(&l, in->name, in->type, in->bytes);
	return 0;
}
