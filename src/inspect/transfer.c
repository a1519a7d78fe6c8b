/* transfer.c - see transfer.h. Each element that is known to carry or announce a file has a function; the walk calls it. */
#include "inspect/transfer.h"

#include "base/b64.h"
#include "base/check.h"
#include "base/utf8.h"
#include "inspect/blob.h"
#include "inspect/picture.h"
#include "xmpp/ns.h"

#define RTP "urn:xmpp:jingle:apps:rtp:"
#define S5B "urn:xmpp:jingle:transports:s5b:"
#define IBB "urn:xmpp:jingle:transports:ibb:"
#define THUMBS "urn:xmpp:thumbs:"
#define SFS_ANY "urn:xmpp:sfs:"
#define SIMS_ANY "urn:xmpp:sims:"
#define ESFS "urn:xmpp:esfs:"
#define WHAT_BYTES 80
#define NOTE "[a file in the text was removed]"

struct search {
	const struct transfer_conf *conf;
	struct arena *a;
	struct transfer *found;
	bool no_memory;
};

/* Printable, and no longer than evidence needs. */
static struct str printable(struct search *s, struct str text)
{
	char *p = arena_alloc(s->a, WHAT_BYTES + 1);
	size_t n = 0;

	for (size_t at = 0; p && at < text.n;) {
		size_t from = at;
		uint32_t cp = utf8_next(text, &at);

		if (n + (at - from) > WHAT_BYTES)
			break;
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f))
			continue;
		memcpy(p + n, text.p + from, at - from);
		n += at - from;
	}
	s->no_memory |= !p;
	return p ? str_make(p, n) : STR_NONE;
}

static struct transfer_part *add(struct search *s, enum transfer_road road, struct node *n, struct str what)
{
	struct transfer_part *p;

	if (s->found->n == TRANSFER_PARTS) {
		s->found->more = true;
		return NULL;
	}
	p = &s->found->v[s->found->n++];
	*p = (struct transfer_part){ .road = road, .node = n, .what = printable(s, what) };
	return p;
}

static bool of_family(const struct node *n, const char *prefix)
{
	return str_starts(n->ns, str_of(prefix));
}

/* The whole text; without the memory to join it nothing could be said of the stanza. */
static struct str deep_text(struct search *s, const struct node *n)
{
	struct str text = node_deep_text(s->a, n);

	for (const struct node *c = text.p ? NULL : node_walk(n, n); c && !s->no_memory; c = node_walk(n, c))
		s->no_memory = node_is_text(c);
	return str_trim(text);
}

static struct str child_text(struct search *s, const struct node *n, const char *name)
{
	for (const struct node *c = node_first_element(n); c; c = node_next_element(c))
		if (str_is(c->name, name))
			return deep_text(s, c);
	return STR_NONE;
}

/* --- bytes in the stanza itself ----------------------------------------------------------------------------------------------- */

static const char *wrong_bytes(struct search *s, struct str bytes)
{
	if (!bytes.p)
		return "it is no picture that can be read";
	if (bytes.n > s->conf->inline_bytes)
		return "it is bigger than a picture in a message may be";
	return picture_type((const uint8_t *)bytes.p, bytes.n) ? NULL : "it is shown as a picture and is none";
}

static const char *wrong_base64(struct search *s, struct str base64)
{
	return wrong_bytes(s, blob_decode(base64, s->a));
}

/* Percent-encoded pictures nobody writes. */
static const char *wrong_blob(struct search *s, const struct blob *b)
{
	return b->base64 ? wrong_base64(s, b->payload) : "it is no picture that can be read";
}

/* Browsers pass over tabs and line ends inside of an address. */
static struct str tidy(struct search *s, struct str uri)
{
	char *p;
	size_t n = 0;

	if (str_find_char(uri, '\t') < 0 && str_find_char(uri, '\n') < 0 && str_find_char(uri, '\r') < 0)
		return uri;
	p = arena_alloc(s->a, uri.n + 1);
	for (size_t i = 0; p && i < uri.n; i++)
		if (uri.p[i] != '\t' && uri.p[i] != '\n' && uri.p[i] != '\r')
			p[n++] = uri.p[i];
	s->no_memory |= !p;
	return p ? str_make(p, n) : uri;
}

