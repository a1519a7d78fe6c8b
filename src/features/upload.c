/* upload.c - XEP-0363: a slot for a file, at upload.DOMAIN. What becomes of the file is core/files.h's.
 *
 * Slots are for accounts of this server. Path and key are chance, the row is durable before the answer, and the bytes count for the
 * day's quota when the slot is given: who asks for more than he uses has asked for it.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "core/files.h"
#include "core/link_check.h"
#include "core/mod.h"
#include "core/state.h"
#include "policy/policy_file.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"

#define DAY_MS (24ull * 3600 * 1000)
#define URL_BYTES 2048

enum refusal { SLOT_GIVEN, SLOT_QUOTA, SLOT_FULL };

struct slot {
	struct vault_file file;
	char token[VAULT_FILE_TOKEN + 1];
	uint64_t now, per_day;
	enum refusal refusal;
};

static struct str domain(const struct server *srv)
{
	return srv->upload;
}

/* Without a port of https there is no way to bring a file. */
static int start(struct server *srv)
{
	struct str name;
	struct jid jid;
	int r;

	srv->upload = STR_NONE;
	if (!link_check_possible(srv) || !srv->spool.n)
		return 0;
	name = arena_printf(srv->names, "upload.%.*s", STR_FMT(srv->domain));
	r = name.p ? jid_parse(srv->names, name, &jid) : ERR_NOMEM;
	if (r == 0)
		srv->upload = jid.domain;
	return r;
}

/* --- what is asked for ----------------------------------------------------------------------------------------------- */

/* One name within a folder, of characters that are seen. What only pretends (letters backwards, look-alikes) the check of the file says. */
static bool is_name(struct str s)
{
	if (s.n == 0 || s.n > FILES_NAME || !utf8_valid(s) || str_is(s, ".") || str_is(s, ".."))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f || c == '/' || c == '\\' || (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0))
			return false;
	}
	return s.p[0] != ' ' && s.p[s.n - 1] != ' ';
}

/* A media type (RFC 6838 4.2), parameters left out; empty: none that makes sense. */
static struct str type_of(struct str s)
{
	ptrdiff_t end = str_find_char(s, ';');
	size_t slashes = 0;

	s = str_trim(end < 0 ? s : str_make(s.p, (size_t)end));
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		slashes += c == '/';
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("/!#$&-^_.+", c)))
			return STR_NONE;
	}
	return slashes == 1 && s.n <= FILES_TYPE ? s : STR_NONE;
}

/* XEP-0363 5: 'profile' and 'permanent' are not offered: nothing is kept for longer than other files are. */
static int purpose_of(const struct iq *iq, struct slot *s)
{
	const struct node *n = node_child(iq->payload, NS_UPLOAD_PURPOSE, "ephemeral");
	struct str stamp = n ? node_attr(n, "expire-before") : STR_NONE;

	if (n && (clock_parse(stamp.p, stamp.n, &s->file.until_ms) < 0 || s->file.until_ms <= s->now))
		return ERR_BAD_REQUEST;
	return 0;
}

/* --- answers --------------------------------------------------------------------------------------------------------- */

/* With a sentence and an element of the XEP's own. */
static int refuse(struct iq *iq, const char *type, const char *condition, const char *text, struct node *extra)
{
	struct node *e = stanza_error_cond(iq->arena, iq->stanza, type, condition, extra), *error;

	if (!e)
		return ERR_LIMIT;
	error = node_child(e, NS_CLIENT, "error");
	if (!error || !node_add_leaf(iq->arena, error, NS_STANZAS, "text", str_of(text)))
		return ERR_LIMIT;
	iq->server->metrics.refused++;
	iq->server->metrics.errors_sent++;
	trip_answer(iq->trip, e);
	return 0;
}

static int too_large(struct iq *iq)
{
	uint64_t max = iq->server->config->upload.max_bytes;
	struct str text = arena_printf(iq->arena, "The file is too large; at most %llu bytes can be sent.", (unsigned long long)max);
	struct str number = arena_printf(iq->arena, "%llu", (unsigned long long)max);
	struct node *extra = node_new(iq->arena, NS_UPLOAD, "file-too-large");

	if (!extra || !text.p || !number.p || !node_add_leaf(iq->arena, extra, NS_UPLOAD, "max-file-size", number))
		return ERR_LIMIT;
	return refuse(iq, "modify", "not-acceptable", text.p, extra);
}

static int later(struct iq *iq, uint64_t when_ms, const char *text)
{
	struct node *extra = node_new(iq->arena, NS_UPLOAD, "retry");
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(when_ms, stamp);
	if (!extra || node_set_attr(iq->arena, extra, "stamp", str_of(stamp)) < 0)
		return ERR_LIMIT;
	return refuse(iq, "wait", "resource-constraint", text, extra);
}

