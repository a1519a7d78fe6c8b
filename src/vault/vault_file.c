/* vault_file.c - see vault_file.h.
 *
 * A row of the table file is found by its id; everything else finds ids in file_index, whose keys begin with what they are for:
 *   a created id            all, in order of time
 *   o owner created id      an account's; its value says what the other keys of the file are, so that they go without the row being opened
 *   s state created id      of one state
 *   e expires id            whose time comes
 *   d digest-tag id         by what is in them
 *   x id                    orphans: bytes in the spool that have no row any more
 * Owner and digest stand there as keyed tags.
 */
#include "vault/vault_file.h"

#include <openssl/evp.h>

#include "base/clock.h"
#include "vault/vault_row.h"

#define FORMAT 1
#define DAY_MS (24ull * 3600 * 1000)
#define LOOK_ARENA (256 * 1024)			/* one row, opened */

static const char *const state_names[FILE_STATES] = {
	[FILE_IS_SLOT] = "slot", [FILE_IS_PENDING] = "pending", [FILE_IS_SERVED] = "served", [FILE_IS_CLEANED] = "cleaned",
	[FILE_IS_HELD] = "held", [FILE_IS_REFUSED] = "refused", [FILE_IS_REVOKED] = "revoked", [FILE_IS_EXPIRED] = "expired",
};

/* What the index says of one file: the value of its key 'o'. */
struct place {
	uint64_t owner, created;
	uint32_t state;
	uint64_t expires, digest[2];		/* digest 0: none */
};

/* --- names ------------------------------------------------------------------------------------------------------------ */

const char *vault_file_state_name(enum vault_file_state s)
{
	return s < FILE_STATES ? state_names[s] : "?";
}

static bool is_hex(struct str s, size_t n)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n == n;
}

bool vault_file_id(struct str token, uint8_t ret[VAULT_FILE_ID])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!is_hex(token, VAULT_FILE_TOKEN) || !EVP_Digest(token.p, token.n, digest, &n, EVP_sha256(), NULL) || n < VAULT_FILE_ID)
		return false;
	memcpy(ret, digest, VAULT_FILE_ID);
	return true;
}

void vault_file_id_text(const uint8_t id[VAULT_FILE_ID], char ret[VAULT_FILE_ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < VAULT_FILE_ID; i++) {
		ret[2 * i] = digits[id[i] >> 4];
		ret[2 * i + 1] = digits[id[i] & 15];
	}
	ret[2 * VAULT_FILE_ID] = '\0';
}

static uint8_t digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

int vault_file_id_parse(struct str text, uint8_t ret[VAULT_FILE_ID])
{
	if (!is_hex(text, 2 * VAULT_FILE_ID))
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < VAULT_FILE_ID; i++)
		ret[i] = (uint8_t)(digit(text.p[2 * i]) << 4 | digit(text.p[2 * i + 1]));
	return 0;
}

static struct str id_str(const uint8_t id[VAULT_FILE_ID])
{
	return str_make((const char *)id, VAULT_FILE_ID);
}

/* --- the index -------------------------------------------------------------------------------------------------------- */

static void add_id(struct vault_key *k, const uint8_t id[VAULT_FILE_ID])
{
	memcpy(k->p + k->n, id, VAULT_FILE_ID);
	k->n += VAULT_FILE_ID;
}

/* use, up to two numbers, id. */
static struct vault_key index_key(char use, uint64_t first, uint64_t second, const uint8_t id[VAULT_FILE_ID])
{
	struct vault_key k = { 0 };

	k.p[k.n++] = (uint8_t)use;
	if (use == 's')
		k.p[k.n++] = (uint8_t)first;
	else if (use != 'x')
		vault_key_u64(&k, first);
	if (use == 's' || use == 'o')
		vault_key_u64(&k, second);
	if (id)
		add_id(&k, id);
	return k;
}

static int put_index(struct vault *v, char use, uint64_t first, uint64_t second, const uint8_t id[VAULT_FILE_ID], struct str value)
{
	struct vault_key k = index_key(use, first, second, id);

	return vault_row_put_plain(v, STORE_TABLE_file_index, vault_key_str(&k), 0, value);
}

static int drop_index(struct vault *v, char use, uint64_t first, uint64_t second, const uint8_t id[VAULT_FILE_ID])
{
	struct vault_key k = index_key(use, first, second, id);

	return vault_row_remove_one(v, STORE_TABLE_file_index, vault_key_str(&k));
}

