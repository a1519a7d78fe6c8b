/* clean_pdf.c - takes scripts, actions that start or send something, files within, active forms and who made it out of a PDF (ISO 32000-2).
 *
 * libqpdf reads (also what is damaged, as readers do), every object that can be reached is visited once, and libqpdf writes: streams as they
 * are packed, so that pages look the same. What nothing points to any more, older versions and what hangs before and behind are not written.
 */
#include <qpdf/qpdf-c.h>
#include <stdlib.h>
#include <strings.h>

#include "scan/clean_parts.h"

#define OBJECTS_MAX (8 << 20)		/* numbers of objects */
#define VISITS_MAX (16u << 20)
#define STACK_MAX (4u << 20)
#define MARK_WITHIN 1024		/* bytes before which the mark must lie: readers want no more */

struct todo {
	qpdf_oh oh;
	bool aa;			/* a dictionary of actions that start by themselves */
};

struct walk {
	qpdf_data q;
	struct clean *c;
	uint8_t *seen;
	struct todo *stack;
	size_t n, room, visits;
	int err;
};

bool clean_pdf_is(struct str in)
{
	return memmem(in.p, in.n < MARK_WITHIN ? in.n : MARK_WITHIN, "%PDF-", 5) != NULL;
}

static bool took(struct walk *w, unsigned fact)
{
	if (!clean_wants(w->c, fact))
		return false;
	w->c->removed |= FACT_BIT(fact);
	return true;
}

static bool container(struct walk *w, qpdf_oh oh)
{
	enum qpdf_object_type_e t = qpdf_oh_get_type_code(w->q, oh);

	return t == ot_dictionary || t == ot_array || t == ot_stream;
}

/* Takes the handle. */
static void push(struct walk *w, qpdf_oh oh, bool aa)
{
	int id = qpdf_oh_get_object_id(w->q, oh);

	if (w->err < 0 || !container(w, oh) || (id > 0 && id < OBJECTS_MAX && w->seen[id / 8] & (1 << id % 8))) {
		qpdf_oh_release(w->q, oh);
		return;
	}
	if (id >= OBJECTS_MAX || w->n == STACK_MAX || ++w->visits > VISITS_MAX) {
		w->err = ERR_LIMIT;
		return;
	}
	if (id > 0)
		w->seen[id / 8] = (uint8_t)(w->seen[id / 8] | 1 << id % 8);
	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 1024;
		struct todo *v = reallocarray(w->stack, room, sizeof(*v));

		if (!v) {
			w->err = ERR_NOMEM;
			return;
		}
		w->stack = v;
		w->room = room;
	}
	w->stack[w->n++] = (struct todo){ oh, aa };
}

static bool name_is(struct walk *w, qpdf_oh dict, const char *key, const char *const names[], size_t n)
{
	qpdf_oh v = qpdf_oh_get_key(w->q, dict, key);
	bool yes = false;

	for (size_t i = 0; i < n && !yes; i++)
		yes = qpdf_oh_is_name_and_equals(w->q, v, names[i]);
	qpdf_oh_release(w->q, v);
	return yes;
}
#define NAME_IS(w, dict, key, ...) \
	name_is(w, dict, key, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* Pages of the web may be named by a link; files, scripts and other programs may not. */
static bool bad_address(struct walk *w, qpdf_oh action)
{
	static const char *const good[] = { "http:", "https:", "mailto:", "tel:", "ftp:", "#", "xmpp:", "sip:", "news:", "doi:", "urn:" };
	qpdf_oh uri = qpdf_oh_get_key(w->q, action, "/URI");
	const char *s = qpdf_oh_is_string(w->q, uri) ? qpdf_oh_get_string_value(w->q, uri) : "";
	bool colon = strchr(s, ':') != NULL, bad = colon || strncmp(s, "\\\\", 2) == 0;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]) && bad && colon; i++)
		bad = strncasecmp(s, good[i], strlen(good[i])) != 0;
	qpdf_oh_release(w->q, uri);
	return bad;
}