static int give(struct iq *iq, const struct slot *s)
{
	struct node *slot = node_new(iq->arena, NS_UPLOAD, "slot"), *put, *get;
	struct buf url;
	int r;

	buf_init(&url, URL_BYTES);
	r = files_url_write(iq->server, s->file.token, s->file.name, &url);
	put = slot ? node_add(iq->arena, slot, NS_UPLOAD, "put") : NULL;
	get = put ? node_add(iq->arena, slot, NS_UPLOAD, "get") : NULL;
	if (r == 0 && (!get || node_set_attr(iq->arena, put, "url", buf_str(&url)) < 0 || node_set_attr(iq->arena, get, "url", buf_str(&url)) < 0))
		r = ERR_LIMIT;
	buf_release(&url);
	if (r < 0)
		return r;
	iq->server->metrics.files_slots++;
	return iq_reply(iq, slot);
}

/* --- a slot ---------------------------------------------------------------------------------------------------------- */

static int slot_work(struct vault *v, struct iq *iq)
{
	struct slot *s = iq->data;
	int r;

	s->refusal = SLOT_GIVEN;
	r = vault_file_use(v, s->file.owner, s->now, s->file.original.size, s->per_day);
	if (r == ERR_LIMIT) {
		s->refusal = SLOT_QUOTA;
		return 0;
	}
	if (r == 0)
		r = vault_file_put(v, &s->file);
	if (r == ERR_LIMIT)
		s->refusal = SLOT_FULL;
	return r;
}

static int slot_done(struct iq *iq, int err)
{
	struct slot *s = iq->data;

	secret_wipe(s->file.original.key, sizeof(s->file.original.key));
	if (s->refusal == SLOT_QUOTA)
		return later(iq, (s->now / DAY_MS + 1) * DAY_MS, "You have sent as many bytes as you may in a day; try again tomorrow.");
	if (s->refusal == SLOT_FULL)
		return later(iq, s->now + DAY_MS, "You have sent as many files as are kept for you; older ones make room as their time ends.");
	return err < 0 ? err : give(iq, s);
}

/* A rule about every file of his, whoever gets it. */
static bool refused_by_policy(const struct iq *iq)
{
	const struct policy *p = guard_policy(iq->server->guard);
	struct policy_file_view view;

	policy_file_of(p, policy_file_sender(p, iq->trip->from.bare), 0, 0, &view);
	return view.act == FILE_REFUSE;
}

static int new_slot(struct iq *iq, struct str name, uint64_t size)
{
	struct slot *s = arena_alloc(iq->arena, sizeof(*s));
	uint8_t chance[VAULT_FILE_TOKEN / 2];
	int r;

	if (!s)
		return ERR_LIMIT;
	s->now = clock_wall_ms();
	s->per_day = iq->server->config->upload.per_day;
	s->file = (struct vault_file){
		.owner = iq->trip->from.bare, .created_ms = s->now, .expires_ms = s->now + FILES_SLOT_MS, .state = FILE_IS_SLOT, .name = name,
		.declared = type_of(node_attr(iq->payload, "content-type")), .original = { .size = size, .type = STR_NONE }, .clean = { .type = STR_NONE },
		.clean_suffix = STR_NONE, .tlsh = STR_NONE, .why = STR_NONE, .rule = STR_NONE,
	};
	r = purpose_of(iq, s);
	if (r < 0)
		return iq_refuse(iq, r, "'expire-before' must be a time to come");
	rand_bytes(chance, sizeof(chance));
	for (size_t i = 0; i < sizeof(chance); i++)
		snprintf(s->token + 2 * i, 3, "%02x", chance[i]);
	s->file.token = str_of(s->token);
	rand_bytes(s->file.original.key, sizeof(s->file.original.key));
	if (!vault_file_id(s->file.token, s->file.id))
		return ERR_INTERNAL;
	arena_wipe_on_free(iq->arena);
	iq->data = s;
	return iq_store(iq, slot_work, slot_done);
}