static uint64_t digest_tag(struct vault *v, const uint8_t digest[VAULT_FILE_DIGEST])
{
	return vault_row_tag(v, 'D', 0, str_make((const char *)digest, VAULT_FILE_DIGEST));
}

static struct place place_of(struct vault *v, const struct vault_file *f)
{
	struct place p = { .owner = vault_row_owner(v, f->owner), .created = f->created_ms, .state = f->state, .expires = f->expires_ms };

	if (f->state != FILE_IS_SLOT && f->original.size)
		p.digest[0] = digest_tag(v, f->original.sha256);
	if (f->clean.size)
		p.digest[1] = digest_tag(v, f->clean.sha256);
	return p;
}

static int read_place(struct vault *v, uint64_t owner, uint64_t created, const uint8_t id[VAULT_FILE_ID], struct place *ret)
{
	struct vault_key k = index_key('o', owner, created, id);
	struct store_row row;
	struct vault_unpack u;
	int r;

	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_file_index, vault_key_str(&k), v->tmp, &row);
	if (r < 0)
		return r;
	u = (struct vault_unpack){ .rest = row.value };
	*ret = (struct place){ .owner = owner, .created = created, .state = vault_unpack_u32(&u), .expires = vault_unpack_u64(&u),
			       .digest[0] = vault_unpack_u64(&u), .digest[1] = vault_unpack_u64(&u) };
	return vault_unpack_end(&u);
}

/* The keys that hang on what may change. */
static int drop_changing(struct vault *v, const struct place *p, const uint8_t id[VAULT_FILE_ID])
{
	int r = drop_index(v, 's', p->state, p->created, id);

	if (r == 0)
		r = drop_index(v, 'e', p->expires, 0, id);
	for (unsigned i = 0; i < 2 && r == 0; i++)
		if (p->digest[i])
			r = drop_index(v, 'd', p->digest[i], 0, id);
	return r;
}

static int put_place(struct vault *v, const struct place *p, const uint8_t id[VAULT_FILE_ID])
{
	struct buf b;
	int r;

	buf_init(&b, 64);
	vault_pack_u32(&b, p->state);
	vault_pack_u64(&b, p->expires);
	vault_pack_u64(&b, p->digest[0]);
	vault_pack_u64(&b, p->digest[1]);
	r = b.failed ? ERR_NOMEM : put_index(v, 'o', p->owner, p->created, id, buf_str(&b));
	buf_release(&b);
	if (r == 0)
		r = put_index(v, 'a', p->created, 0, id, STR_NONE);
	if (r == 0)
		r = put_index(v, 's', p->state, p->created, id, STR_NONE);
	if (r == 0)
		r = put_index(v, 'e', p->expires, 0, id, STR_NONE);
	for (unsigned i = 0; i < 2 && r == 0; i++)
		if (p->digest[i])
			r = put_index(v, 'd', p->digest[i], 0, id, STR_NONE);
	return r;
}

/* Row, index and who has it: nothing is left but, when it may have bytes, the orphan. */
static int drop_file(struct vault *v, const struct place *p, const uint8_t id[VAULT_FILE_ID])
{
	int r = drop_changing(v, p, id);

	if (r == 0)
		r = drop_index(v, 'a', p->created, 0, id);
	if (r == 0)
		r = drop_index(v, 'o', p->owner, p->created, id);
	if (r == 0)
		r = vault_row_remove_prefix(v, STORE_TABLE_file_seen, id_str(id), false);
	if (r == 0)
		r = vault_row_erase_one(v, STORE_TABLE_file, id_str(id));
	return r == 0 && p->state != FILE_IS_EXPIRED ? put_index(v, 'x', 0, 0, id, STR_NONE) : r;
}

/* --- a row ------------------------------------------------------------------------------------------------------------ */

static void pack_copy(struct buf *b, const struct vault_file_copy *c)
{
	vault_pack_u64(b, c->size);
	vault_pack_str(b, c->type);
	buf_add(b, c->sha256, sizeof(c->sha256));
	buf_add(b, c->key, sizeof(c->key));
}

