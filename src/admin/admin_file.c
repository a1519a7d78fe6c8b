/* admin_file.c - uploaded files: what was seen in each, what was decided, who has it; an officer's word on one. */
#include "admin/admin_parts.h"
#include "base/b64.h"
#include "base/clock.h"
#include "inspect/file_fact.h"
#include "vault/vault_file.h"

#define LIST_MAX 10000
#define SEEN_MAX 10000

/* --- looking ---------------------------------------------------------------------------------------------------------------- */

static json_t *json_digest(const uint8_t digest[VAULT_FILE_DIGEST])
{
	char hex[2 * VAULT_FILE_DIGEST + 1];

	b64_hex(digest, VAULT_FILE_DIGEST, hex);
	return json_string(hex);
}

static json_t *json_facts(uint64_t facts)
{
	json_t *list = json_array();

	for (unsigned f = 0; list && f < FACT_COUNT; f++)
		if (facts & FACT_BIT(f))
			json_array_append_new(list, json_string(file_fact_name(f)));
	return list;
}

static bool has_clean(const struct vault_file *f)
{
	return f->clean.size > 0;
}

static int describe(json_t *o, const struct vault_file *f)
{
	char id[VAULT_FILE_ID_TEXT];
	int r;

	vault_file_id_text(f->id, id);
	r = admin_put(o, "id", json_string(id));
	if (r == 0)
		r = admin_put(o, "when", admin_json_time(f->created_ms));
	if (r == 0)
		r = admin_put(o, "state", json_string(vault_file_state_name(f->state)));
	if (r == 0)
		r = admin_put(o, "owner", admin_json_str(f->owner));
	if (r == 0)
		r = admin_put(o, "name", admin_json_str(f->name));
	if (r == 0)
		r = admin_put(o, "size", json_integer((json_int_t)f->original.size));
	if (r == 0)
		r = admin_put(o, "type", admin_json_str(f->original.type.n ? f->original.type : f->declared));
	if (r == 0)
		r = admin_put(o, "facts", json_facts(f->facts));
	if (r == 0)
		r = admin_put(o, "why", admin_json_str(f->why));
	return r < 0 ? r : admin_put(o, "rule", admin_json_str(f->rule));
}

static int state_of(struct admin_call *call, int *ret)
{
	struct str name = admin_text(call, "state");

	*ret = -1;
	for (int s = 0; name.n && s < FILE_STATES; s++)
		if (str_is(name, vault_file_state_name((enum vault_file_state)s)))
			*ret = s;
	if (name.n && *ret < 0)
		return admin_why(call, ERR_BAD_REQUEST, "there is no state '%.*s'; it is one of slot, pending, served, cleaned, held, refused, revoked, expired",
				 STR_FMT(name));
	return 0;
}

static int list(struct admin_call *call, struct vault *v)
{
	struct vault_file_query q = { .max = LIST_MAX, .owner = admin_text(call, "account") };
	json_t *items = json_array();
	struct vault_file *f;
	size_t n = 0;
	int r = admin_put(call->reply, "files", items);

	if (r == 0)
		r = state_of(call, &q.state);
	if (r == 0 && q.owner.n)
		r = admin_jid(call, q.owner, &q.owner);
	if (r == 0)
		r = vault_file_list(v, &q, call->arena, &f, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o;

		if (q.state < 0 && f[i].state == FILE_IS_SLOT)
			continue;		/* nothing has come */
		o = json_object();
		if (json_array_append_new(items, o) != 0)
			return ERR_NOMEM;
		r = describe(o, &f[i]);
	}
	return r;
}

static int get(struct admin_call *call, struct vault *v, struct vault_file *ret)
{
	struct str text = admin_text(call, "id");
	uint8_t id[VAULT_FILE_ID];
	int r = vault_file_id_parse(text, id);

	if (r == 0)
		r = vault_file_get(v, id, call->arena, ret);
	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "there is no file '%.*s'; `wardroom file list` shows the files", STR_FMT(text));
	return r;
}