static bool is_aesgcm(struct str url)
{
	return url.n > 9 && str_eq_nocase(str_make(url.p, 9), STR("aesgcm://"));
}

static bool is_own(const struct search *s, struct str url)
{
	return s->conf->own && s->conf->own(s->conf->ctx, url);
}

/* --- elements -------------------------------------------------------------------------------------------------------------------- */

/* A description of voice or video; "application" is a channel for data, whatever goes through it. */
static bool is_call(const struct node *description)
{
	struct str media = node_attr(description, "media");

	return of_family(description, RTP) && (media.n == 0 || str_is(media, "audio") || str_is(media, "video"));
}

/* Whatever is no voice and no video is bytes: files, streams, programs. */
static void see_content(struct search *s, struct node *content)
{
	for (struct node *c = node_first_element(content); c; c = node_next_element(c)) {
		if (str_is(c->name, "description") && !is_call(c)) {
			const struct node *file = node_first_element(c);

			while (file && !str_is(file->name, "file") && node_first_element(file))
				file = node_first_element(file);	/* version 3: <offer><file/></offer> */
			add(s, TRANSFER_JINGLE, content, file && child_text(s, file, "name").n ? child_text(s, file, "name") : c->ns);
		} else if (str_is(c->name, "transport") && of_family(c, IBB)) {
			add(s, TRANSFER_IBB, content, c->ns);
		} else if (str_is(c->name, "transport") && of_family(c, S5B)) {
			add(s, TRANSFER_SOCKS5, content, c->ns);
		}
	}
}

static void see_jingle(struct search *s, struct node *n)
{
	if (str_is(n->name, "jingle"))
		for (struct node *c = node_first_element(n); c; c = node_next_element(c))
			if (str_is(c->name, "content"))
				see_content(s, c);
}

/* XEP-0353: rings before anything is negotiated. */
static void see_propose(struct search *s, struct node *n)
{
	if (str_is(n->name, "propose"))
		for (struct node *c = node_first_element(n); c; c = node_next_element(c))
			if (str_is(c->name, "description") && !is_call(c))
				add(s, TRANSFER_JINGLE, n, c->ns);
}

static void see_si(struct search *s, struct node *n)
{
	const struct node *file = node_first_element(n);

	/* The answer names no profile. */
	if (str_is(n->name, "si") && node_has_attr(n, "profile"))
		add(s, TRANSFER_SI, n, file && node_has_attr(file, "name") ? node_attr(file, "name") : node_attr(n, "profile"));
}

static void see_ibb(struct search *s, struct node *n)
{
	if (str_is(n->name, "open") || str_is(n->name, "data"))
		add(s, TRANSFER_IBB, n, node_attr(n, "sid"));
}

/* What asks a proxy for its address, or tells it to begin, carries nothing. */
static void see_socks5(struct search *s, struct node *n)
{
	bool offers = node_child(n, NS_BYTESTREAMS, "streamhost") || !node_child(n, NS_BYTESTREAMS, "activate");

	if (str_is(n->name, "query") && str_is(node_attr(n->parent, "type"), "set") && offers)
		add(s, TRANSFER_SOCKS5, n, node_attr(n, "sid"));
}

static void see_oob(struct search *s, struct node *n)
{
	struct str url = tidy(s, child_text(s, n, "url"));
	struct blob b;

	if ((!str_is(n->name, "x") && !str_is(n->name, "query")) || (url.n && is_own(s, url)))
		return;
	if (blob_of_uri(url, &b)) {
		struct transfer_part *p = add(s, TRANSFER_DATA_URI, n, b.type);

		if (p)
			p->wrong = wrong_blob(s, &b);
		return;
	}
	add(s, is_aesgcm(url) ? TRANSFER_CIPHER : TRANSFER_OOB, n, url);
}