static void unpack_copy(struct vault_unpack *u, struct vault_file_copy *c)
{
	struct str sha256, key;

	c->size = vault_unpack_u64(u);
	c->type = vault_unpack_str(u);
	sha256 = vault_unpack_bytes(u, sizeof(c->sha256));
	key = vault_unpack_bytes(u, sizeof(c->key));
	if (u->bad)
		return;
	memcpy(c->sha256, sha256.p, sizeof(c->sha256));
	memcpy(c->key, key.p, sizeof(c->key));
}

static void pack(struct buf *b, const struct vault_file *f)
{
	vault_pack_u32(b, FORMAT);
	vault_pack_u32(b, f->state);
	vault_pack_u64(b, f->created_ms);
	vault_pack_u64(b, f->expires_ms);
	vault_pack_u64(b, f->until_ms);
	vault_pack_str(b, f->owner);
	vault_pack_str(b, f->token);
	vault_pack_str(b, f->name);
	vault_pack_str(b, f->declared);
	pack_copy(b, &f->original);
	pack_copy(b, &f->clean);
	vault_pack_str(b, f->clean_suffix);
	vault_pack_str(b, f->tlsh);
	vault_pack_u64(b, f->facts);
	vault_pack_u64(b, f->removed);
	vault_pack_u64(b, f->scan_version);
	vault_pack_u64(b, f->scanned_ms);
	vault_pack_str(b, f->why);
	vault_pack_str(b, f->rule);
	vault_pack_u32(b, (uint32_t)f->n_found);
	for (size_t i = 0; i < f->n_found; i++) {
		vault_pack_u32(b, f->found[i].fact);
		vault_pack_str(b, f->found[i].evidence);
	}
	vault_pack_u32(b, (uint32_t)f->n_story);
	for (size_t i = 0; i < f->n_story; i++) {
		vault_pack_u64(b, f->story[i].when_ms);
		vault_pack_str(b, f->story[i].by);
		vault_pack_str(b, f->story[i].what);
	}
}

static int unpack_lists(struct vault_unpack *u, struct arena *a, struct vault_file *f)
{
	uint32_t n = vault_unpack_u32(u);

	if (u->bad || n > VAULT_FILE_FOUND)
		return ERR_CORRUPT;
	f->n_found = n;
	f->found = arena_alloc(a, (n + 1) * sizeof(*f->found));
	for (uint32_t i = 0; f->found && i < n; i++) {
		f->found[i].fact = (uint8_t)vault_unpack_u32(u);
		f->found[i].evidence = vault_unpack_str(u);
	}
	n = vault_unpack_u32(u);
	if (u->bad || n > VAULT_FILE_STORY)
		return ERR_CORRUPT;
	f->n_story = n;
	f->story = arena_alloc(a, (n + 1) * sizeof(*f->story));
	if (!f->found || !f->story)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		f->story[i].when_ms = vault_unpack_u64(u);
		f->story[i].by = vault_unpack_str(u);
		f->story[i].what = vault_unpack_str(u);
	}
	return vault_unpack_end(u);
}

static int unpack(struct str plain, struct arena *a, struct vault_file *ret)
{
	struct vault_unpack u = { .rest = plain };
	struct vault_file f = *ret;
	uint32_t format = vault_unpack_u32(&u), state = vault_unpack_u32(&u);
	int r;

	f.created_ms = vault_unpack_u64(&u);
	f.expires_ms = vault_unpack_u64(&u);
	f.until_ms = vault_unpack_u64(&u);
	f.owner = vault_unpack_str(&u);
	f.token = vault_unpack_str(&u);
	f.name = vault_unpack_str(&u);
	f.declared = vault_unpack_str(&u);
	unpack_copy(&u, &f.original);
	unpack_copy(&u, &f.clean);
	f.clean_suffix = vault_unpack_str(&u);
	f.tlsh = vault_unpack_str(&u);
	f.facts = vault_unpack_u64(&u);
	f.removed = vault_unpack_u64(&u);
	f.scan_version = vault_unpack_u64(&u);
	f.scanned_ms = vault_unpack_u64(&u);
	f.why = vault_unpack_str(&u);
	f.rule = vault_unpack_str(&u);
	if (u.bad || format != FORMAT || state >= FILE_STATES)
		return ERR_CORRUPT;
	f.state = (enum vault_file_state)state;
	r = unpack_lists(&u, a, &f);
	if (r == 0)
		*ret = f;
	return r;
}