static int on_request(struct iq *iq)
{
	const struct user *u = iq->trip->from_user;
	struct str name = node_attr(iq->payload, "filename");
	uint64_t size;

	if (!u || trip_is_foreign(iq->trip))
		return iq_refuse(iq, ERR_FORBIDDEN, "only accounts of this server may send files here");
	if (u->frozen)
		return iq_refuse(iq, ERR_POLICY, "this account is frozen; please write to the help desk");
	if (!str_to_u64(node_attr(iq->payload, "size"), INT64_MAX, &size))
		return iq_refuse(iq, ERR_BAD_REQUEST, "'size' must be the number of bytes of the file");
	if (!is_name(name))
		return iq_refuse(iq, ERR_NOT_ACCEPTABLE, "'filename' must be the name of one file, of at most 255 bytes");
	if (size == 0)
		return iq_refuse(iq, ERR_NOT_ACCEPTABLE, "the file is empty");
	if (size > iq->server->config->upload.max_bytes)
		return too_large(iq);
	if (refused_by_policy(iq))
		return iq_refuse(iq, ERR_POLICY, "the company's policy does not let you send files");
	if (files_pending(iq->server) >= FILES_PENDING)
		return later(iq, clock_wall_ms() + 60000, "Too many files wait to be checked; try again in a minute.");
	if (files_pending_of(iq->server, iq->trip->from.bare) >= FILES_PENDING_OF_ONE)
		return later(iq, clock_wall_ms() + 60000, "Your other files wait to be checked; try again in a minute.");
	return new_slot(iq, name, size);
}

/* --- discovery ------------------------------------------------------------------------------------------------------- */

static int on_info(struct iq *iq)
{
	static const char *const vars[] = { NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PING, NS_UPLOAD, NS_UPLOAD_PURPOSE "#ephemeral", NS_UPLOAD_PURPOSE "#message" };
	struct node *query = node_new(iq->arena, NS_DISCO_INFO, "query");
	struct node *el = query ? node_add(iq->arena, query, NS_DISCO_INFO, "identity") : NULL;
	struct form f;

	if (node_has_attr(iq->payload, "node"))
		return ERR_NOT_FOUND;
	if (!el || node_set_attr(iq->arena, el, "category", STR("store")) < 0 || node_set_attr(iq->arena, el, "type", STR("file")) < 0 ||
	    node_set_attr(iq->arena, el, "name", STR("Files")) < 0)
		return ERR_LIMIT;
	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
		el = node_add(iq->arena, query, NS_DISCO_INFO, "feature");
		if (!el || node_set_attr(iq->arena, el, "var", str_of(vars[i])) < 0)
			return ERR_LIMIT;
	}
	form_begin(&f, iq->arena, query, "result", NS_UPLOAD);
	form_field(&f, NULL, "max-file-size", NULL, arena_printf(iq->arena, "%llu", (unsigned long long)iq->server->config->upload.max_bytes));
	return form_end(&f) < 0 ? ERR_LIMIT : iq_reply(iq, query);
}

static int on_items(struct iq *iq)
{
	struct node *query = node_has_attr(iq->payload, "node") ? NULL : node_new(iq->arena, NS_DISCO_ITEMS, "query");

	if (node_has_attr(iq->payload, "node"))
		return ERR_NOT_FOUND;
	return query ? iq_reply(iq, query) : ERR_LIMIT;
}

static int on_ping(struct iq *iq)
{
	return iq_reply(iq, NULL);
}

static void disco_items(struct iq *iq, struct node *query)
{
	struct node *item = iq->target == TO_SERVER && iq->server->upload.n ? node_add(iq->arena, query, NS_DISCO_ITEMS, "item") : NULL;

	if (item && (node_set_attr(iq->arena, item, "jid", iq->server->upload) < 0 || node_set_attr(iq->arena, item, "name", STR("Files")) < 0))
		node_remove(item);
}

/* Nothing but requests has any business here. */
static enum trip_next admit(struct trip *t)
{
	return t->kind == STANZA_MESSAGE ? trip_refuse(t, ERR_UNAVAILABLE, NULL) : TRIP_NEXT;
}

static enum trip_next deliver(struct trip *t)
{
	return t->kind == STANZA_IQ ? trip_refuse(t, ERR_UNAVAILABLE, NULL) : TRIP_NEXT;
}

static const struct service_ops service = { .domain = domain, .admit = admit, .deliver = deliver };

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_UPLOAD, "request", TO_SERVICE, on_request },
	{ IQ_GET, NS_DISCO_INFO, "query", TO_SERVICE, on_info },
	{ IQ_GET, NS_DISCO_ITEMS, "query", TO_SERVICE, on_items },
	{ IQ_GET, NS_PING, "ping", TO_SERVICE, on_ping },
	{ 0 }
};

static const struct mod_hooks hooks = { .server_start = start, .disco_items = disco_items };

const struct mod_def mod_upload = {
	.name = "upload",
	.xep = 363,
	.xep_version = "1.2.0",
	.xep_note = "at upload.DOMAIN; every file is checked before anybody can load it; purposes message and ephemeral",
	.iq = iqs,
	.hooks = &hooks,
	.service = &service,
};