/* Every place that it names is our own upload; one at least. */
static bool all_own(struct search *s, const struct node *top)
{
	static const char *const names[] = { "target", "uri", "url", "href", "src" };
	bool any = false;

	for (const struct node *n = node_walk(top, top); n; n = node_walk(top, n))
		for (size_t i = 0; !node_is_text(n) && i < ARRAY_SIZE(names); i++) {
			struct str v = tidy(s, node_attr(n, names[i]));

			if (v.n == 0 || of_family(n, THUMBS) || str_starts(v, STR("cid:")))
				continue;
			if (!is_own(s, v))
				return false;
			any = true;
		}
	return any;
}

static bool is_sharing(const struct node *n)
{
	return (of_family(n, SFS_ANY) || of_family(n, SIMS_ANY)) &&
	       (str_is(n->name, "file-sharing") || str_is(n->name, "media-sharing") || str_is(n->name, "sources"));
}

static bool is_cipher(const struct node *n)
{
	return of_family(n, ESFS) && str_is(n->name, "encrypted");
}

/* Part of what was looked at as a whole. */
static bool is_within(const struct node *n, bool sharing)
{
	for (const struct node *up = n->parent; up; up = up->parent)
		if (is_cipher(up) || (sharing && is_sharing(up)))
			return true;
	return false;
}

static void see_sharing(struct search *s, struct node *n)
{
	if (is_sharing(n) && !is_within(n, true) && !all_own(s, n)) {
		const struct node *file = node_first_element(n);

		add(s, TRANSFER_SHARING, n, file ? child_text(s, file, "name") : STR_NONE);
	}
}

static void see_encrypted(struct search *s, struct node *n)
{
	if (is_cipher(n) && !is_within(n, false) && !all_own(s, n))
		add(s, TRANSFER_CIPHER, n, node_attr(n, "cipher"));
}

static void see_thumbnail(struct search *s, struct node *n)
{
	struct str uri = tidy(s, node_attr(n, "uri"));
	struct transfer_part *p;
	struct blob b;

	if (!str_is(n->name, "thumbnail") || is_own(s, uri))
		return;
	p = add(s, TRANSFER_THUMBNAIL, n, node_attr(n, "media-type"));
	if (p && blob_of_uri(uri, &b))
		p->wrong = wrong_blob(s, &b);
}

/* Asked for, or here. */
static void see_bob(struct search *s, struct node *n)
{
	struct transfer_part *p = str_is(n->name, "data") ? add(s, TRANSFER_BOB, n, node_attr(n, "type")) : NULL;
	struct str text = p ? deep_text(s, n) : STR_NONE;

	if (p && text.n)
		p->wrong = wrong_base64(s, text);
}

static void see_avatar_data(struct search *s, struct node *n)
{
	struct str text = deep_text(s, n);
	struct transfer_part *p = str_is(n->name, "data") && text.n ? add(s, TRANSFER_AVATAR, n, STR("avatar")) : NULL;

	if (p)
		p->wrong = wrong_base64(s, text);
}

/* XEP-0084 4.2.1: a picture that lies elsewhere is loaded from there by everybody who sees the name. */
static void see_avatar_info(struct search *s, struct node *n)
{
	if (str_is(n->name, "info") && node_has_attr(n, "url") && !is_own(s, node_attr(n, "url")))
		add(s, TRANSFER_AVATAR, n, node_attr(n, "url"));
}

/* XEP-0054: PHOTO and LOGO have bytes or an address; a SOUND is played. */
static void see_vcard(struct search *s, struct node *n)
{
	struct str bytes;
	struct transfer_part *p;

	if (!str_is(n->name, "PHOTO") && !str_is(n->name, "LOGO") && !str_is(n->name, "SOUND"))
		return;
	bytes = child_text(s, n, "BINVAL");
	if (!bytes.n && !child_text(s, n, "EXTVAL").n)
		return;
	p = add(s, TRANSFER_AVATAR, n, n->name);
	if (p && bytes.n)
		p->wrong = wrong_base64(s, bytes);
}