static int open_row(struct vault *v, const struct store_row *row, struct arena *a, struct vault_file *ret)
{
	struct vault_file f = { 0 };
	struct str plain;
	int r = row->key.n == VAULT_FILE_ID ? 0 : ERR_CORRUPT;

	if (r == 0)
		r = vault_row_open(v, STORE_TABLE_file, row->key, row->tag, row->value, a, &plain);
	if (r < 0)
		return r;
	memcpy(f.id, row->key.p, VAULT_FILE_ID);
	r = unpack(plain, a, &f);
	if (r == 0)
		*ret = f;
	return r;
}

int vault_file_get(struct vault *v, const uint8_t id[VAULT_FILE_ID], struct arena *a, struct vault_file *ret)
{
	struct store_row row;
	int r = store_get(v->store, STORE_TABLE_file, id_str(id), a, &row);

	return r < 0 ? r : open_row(v, &row, a, ret);
}

/* ERR_LIMIT when there is no room for one more. */
static int check_room(struct vault *v, uint64_t owner)
{
	struct vault_key k = index_key('o', owner, 0, NULL);
	uint8_t after[9];
	struct store_range range = { .table = STORE_TABLE_file_index, .max = VAULT_FILES_OWNER };
	uint64_t n = 0;
	int r;

	range.from = str_make((const char *)k.p, 9);
	if (store_key_after(range.from, after))
		range.to = str_make((const char *)after, 9);
	r = store_count(v->store, &range, &n);
	return r < 0 ? r : n >= VAULT_FILES_OWNER ? ERR_LIMIT : 0;
}

int vault_file_put(struct vault *v, const struct vault_file *f)
{
	struct place now = place_of(v, f), before;
	struct buf *b;
	int r = read_place(v, now.owner, now.created, f->id, &before);

	if (f->n_found > VAULT_FILE_FOUND || f->n_story > VAULT_FILE_STORY)
		return ERR_LIMIT;
	if (r == 0)
		r = drop_changing(v, &before, f->id);
	else if (r == ERR_NOT_FOUND)
		r = check_room(v, now.owner);
	if (r == 0)
		r = put_place(v, &now, f->id);
	if (r < 0)
		return r;
	b = vault_row_pack(v);
	pack(b, f);
	if (b->failed)
		return ERR_LIMIT;
	return vault_row_put(v, STORE_TABLE_file, id_str(f->id), now.owner, now.owner, clock_month(f->created_ms), buf_str(b));
}

int vault_file_tell(struct vault_file *f, struct arena *a, uint64_t when_ms, struct str by, struct str what)
{
	bool full = f->n_story == VAULT_FILE_STORY;
	struct vault_file_event *grown = arena_alloc(a, (f->n_story + 1) * sizeof(*grown));

	if (!grown)
		return ERR_LIMIT;
	if (f->n_story)
		memcpy(grown, f->story, f->n_story * sizeof(*grown));
	if (full)
		memmove(grown + 1, grown + 2, (VAULT_FILE_STORY - 2) * sizeof(*grown));
	else
		f->n_story++;
	grown[f->n_story - 1] = (struct vault_file_event){ .when_ms = when_ms, .by = by, .what = what };
	f->story = grown;
	return 0;
}

static bool may_settle(const struct vault_file *f, enum vault_file_state to)
{
	bool there = f->state != FILE_IS_SLOT && f->state != FILE_IS_EXPIRED;
	bool stopped = f->state == FILE_IS_HELD || f->state == FILE_IS_REFUSED || f->state == FILE_IS_REVOKED;

	switch (to) {
	case FILE_IS_SERVED:
		return stopped && f->scanned_ms;
	case FILE_IS_CLEANED:
		return stopped && f->scanned_ms && f->clean.size;
	case FILE_IS_HELD:
	case FILE_IS_REFUSED:
	case FILE_IS_REVOKED:
		return there && f->state != to;
	case FILE_IS_SLOT:
	case FILE_IS_PENDING:
	case FILE_IS_EXPIRED:
	case FILE_STATES:
		break;
	}
	return false;
}

int vault_file_settle(struct vault *v, const uint8_t id[VAULT_FILE_ID], enum vault_file_state state, uint64_t when_ms, struct str by,
		      struct str why, struct arena *a, struct vault_file *ret)
{
	struct vault_file f;
	struct str what;
	int r = vault_file_get(v, id, a, &f);