/* What the action would do (12.6.4); -1: nothing that concerns us. 'alone': nobody has to click. */
static int fact_of(struct walk *w, qpdf_oh oh, bool alone)
{
	if (!qpdf_oh_is_dictionary(w->q, oh) || !qpdf_oh_has_key(w->q, oh, "/S"))
		return -1;
	if (NAME_IS(w, oh, "/S", "/JavaScript"))
		return FACT_PDF_SCRIPT;
	if (NAME_IS(w, oh, "/S", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/GoToR"))
		return FACT_PDF_LAUNCH;
	if (NAME_IS(w, oh, "/S", "/RichMediaExecute", "/Movie", "/Sound", "/GoTo3DView"))
		return FACT_PDF_EMBEDDED;
	return NAME_IS(w, oh, "/S", "/URI") && (alone || bad_address(w, oh)) ? FACT_PDF_LAUNCH : -1;
}

/* Keys that go by their name. */
static int fact_of_key(const char *key)
{
	static const struct { const char *key; uint8_t fact; } keys[] = {
		{ "/JavaScript", FACT_PDF_SCRIPT }, { "/JS", FACT_PDF_SCRIPT },
		{ "/EmbeddedFiles", FACT_PDF_EMBEDDED }, { "/EF", FACT_PDF_EMBEDDED }, { "/AF", FACT_PDF_EMBEDDED }, { "/Collection", FACT_PDF_EMBEDDED },
		{ "/RichMediaContent", FACT_PDF_EMBEDDED }, { "/RichMediaSettings", FACT_PDF_EMBEDDED },
		{ "/XFA", FACT_PDF_XFA }, { "/NeedsRendering", FACT_PDF_XFA },
		{ "/Metadata", FACT_METADATA }, { "/PieceInfo", FACT_METADATA }, { "/LastModified", FACT_METADATA },
		{ "/Perms", FACT_SIGNED }, { "/DSS", FACT_SIGNED }, { "/SigFlags", FACT_SIGNED },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i].key) == 0)
			return keys[i].fact;
	return -1;
}

/* Annotations that hold a file or play something (12.5.6). */
static void annotations(struct walk *w, qpdf_oh array)
{
	int n = qpdf_oh_is_array(w->q, array) ? qpdf_oh_get_array_n_items(w->q, array) : 0;

	if (!clean_wants(w->c, FACT_PDF_EMBEDDED))
		return;
	for (int i = n; i-- > 0;) {
		qpdf_oh a = qpdf_oh_get_array_item(w->q, array, i);

		if (qpdf_oh_is_dictionary(w->q, a) &&
		    NAME_IS(w, a, "/Subtype", "/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D")) {
			qpdf_oh_erase_item(w->q, array, i);
			took(w, FACT_PDF_EMBEDDED);
		}
		qpdf_oh_release(w->q, a);
	}
}

static bool signature(struct walk *w, const char *key, qpdf_oh v)
{
	return strcmp(key, "/V") == 0 && qpdf_oh_is_dictionary(w->q, v) && qpdf_oh_has_key(w->q, v, "/ByteRange");
}

static void visit_key(struct walk *w, qpdf_oh dict, const char *key, bool aa)
{
	qpdf_oh v = qpdf_oh_get_key(w->q, dict, key);
	int fact = fact_of_key(key);

	if (fact < 0)
		fact = fact_of(w, v, aa || strcmp(key, "/OpenAction") == 0);
	if (fact < 0 && signature(w, key, v))
		fact = FACT_SIGNED;
	if (fact >= 0 && took(w, (unsigned)fact)) {
		qpdf_oh_remove_key(w->q, dict, key);
		qpdf_oh_release(w->q, v);
		return;
	}
	if (strcmp(key, "/Annots") == 0)
		annotations(w, v);
	push(w, v, strcmp(key, "/AA") == 0);
}

/* An action that was reached by a way of its own, as an item of an array: it becomes an empty dictionary. */
static void visit_dictionary(struct walk *w, qpdf_oh dict, bool aa)
{
	int fact = fact_of(w, dict, false);
	bool empty = fact >= 0 && took(w, (unsigned)fact);

	qpdf_oh_begin_dict_key_iter(w->q, dict);
	while (qpdf_oh_dict_more_keys(w->q) && w->err == 0) {
		const char *key = qpdf_oh_dict_next_key(w->q);

		if (empty)
			qpdf_oh_remove_key(w->q, dict, key);
		else
			visit_key(w, dict, key, aa);
	}
}

static void visit(struct walk *w, struct todo t)
{
	qpdf_oh dict;
	int n;

	if (qpdf_oh_is_array(w->q, t.oh)) {
		n = qpdf_oh_get_array_n_items(w->q, t.oh);
		for (int i = 0; i < n && w->err == 0; i++)
			push(w, qpdf_oh_get_array_item(w->q, t.oh, i), t.aa);
	} else if (qpdf_oh_is_stream(w->q, t.oh)) {
		dict = qpdf_oh_get_dict(w->q, t.oh);
		visit_dictionary(w, dict, false);
		qpdf_oh_release(w->q, dict);
	} else {
		visit_dictionary(w, t.oh, t.aa);
	}
	qpdf_oh_release(w->q, t.oh);
}