static void see_vcard4(struct search *s, struct node *n)
{
	struct transfer_part *p;
	struct str uri;
	struct blob b;

	if (!str_is(n->name, "photo") && !str_is(n->name, "logo") && !str_is(n->name, "sound"))
		return;
	uri = tidy(s, deep_text(s, n));
	if (uri.n == 0 || is_own(s, uri))
		return;
	p = add(s, TRANSFER_AVATAR, n, n->name);
	if (p && blob_of_uri(uri, &b))
		p->wrong = wrong_blob(s, &b);
}

static const struct { const char *family; void (*see)(struct search *s, struct node *n); } elements[] = {
	{ NS_JINGLE, see_jingle }, { NS_JINGLE_MESSAGE, see_propose }, { NS_SI, see_si }, { NS_IBB, see_ibb }, { NS_BYTESTREAMS, see_socks5 },
	{ NS_OOB, see_oob }, { NS_IQ_OOB, see_oob }, { SFS_ANY, see_sharing }, { SIMS_ANY, see_sharing }, { ESFS, see_encrypted },
	{ THUMBS, see_thumbnail }, { NS_BOB, see_bob }, { NS_AVATAR_DATA, see_avatar_data }, { NS_AVATAR_METADATA, see_avatar_info },
	{ NS_VCARD4, see_vcard4 }, { NS_VCARD, see_vcard },
};

/* A namespace, or a family of versions: "...:". */
static bool belongs(const struct node *n, const char *family)
{
	return family[strlen(family) - 1] == ':' ? of_family(n, family) : str_is(n->ns, family);
}

/* data: and aesgcm: where an address may stand; thumbnails and the like have seen to theirs. */
static void see_attrs(struct search *s, struct node *n)
{
	static const char *const names[] = { "src", "href", "uri", "url", "target", "poster", "background" };

	if (of_family(n, THUMBS))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct str v = tidy(s, node_attr(n, names[i]));
		struct transfer_part *p = NULL;
		struct blob b;

		if (v.n == 0)
			continue;
		if (blob_of_uri(v, &b)) {
			p = add(s, TRANSFER_DATA_URI, n, b.type);
			if (p)
				p->wrong = wrong_blob(s, &b);
		} else if (is_aesgcm(v) && !is_own(s, v)) {
			p = add(s, TRANSFER_CIPHER, n, STR("aesgcm"));
		}
		if (p && !str_is(n->name, "img"))
			p->attr = names[i];
	}
}

/* --- texts ------------------------------------------------------------------------------------------------------------------------- */

/* What people read. Ciphertext, keys and bytes are Base64 by their nature. */
static bool is_read(const struct node *text)
{
	static const char *const names[] = { "body", "subject", "html", "status", "desc", "content", "summary", "title", "reason" };

	for (const struct node *n = text->parent; n; n = n->parent)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (str_is(n->name, names[i]) && !of_family(n, "urn:xmpp:jingle:"))
				return true;
	return false;
}

static void see_ciphers(struct search *s, struct node *n)
{
	struct str text = n->text;

	for (size_t i = 0; i + 9 < text.n; i++) {
		size_t to = i;
		struct transfer_part *p;

		if ((text.p[i] != 'a' && text.p[i] != 'A') || !is_aesgcm(str_cut(text, i)))
			continue;
		while (to < text.n && (unsigned char)text.p[to] > ' ' && text.p[to] != '"' && text.p[to] != '<' && text.p[to] != '>')
			to++;
		if (!is_own(s, str_make(text.p + i, to - i))) {
			p = add(s, TRANSFER_CIPHER, n, STR("aesgcm"));
			if (!p)
				return;
			p->from = i;
			p->to = to;
		}
		i = to;
	}
}

/* In the order of the text, and none within another. */
static void sort(struct transfer *found, unsigned first)
{
	unsigned n = first;

	for (unsigned i = first + 1; i < found->n; i++)
		for (unsigned k = i; k > first && found->v[k].from < found->v[k - 1].from; k--) {
			struct transfer_part swap = found->v[k];

			found->v[k] = found->v[k - 1];
			found->v[k - 1] = swap;
		}
	for (unsigned i = first; i < found->n; i++)
		if (i == first || found->v[i].from >= found->v[n - 1].to)
			found->v[n++] = found->v[i];
		else if (found->v[i].to > found->v[n - 1].to)
			found->v[n - 1].to = found->v[i].to;
	found->n = n;
}