	if (r < 0)
		return r;
	if (!may_settle(&f, state))
		return ERR_CONFLICT;
	what = arena_printf(a, "%s%s%.*s", vault_file_state_name(state), why.n ? ": " : "", STR_FMT(why));
	if (!what.p)
		return ERR_LIMIT;
	f.state = state;
	f.why = state == FILE_IS_SERVED || state == FILE_IS_CLEANED ? STR_NONE : why.n ? why : f.why;
	r = vault_file_tell(&f, a, when_ms, by, what);
	if (r == 0)
		r = vault_file_put(v, &f);
	if (r == 0)
		*ret = f;
	return r;
}

/* --- lists ------------------------------------------------------------------------------------------------------------ */

/* Keys of the index that begin with 'from', without their last n bytes of it counting for the end. */
struct span {
	struct vault_key from;
	uint8_t to[40];
	struct store_range range;
};

static void span_of(struct span *s, struct vault_key prefix, size_t max, bool backward)
{
	*s = (struct span){ .from = prefix, .range = { .table = STORE_TABLE_file_index, .max = max, .backward = backward } };
	s->range.from = vault_key_str(&s->from);
	if (store_key_after(s->range.from, s->to))
		s->range.to = str_make((const char *)s->to, s->from.n);
}

static const uint8_t *id_of(const struct store_row *row)
{
	return (const uint8_t *)row->key.p + (row->key.n - VAULT_FILE_ID);
}

static int open_all(struct vault *v, const struct vault_rows *rows, struct arena *a, struct vault_file **ret, size_t *ret_n)
{
	struct vault_file *list = arena_alloc(a, (rows->n + 1) * sizeof(*list));
	size_t n = 0;

	if (!list)
		return ERR_LIMIT;
	for (size_t i = 0; i < rows->n; i++) {
		int r = vault_file_get(v, id_of(&rows->v[i]), a, &list[n]);

		if (r < 0 && r != ERR_NOT_FOUND)
			return r;
		n += r == 0;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

/* A file of one owner and one state: among his. */
static int keep_state(struct vault_file *list, size_t *n, int state, size_t max)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n && kept < max; i++)
		if (state < 0 || (int)list[i].state == state)
			list[kept++] = list[i];
	*n = kept;
	return 0;
}

int vault_file_list(struct vault *v, const struct vault_file_query *q, struct arena *a, struct vault_file **ret, size_t *ret_n)
{
	bool both = q->owner.n && q->state >= 0;
	struct vault_key k = { 0 }, end;
	struct vault_rows rows;
	struct span s;
	int r;

	if (q->owner.n) {
		k.p[k.n++] = 'o';
		vault_key_u64(&k, vault_row_owner(v, q->owner));
	} else if (q->state >= 0) {
		k.p[k.n++] = 's';
		k.p[k.n++] = (uint8_t)q->state;
	} else {
		k.p[k.n++] = 'a';
	}
	span_of(&s, k, both ? VAULT_FILES_OWNER : q->max, true);
	end = k;
	if (q->before_ms) {
		vault_key_u64(&end, q->before_ms);
		s.range.to = vault_key_str(&end);
	}
	r = vault_row_collect(v, &s.range, a, &rows);
	if (r == 0)
		r = open_all(v, &rows, a, ret, ret_n);
	return r < 0 ? r : keep_state(*ret, ret_n, q->state, q->max);
}

int vault_file_by_digest(struct vault *v, const uint8_t sha256[VAULT_FILE_DIGEST], size_t max, struct arena *a, struct vault_file **ret, size_t *ret_n)
{
	struct vault_rows rows;
	struct span s;
	size_t n = 0;
	int r;

	span_of(&s, index_key('d', digest_tag(v, sha256), 0, NULL), max, false);
	r = vault_row_collect(v, &s.range, a, &rows);
	if (r == 0)
		r = open_all(v, &rows, a, ret, ret_n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < *ret_n; i++)	/* two digests with one tag: 2^-64 */
		if (memcmp((*ret)[i].original.sha256, sha256, VAULT_FILE_DIGEST) == 0 || memcmp((*ret)[i].clean.sha256, sha256, VAULT_FILE_DIGEST) == 0)
			(*ret)[n++] = (*ret)[i];
	*ret_n = n;
	return 0;
}