static int show_found(json_t *o, const struct vault_file *f)
{
	json_t *list = json_array();
	int r = admin_put(o, "found", list);

	for (size_t i = 0; r == 0 && i < f->n_found; i++) {
		json_t *one = json_object();

		if (f->found[i].fact >= FACT_COUNT)
			continue;
		if (json_array_append_new(list, one) != 0)
			return ERR_NOMEM;
		r = admin_put(one, "fact", json_string(file_fact_name(f->found[i].fact)));
		if (r == 0)
			r = admin_put(one, "class", json_string(file_fact_key(f->found[i].fact)));
		if (r == 0)
			r = admin_put(one, "means", json_string(file_fact_text(f->found[i].fact)));
		if (r == 0)
			r = admin_put(one, "evidence", admin_json_str(f->found[i].evidence));
	}
	return r;
}

static int show_clean(json_t *o, const struct vault_file *f)
{
	json_t *clean = json_object();
	int r = admin_put(o, "clean", clean);

	if (r == 0)
		r = admin_put(clean, "size", json_integer((json_int_t)f->clean.size));
	if (r == 0)
		r = admin_put(clean, "type", admin_json_str(f->clean.type));
	if (r == 0)
		r = admin_put(clean, "sha256", json_digest(f->clean.sha256));
	return r < 0 ? r : admin_put(clean, "removed", json_facts(f->removed));
}

static int show_story(json_t *o, const struct vault_file *f)
{
	json_t *list = json_array();
	int r = admin_put(o, "story", list);

	for (size_t i = 0; r == 0 && i < f->n_story; i++) {
		json_t *one = json_object();

		if (json_array_append_new(list, one) != 0)
			return ERR_NOMEM;
		r = admin_put(one, "when", admin_json_time(f->story[i].when_ms));
		if (r == 0)
			r = admin_put(one, "by", admin_json_str(f->story[i].by));
		if (r == 0)
			r = admin_put(one, "what", admin_json_str(f->story[i].what));
	}
	return r;
}

static int show_seen(struct admin_call *call, struct vault *v, const struct vault_file *f, enum vault_file_seen_kind kind, const char *key)
{
	struct vault_file_seen *seen;
	json_t *list = json_array();
	size_t n = 0;
	int r = admin_put(call->reply, key, list);

	if (r == 0)
		r = vault_file_seen_list(v, f->id, kind, SEEN_MAX, call->arena, &seen, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *one = json_object();

		if (json_array_append_new(list, one) != 0)
			return ERR_NOMEM;
		r = admin_put(one, "who", admin_json_str(seen[i].who));
		if (r == 0)
			r = admin_put(one, kind == FILE_SENT ? "by" : "address", admin_json_str(seen[i].address));
		if (r == 0)
			r = admin_put(one, "first", admin_json_time(seen[i].first_ms));
		if (r == 0)
			r = admin_put(one, "last", admin_json_time(seen[i].last_ms));
		if (r == 0)
			r = admin_put(one, "times", json_integer((json_int_t)seen[i].times));
	}
	return r;
}

/* Never the link itself: who has it can load the file. */
static int show(struct admin_call *call, struct vault *v)
{
	struct vault_file f;
	json_t *o = call->reply;
	int r = get(call, v, &f);

	if (r == 0)
		r = describe(o, &f);
	if (r == 0)
		r = admin_put(o, "declared_type", admin_json_str(f.declared));
	if (r == 0 && f.scanned_ms)
		r = admin_put(o, "sha256", json_digest(f.original.sha256));
	if (r == 0 && f.tlsh.n)
		r = admin_put(o, "tlsh", admin_json_str(f.tlsh));
	if (r == 0)
		r = admin_put(o, "scanned", f.scanned_ms ? admin_json_time(f.scanned_ms) : json_null());
	if (r == 0 && f.expires_ms)
		r = admin_put(o, "expires", admin_json_time(f.expires_ms));
	if (r == 0)
		r = show_found(o, &f);
	if (r == 0 && has_clean(&f))
		r = show_clean(o, &f);
	if (r == 0)
		r = show_story(o, &f);
	if (r == 0)
		r = show_seen(call, v, &f, FILE_SENT, "sent_to");
	return r < 0 ? r : show_seen(call, v, &f, FILE_LOADED, "downloads");
}

/* --- deciding --------------------------------------------------------------------------------------------------------------- */