static void see_text(struct search *s, struct node *n)
{
	unsigned first = s->found->n;
	struct blob blobs[BLOBS];
	bool more;
	unsigned count;

	if (!is_read(n))
		return;
	count = blob_find(n->text, blobs, &more);
	for (unsigned i = 0; i < count; i++) {
		bool uri = blobs[i].kind == BLOB_DATA_URI;
		uint8_t head[48];
		size_t got = 0;
		struct str some = uri ? (struct str){ NULL, 0 } : blob_decode(str_make(blobs[i].payload.p, blobs[i].payload.n < 64 ? blobs[i].payload.n : 64), s->a);
		const char *kind;
		struct transfer_part *p;

		if (some.p) {
			got = some.n < sizeof(head) ? some.n : sizeof(head);
			memcpy(head, some.p, got);
		}
		kind = blob_kind_of(head, got);
		p = add(s, uri ? TRANSFER_DATA_URI : TRANSFER_BASE64, n, uri ? blobs[i].type : str_of(kind ? kind : "bytes"));
		if (!p)
			return;
		p->from = blobs[i].from;
		p->to = blobs[i].to;
		p->wrong = uri ? wrong_blob(s, &blobs[i]) : NULL;
	}
	s->found->more |= more;
	see_ciphers(s, n);
	sort(s->found, first);
}

int transfer_find(struct node *stanza, const struct transfer_conf *conf, struct arena *a, struct transfer *ret)
{
	struct search s = { .conf = conf, .a = a, .found = ret };

	ret->n = 0;
	ret->more = false;
	for (struct node *n = node_walk(stanza, stanza); n; n = node_walk(stanza, n)) {
		if (node_is_text(n)) {
			see_text(&s, n);
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(elements); i++)
			if (belongs(n, elements[i].family))
				elements[i].see(&s, n);
		see_attrs(&s, n);
	}
	return s.no_memory ? ERR_NOMEM : 0;
}

enum rule transfer_rule(const struct transfer_part *part)
{
	static const enum rule rules[] = {
		[TRANSFER_JINGLE] = FILE_JINGLE, [TRANSFER_SI] = FILE_SI, [TRANSFER_IBB] = FILE_IN_BAND, [TRANSFER_SOCKS5] = FILE_SOCKS5,
		[TRANSFER_OOB] = FILE_ELSEWHERE, [TRANSFER_SHARING] = FILE_SHARED, [TRANSFER_THUMBNAIL] = FILE_THUMBNAIL, [TRANSFER_BOB] = FILE_BITS,
		[TRANSFER_DATA_URI] = FILE_DATA_URI, [TRANSFER_BASE64] = FILE_BASE64, [TRANSFER_AVATAR] = FILE_AVATAR, [TRANSFER_CIPHER] = FILE_ENCRYPTED,
	};

	return part->wrong ? FILE_NOT_PICTURE : rules[part->road];
}

/* --- taking out -------------------------------------------------------------------------------------------------------------------- */

/* Parts of one text come in order, and each takes away what is in front of the next: they are cut from behind. */
int transfer_strip(struct transfer_part *part, struct arena *a)
{
	struct node *n = part->node;

	if (!node_is_text(n)) {
		if (part->attr)
			node_drop_attr(n, part->attr);
		else if (n->parent)
			node_remove(n);
		return 0;
	}
	n->text = arena_printf(a, "%.*s" NOTE "%.*s", (int)part->from, n->text.p, (int)(n->text.n - part->to), n->text.p + part->to);
	return n->text.p ? 0 : ERR_NOMEM;
}

/* What a client sends with every message, and says nothing by itself. */
static bool is_company(const struct node *n)
{
	static const char *const families[] = { NS_HINTS, NS_SID, NS_RECEIPTS, NS_MARKERS, NS_CHATSTATES, NS_DELAY, NS_FALLBACK, NS_CORRECT, NS_EME };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (str_is(n->ns, families[i]))
			return true;
	return str_is(n->name, "thread");
}