int vault_file_next(struct vault *v, const uint8_t after[VAULT_FILE_ID], struct arena *a, struct vault_file *ret)
{
	static const uint8_t none[VAULT_FILE_ID];
	char from[VAULT_FILE_ID + 1] = { 0 };

	memcpy(from, after, VAULT_FILE_ID);
	for (bool first = memcmp(after, none, VAULT_FILE_ID) == 0;; first = false) {
		struct store_range range = { .table = STORE_TABLE_file, .from = str_make(from, first ? 0 : sizeof(from)), .max = 1 };
		struct vault_rows rows;
		int r = vault_row_collect(v, &range, a, &rows);

		if (r < 0 || rows.n == 0)
			return r < 0 ? r : ERR_NOT_FOUND;
		r = open_row(v, &rows.v[0], a, ret);
		if (r != ERR_NOT_FOUND || rows.v[0].key.n != VAULT_FILE_ID)
			return r;
		memcpy(from, rows.v[0].key.p, VAULT_FILE_ID);
	}
}

/* --- who has it ------------------------------------------------------------------------------------------------------- */

static uint64_t seen_tag(struct vault *v, enum vault_file_seen_kind kind, struct str who, struct str address)
{
	char text[LIMIT_JID + 256];
	size_t n = who.n < LIMIT_JID ? who.n : LIMIT_JID, m = kind == FILE_LOADED ? address.n : 0;

	if (n)
		memcpy(text, who.p, n);
	text[n++] = '\n';
	m = m < 200 ? m : 200;
	if (m)
		memcpy(text + n, address.p, m);
	return vault_row_tag(v, 'F', (uint64_t)kind + 1, str_make(text, n + m));
}

static struct vault_key seen_key(const uint8_t id[VAULT_FILE_ID], enum vault_file_seen_kind kind)
{
	struct vault_key k = { 0 };

	add_id(&k, id);
	k.p[k.n++] = (uint8_t)kind;
	return k;
}

static int unpack_seen(struct str plain, enum vault_file_seen_kind kind, struct vault_file_seen *ret)
{
	struct vault_unpack u = { .rest = plain };
	struct vault_file_seen s = { .kind = kind, .who = vault_unpack_str(&u) };
	int r;

	s.address = vault_unpack_str(&u);
	s.first_ms = vault_unpack_u64(&u);
	s.last_ms = vault_unpack_u64(&u);
	s.times = vault_unpack_u64(&u);
	r = vault_unpack_end(&u);
	if (r == 0)
		*ret = s;
	return r;
}

/* The row that is there, or the one in which all are counted that are too many. */
static int find_seen(struct vault *v, const uint8_t id[VAULT_FILE_ID], uint64_t owner, const struct vault_file_seen *seen, struct arena *a,
		     struct vault_key *ret_key, struct vault_file_seen *ret)
{
	struct vault_key prefix = seen_key(id, seen->kind), k = prefix;
	struct span s;
	struct str plain;
	uint64_t n = 0;
	int r;

	vault_key_u64(&k, seen_tag(v, seen->kind, seen->who, seen->address));
	*ret_key = k;
	r = vault_row_get(v, STORE_TABLE_file_seen, vault_key_str(&k), owner, a, &plain);
	if (r == 0)
		return unpack_seen(plain, seen->kind, ret);
	span_of(&s, prefix, VAULT_FILE_SEEN, false);
	s.range.table = STORE_TABLE_file_seen;
	if (r == ERR_NOT_FOUND)
		r = store_count(v->store, &s.range, &n);
	*ret = *seen;
	ret->first_ms = seen->last_ms;
	ret->times = 0;
	if (r < 0 || n < VAULT_FILE_SEEN)
		return r;
	k = prefix;
	vault_key_u64(&k, 0);		/* which is no tag */
	*ret_key = k;
	ret->who = ret->address = STR_NONE;
	r = vault_row_get(v, STORE_TABLE_file_seen, vault_key_str(&k), owner, a, &plain);
	return r == 0 ? unpack_seen(plain, seen->kind, ret) : r == ERR_NOT_FOUND ? 0 : r;
}

/* Owner and month of the row: what belongs to a file is sealed as the file is. */
static int key_of_file(struct vault *v, const uint8_t id[VAULT_FILE_ID], struct arena *a, uint64_t *ret_owner, uint32_t *ret_month)
{
	struct store_row row;
	struct vault_unpack u;
	int r = store_get(v->store, STORE_TABLE_file, id_str(id), a, &row);

	if (r < 0)
		return r;
	u = (struct vault_unpack){ .rest = row.value };
	*ret_month = vault_unpack_u32(&u);
	*ret_owner = row.tag;
	return u.bad ? ERR_CORRUPT : 0;
}