/* Title, subject and keywords say what it is about; all else who made it, when, with what. A new dictionary: some names cannot be removed. */
static void people(struct walk *w)
{
	static const char *const stay[] = { "/Title", "/Subject", "/Keywords", "/Trapped" };
	qpdf_oh trailer = qpdf_get_trailer(w->q), info = qpdf_oh_get_key(w->q, trailer, "/Info"), bare;
	unsigned n = 0, n_stay = 0;

	if (!clean_wants(w->c, FACT_METADATA) || !qpdf_oh_is_dictionary(w->q, info))
		return;
	bare = qpdf_oh_new_dictionary(w->q);
	for (qpdf_oh_begin_dict_key_iter(w->q, info); qpdf_oh_dict_more_keys(w->q); n++)
		qpdf_oh_dict_next_key(w->q);
	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++) {
		qpdf_oh v = qpdf_oh_get_key(w->q, info, stay[i]);

		if (qpdf_oh_is_string(w->q, v) || qpdf_oh_is_name(w->q, v)) {
			qpdf_oh_replace_key(w->q, bare, stay[i], v);
			n_stay++;
		}
	}
	if (n > n_stay) {
		qpdf_oh_replace_key(w->q, trailer, "/Info", qpdf_make_indirect_object(w->q, bare));
		took(w, FACT_METADATA);
	}
}

static int walk_all(struct walk *w)
{
	w->seen = calloc(OBJECTS_MAX / 8 + 1, 1);
	if (!w->seen)
		return ERR_NOMEM;
	people(w);
	push(w, qpdf_get_trailer(w->q), false);
	while (w->n > 0 && w->err == 0)
		visit(w, w->stack[--w->n]);
	free(w->seen);
	free(w->stack);
	if (w->err == 0 && qpdf_has_error(w->q))
		w->err = ERR_BAD_FORMAT;
	return w->err;
}

/* A copy that only a repair can read is read in another way by every reader. */
static int check_copy(struct str copy, int pages)
{
	qpdf_data q = qpdf_init();
	int err = 0;

	if (!q)
		return ERR_NOMEM;
	qpdf_silence_errors(q);
	qpdf_set_suppress_warnings(q, QPDF_TRUE);
	qpdf_set_attempt_recovery(q, QPDF_FALSE);
	if (qpdf_read_memory(q, "it", copy.p, copy.n, "") & QPDF_ERRORS || qpdf_get_num_pages(q) != pages || qpdf_more_warnings(q))
		err = ERR_UNSUPPORTED;
	qpdf_cleanup(&q);
	return err;
}

static int write_out(struct walk *w)
{
	qpdf_oh trailer = qpdf_get_trailer(w->q);
	int pages = qpdf_get_num_pages(w->q), err;

	if (!qpdf_oh_has_key(w->q, trailer, "/Size"))		/* it was put together by repair: without, so would be the copy */
		qpdf_oh_replace_key(w->q, trailer, "/Size", qpdf_oh_new_integer(w->q, 1));
	if (qpdf_init_write_memory(w->q) & QPDF_ERRORS)
		return ERR_BAD_FORMAT;
	qpdf_set_deterministic_ID(w->q, QPDF_TRUE);		/* of the content: neither clock nor chance */
	qpdf_set_preserve_encryption(w->q, QPDF_FALSE);		/* it opened without a password */
	qpdf_set_object_stream_mode(w->q, qpdf_o_preserve);
	qpdf_set_compress_streams(w->q, QPDF_FALSE);
	qpdf_set_decode_level(w->q, qpdf_dl_none);
	if (qpdf_write(w->q) & QPDF_ERRORS)
		return ERR_BAD_FORMAT;
	err = buf_add(&w->c->out, qpdf_get_buffer(w->q), qpdf_get_buffer_length(w->q));
	return err < 0 ? err : check_copy(buf_str(&w->c->out), pages);
}

int clean_pdf(struct clean *c)
{
	struct walk w = { .q = qpdf_init(), .c = c };
	int err = 0, code;

	if (!w.q)
		return ERR_NOMEM;
	qpdf_silence_errors(w.q);
	qpdf_set_suppress_warnings(w.q, QPDF_TRUE);
	code = qpdf_read_memory(w.q, "it", c->in.p, c->in.n, "");
	if (code & QPDF_ERRORS)
		err = qpdf_get_error_code(w.q, qpdf_get_error(w.q)) == qpdf_e_password ? ERR_UNSUPPORTED : ERR_BAD_FORMAT;
	if (err == 0)
		err = walk_all(&w);
	/* Written anew, nothing hangs before or behind it, and nothing older is left in it. */
	if (err == 0)
		took(&w, FACT_TRAILING_DATA);
	if (err == 0 && c->removed)
		err = write_out(&w);
	qpdf_cleanup(&w.q);
	return err;
}