static int not_released(struct admin_call *call, const struct vault_file *f)
{
	switch (f->state) {
	case FILE_IS_SLOT:
	case FILE_IS_PENDING:
		return admin_why(call, ERR_CONFLICT, "nobody has looked at this file yet; it is decided on by itself");
	case FILE_IS_SERVED:
	case FILE_IS_CLEANED:
		return admin_why(call, ERR_CONFLICT, "this file can be downloaded already");
	case FILE_IS_EXPIRED:
		return admin_why(call, ERR_CONFLICT, "this file has expired: its bytes are gone");
	case FILE_IS_HELD:
	case FILE_IS_REFUSED:
	case FILE_IS_REVOKED:
	case FILE_STATES:
		break;
	}
	return f->scanned_ms ? 0 : admin_why(call, ERR_CONFLICT, "this file was never looked at to the end; `wardroom file rescan` has it looked at");
}

/* Messages that were not delivered because of this file, by the sentence that core/file_wait.c ended them with: they go with it. */
static int release_messages(struct admin_call *call, struct vault *v, const struct vault_file *f)
{
	struct str begins = arena_printf(call->arena, "The file %.*s is held:", STR_FMT(f->name));
	json_t *ids = json_array();
	struct vault_held *held;
	size_t n = 0;
	int r = admin_put(call->reply, "messages", ids);

	if (r == 0)
		r = begins.p ? vault_held_list(v, f->owner, HELD_REJECTED, LIST_MAX, call->arena, &held, &n) : ERR_NOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		char *id;

		if (!str_starts(held[i].reason, begins) || str_find(held[i].stanza, f->token) < 0)
			continue;
		held[i].state = HELD_RELEASED;
		id = arena_alloc(call->arena, VAULT_ID_TEXT);
		r = id ? vault_held_put(v, &held[i]) : ERR_NOMEM;
		if (r < 0)
			break;
		vault_id_text(held[i].id, id);
		json_array_append_new(ids, json_string(id));
		r = admin_effect(call, EFFECT_HELD_RELEASED, str_of(id));
	}
	return r;
}

/* The cleaned copy where there is one; the original when that is asked for. */
static int release(struct admin_call *call, struct vault *v)
{
	bool original = json_is_true(json_object_get(call->args, "original"));
	struct str reason = admin_text(call, "reason");
	struct vault_file f;
	int r = get(call, v, &f);

	if (r == 0)
		r = not_released(call, &f);
	if (r == 0)
		r = vault_file_settle(v, f.id, !original && has_clean(&f) ? FILE_IS_CLEANED : FILE_IS_SERVED, clock_wall_ms(), STR("operator"), reason,
				      call->arena, &f);
	if (r == ERR_CONFLICT)
		return str_empty(call->why) ? admin_why(call, r, "this file cannot be released as it is") : r;
	if (r == 0)
		r = describe(call->reply, &f);
	if (r == 0)
		r = admin_effect(call, EFFECT_FILE, admin_text(call, "id"));
	return r < 0 ? r : release_messages(call, v, &f);
}

static bool has_bytes(const struct vault_file *f)
{
	return f->state != FILE_IS_SLOT && f->state != FILE_IS_EXPIRED;
}

static int rescan_one(struct admin_call *call, struct vault *v)
{
	struct vault_file f;
	int r = get(call, v, &f);

	if (r == 0 && !has_bytes(&f))
		return admin_why(call, ERR_CONFLICT, "there are no bytes of this file to be looked at");
	f.scan_version = 0;		/* of no version: looked at again also when no server runs now */
	if (r == 0)
		r = vault_file_tell(&f, call->arena, clock_wall_ms(), STR("operator"), STR("to be looked at again"));
	if (r == 0)
		r = vault_file_put(v, &f);
	if (r == 0)
		r = admin_put(call->reply, "queued", json_integer(1));
	return r < 0 ? r : admin_effect(call, EFFECT_FILE_RESCAN, admin_text(call, "id"));
}

/* All: what was looked at before now is to be looked at again. */
static int rescan(struct admin_call *call, struct vault *v)
{
	struct str now;
	int r;

	if (admin_text(call, "id").n)
		return rescan_one(call, v);
	now = arena_printf(call->arena, "%llu", (unsigned long long)clock_wall_ms());
	r = now.p ? vault_item_put(v, str_of(call->domain), ITEM_FILES, STR("rescan"), now) : ERR_NOMEM;
	if (r == 0)
		r = admin_put(call->reply, "queued", json_string("all"));
	return r < 0 ? r : admin_effect(call, EFFECT_FILE_RESCAN, STR_NONE);
}

const struct admin_command admin_file_commands[] = {
	{ "file list", list, true }, { "file show", show, true }, { "file release", release, true }, { "file rescan", rescan, true }, { 0 },
};