int vault_file_seen_add(struct vault *v, const uint8_t id[VAULT_FILE_ID], const struct vault_file_seen *seen)
{
	struct arena *a = arena_new(LOOK_ARENA);
	struct vault_file_seen s;
	struct vault_key k;
	struct buf *b;
	uint64_t owner;
	uint32_t month;
	int r = a ? key_of_file(v, id, a, &owner, &month) : ERR_NOMEM;

	if (r == 0)
		r = find_seen(v, id, owner, seen, a, &k, &s);
	if (r == 0) {
		b = vault_row_pack(v);
		vault_pack_str(b, s.who);
		vault_pack_str(b, seen->kind == FILE_SENT && s.who.n ? seen->address : s.address);
		vault_pack_u64(b, s.first_ms);
		vault_pack_u64(b, seen->last_ms);
		vault_pack_u64(b, s.times + 1);
		r = b->failed ? ERR_LIMIT : vault_row_put(v, STORE_TABLE_file_seen, vault_key_str(&k), 0, owner, month, buf_str(b));
	}
	arena_free(&a);
	return r;
}

int vault_file_seen_list(struct vault *v, const uint8_t id[VAULT_FILE_ID], enum vault_file_seen_kind kind, size_t max, struct arena *a,
			 struct vault_file_seen **ret, size_t *ret_n)
{
	struct vault_file_seen *list;
	struct vault_rows rows;
	struct span s;
	uint64_t owner;
	uint32_t month;
	int r = key_of_file(v, id, a, &owner, &month);

	span_of(&s, seen_key(id, kind), max, false);
	s.range.table = STORE_TABLE_file_seen;
	if (r == 0)
		r = vault_row_collect(v, &s.range, a, &rows);
	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n && r == 0; i++) {
		struct str plain;

		r = vault_row_open(v, STORE_TABLE_file_seen, rows.v[i].key, owner, rows.v[i].value, a, &plain);
		if (r == 0)
			r = unpack_seen(plain, kind, &list[i]);
	}
	if (r < 0)
		return r;
	*ret = list;
	*ret_n = rows.n;
	return 0;
}

int vault_file_was_sent(struct vault *v, const uint8_t id[VAULT_FILE_ID], struct str who, bool *ret)
{
	struct vault_key k = seen_key(id, FILE_SENT);
	struct store_row row;
	int r;

	vault_key_u64(&k, seen_tag(v, FILE_SENT, who, STR_NONE));
	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_file_seen, vault_key_str(&k), v->tmp, &row);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	*ret = r == 0;
	return 0;
}

/* --- quota ------------------------------------------------------------------------------------------------------------ */

int vault_file_used(struct vault *v, struct str owner, uint64_t now_ms, struct vault_file_used *ret)
{
	struct vault_file_used used = { .day = now_ms / DAY_MS }, was = { 0 };
	struct arena *a = arena_new(4096);
	struct vault_unpack u = { 0 };
	int r = a ? vault_item_get(v, owner, ITEM_FILES, STR("quota"), a, &u.rest) : ERR_NOMEM;

	if (r == 0) {
		was = (struct vault_file_used){ .day = vault_unpack_u64(&u), .bytes = vault_unpack_u64(&u), .files = vault_unpack_u64(&u) };
		r = vault_unpack_end(&u);
	}
	arena_free(&a);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	*ret = r == 0 && was.day == used.day ? was : used;
	return 0;
}

int vault_file_use(struct vault *v, struct str owner, uint64_t now_ms, uint64_t bytes, uint64_t per_day)
{
	struct vault_file_used used;
	struct buf b;
	int r = vault_file_used(v, owner, now_ms, &used);

	if (r < 0)
		return r;
	if (per_day && (bytes > per_day || used.bytes > per_day - bytes))
		return ERR_LIMIT;
	buf_init(&b, 64);
	vault_pack_u64(&b, used.day);
	vault_pack_u64(&b, used.bytes + bytes);
	vault_pack_u64(&b, used.files + 1);
	r = b.failed ? ERR_NOMEM : vault_item_put(v, owner, ITEM_FILES, STR("quota"), buf_str(&b));
	buf_release(&b);
	return r;
}