static bool is_hollow(const struct node *n)
{
	if (node_is(n, NS_JINGLE, "jingle"))
		return !str_is(node_attr(n, "action"), "session-terminate") && !str_is(node_attr(n, "action"), "session-info") && !node_first_element(n);
	if (node_is(n, NS_BYTESTREAMS, "query"))
		return !node_first_element(n);
	if (node_is(n, NS_PUBSUB, "pubsub")) {
		const struct node *publish = node_child(n, NS_PUBSUB, "publish"), *item = publish ? node_child(publish, NS_PUBSUB, "item") : NULL;

		return item && !node_first_element(item);
	}
	return false;
}

bool transfer_is_empty(const struct node *stanza)
{
	const struct node *c = node_first_element(stanza);

	if (str_is(stanza->name, "presence"))
		return false;
	if (str_is(stanza->name, "iq"))
		return !c || is_hollow(c);
	for (; c; c = node_next_element(c))
		if (!is_company(c) && !is_hollow(c))
			return false;
	return true;
}

/* --- addresses ---------------------------------------------------------------------------------------------------------------------- */

static unsigned hide_in(struct node *transport, const char *kept)
{
	struct node *next;
	unsigned n = 0;

	for (struct node *c = node_first_element(transport); c; c = next) {
		next = node_next_element(c);
		if (!str_is(c->name, "candidate"))
			continue;
		if (!str_is(node_attr(c, "type"), kept)) {
			node_remove(c);
			n++;
		} else if (node_has_attr(c, "rel-addr") || node_has_attr(c, "rel-port")) {
			node_drop_attr(c, "rel-addr");		/* from where the relay was reached */
			node_drop_attr(c, "rel-port");
			n++;
		}
	}
	return n;
}

static unsigned hide_content(struct node *content, bool files, bool calls)
{
	bool file = false;
	unsigned n = 0;

	for (const struct node *c = node_first_element(content); c; c = node_next_element(c))
		file |= str_is(c->name, "description") && !is_call(c);
	for (struct node *c = node_first_element(content); c; c = node_next_element(c)) {
		if (!str_is(c->name, "transport"))
			continue;
		if (of_family(c, S5B))
			n += files ? hide_in(c, "proxy") : 0;
		else if (file ? files : calls)
			n += hide_in(c, "relay");
	}
	return n;
}

/* A proxy is a domain; whoever has a name or a resource is one of the two. */
static unsigned hide_hosts(struct node *query)
{
	struct node *next;
	unsigned n = 0;

	for (struct node *c = node_child(query, NS_BYTESTREAMS, "streamhost"); c; c = next) {
		struct str jid = node_attr(c, "jid");

		next = node_child_next(c, NS_BYTESTREAMS, "streamhost");
		if (str_find_char(jid, '@') >= 0 || str_find_char(jid, '/') >= 0 || jid.n == 0) {
			node_remove(c);
			n++;
		}
	}
	return n;
}

unsigned transfer_hide(struct node *stanza, bool files, bool calls)
{
	unsigned n = 0;

	for (struct node *c = node_walk(stanza, stanza); c; c = node_walk(stanza, c)) {
		if (node_is(c, NS_BYTESTREAMS, "query") && files && str_is(node_attr(stanza, "type"), "set"))
			n += hide_hosts(c);
		if (str_is(c->name, "content") && c->parent && node_is(c->parent, NS_JINGLE, "jingle"))
			n += hide_content(c, files, calls);
	}
	return n;
}

/* --- keys ----------------------------------------------------------------------------------------------------------------------------- */

bool transfer_key_of(struct str link, struct transfer_key *ret)
{
	ptrdiff_t at = str_find_char(link, '#');
	uint8_t both[48];
	size_t n;

	if (!is_aesgcm(link) || at < 0 || b64_unhex(str_cut(link, (size_t)at + 1), both, sizeof(both), &n) < 0 || (n != 44 && n != 48))
		return false;
	ret->n_iv = n - 32;		/* 12 bytes today, 16 once */
	memcpy(ret->iv, both, ret->n_iv);
	memcpy(ret->key, both + ret->n_iv, 32);
	return true;
}