/* --- expiry ----------------------------------------------------------------------------------------------------------- */

static int ids_of(const struct vault_rows *rows, struct arena *a, struct vault_file_ids *ret)
{
	uint8_t (*list)[VAULT_FILE_ID] = arena_alloc(a, (rows->n + 1) * VAULT_FILE_ID);

	if (!list)
		return ERR_LIMIT;
	for (size_t i = 0; i < rows->n; i++)
		memcpy(list[i], id_of(&rows->v[i]), VAULT_FILE_ID);
	*ret = (struct vault_file_ids){ .v = list, .n = rows->n };
	return 0;
}

int vault_file_due(struct vault *v, uint64_t now_ms, size_t max, struct arena *a, struct vault_file_ids *ret)
{
	struct vault_key from = { .p = { 'e' }, .n = 1 }, to = { .p = { 'e' }, .n = 1 };
	struct store_range range = { .table = STORE_TABLE_file_index, .max = max };
	struct vault_rows rows;
	int r;

	vault_key_u64(&to, now_ms + 1);
	range.from = vault_key_str(&from);
	range.to = vault_key_str(&to);
	r = vault_row_collect(v, &range, a, &rows);
	return r < 0 ? r : ids_of(&rows, a, ret);
}

int vault_file_expire(struct vault *v, const uint8_t id[VAULT_FILE_ID], uint64_t now_ms, uint64_t record_until_ms)
{
	struct arena *a = arena_new(LOOK_ARENA);
	struct vault_file f;
	struct place p;
	int r = a ? vault_file_get(v, id, a, &f) : ERR_NOMEM;

	if (r == 0 && (!record_until_ms || f.state == FILE_IS_SLOT || f.state == FILE_IS_EXPIRED)) {
		p = place_of(v, &f);
		r = drop_file(v, &p, id);
	} else if (r == 0) {
		r = vault_file_tell(&f, a, now_ms, STR("server"), STR("its time was over: the bytes are deleted"));
		f.state = FILE_IS_EXPIRED;
		f.expires_ms = record_until_ms;
		f.token = STR_NONE;
		secret_wipe(f.original.key, sizeof(f.original.key));
		secret_wipe(f.clean.key, sizeof(f.clean.key));
		if (r == 0)
			r = vault_row_erase_one(v, STORE_TABLE_file, id_str(id));
		if (r == 0)
			r = vault_file_put(v, &f);
		if (r == 0)
			r = put_index(v, 'x', 0, 0, id, STR_NONE);
	}
	if (a)
		arena_wipe_on_free(a);
	arena_free(&a);
	return r;
}

int vault_file_orphans(struct vault *v, size_t max, struct arena *a, struct vault_file_ids *ret)
{
	struct vault_rows rows;
	struct span s;
	int r;

	span_of(&s, (struct vault_key){ .p = { 'x' }, .n = 1 }, max, false);
	r = vault_row_collect(v, &s.range, a, &rows);
	return r < 0 ? r : ids_of(&rows, a, ret);
}

int vault_file_orphan_gone(struct vault *v, const uint8_t id[VAULT_FILE_ID])
{
	return drop_index(v, 'x', 0, 0, id);
}

int vault_file_forget(struct vault *v, uint64_t owner, uint32_t month)
{
	struct arena *a = arena_new((size_t)VAULT_FILES_OWNER * 512);
	struct vault_rows rows = { 0 };
	struct span s;
	int r = a ? 0 : ERR_NOMEM;

	span_of(&s, index_key('o', owner, 0, NULL), 0, false);
	s.from.n = 9;
	s.range.from = vault_key_str(&s.from);
	s.range.to = store_key_after(s.range.from, s.to) ? str_make((const char *)s.to, 9) : STR_NONE;
	if (r == 0)
		r = vault_row_collect(v, &s.range, a, &rows);
	for (size_t i = 0; i < rows.n && r == 0; i++) {
		const uint8_t *id = id_of(&rows.v[i]);
		uint64_t created = store_number(rows.v[i].key.p + 9);
		struct place p;

		if (month != VAULT_STANDING && clock_month(created) != month)
			continue;
		r = read_place(v, owner, created, id, &p);
		if (r == 0)
			r = drop_file(v, &p, id);
	}
	arena_free(&a);
	return r;
}
