/* vault_audit.c - the record of decisions: sealed entries in a keyed chain under a signed head.
 *
 * mac(n) = HMAC(chain key, mac(n-1), n, time, sealed entry). The head (count, last mac, HMAC under another key)
 * is a row written in the same transaction, and is copied after the commit to data/audit.head and
 * keys/audit.count. A copy is ahead of the database only when the database was set back; it may be
 * behind after power loss, and then its mac must still be the one of that entry. A copy that
 * disagrees at start is never overwritten: it is the evidence.
 *
 * Row value: time (8), mac (32), sealed entry.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "vault/vault_row.h"

#define HEAD_BYTES (8 + SEAL_MAC + SEAL_MAC)
#define ENTRY_HEAD (8 + SEAL_MAC)

static const char head_name[] = "audit.head";

/* --- the head ---------------------------------------------------------------------------------------- */

static void head_make(struct vault *v, const struct vault_chain *c, uint8_t ret[HEAD_BYTES])
{
	struct str part = { (const char *)ret, 8 + SEAL_MAC };

	store_key_number(c->count, ret);
	memcpy(ret + 8, c->mac, SEAL_MAC);
	seal_mac(v->audit.head, &part, 1, ret + 8 + SEAL_MAC);
}

static int head_read(struct vault *v, struct str head, struct vault_chain *ret)
{
	uint8_t want[SEAL_MAC];
	struct str part = { head.p, 8 + SEAL_MAC };

	if (head.n != HEAD_BYTES)
		return ERR_CORRUPT;
	seal_mac(v->audit.head, &part, 1, want);
	if (!secret_eq(want, head.p + 8 + SEAL_MAC, SEAL_MAC))
		return ERR_CORRUPT;
	ret->count = store_number(head.p);
	memcpy(ret->mac, head.p + 8, SEAL_MAC);
	return 0;
}

/* ERR_NOT_FOUND: there is no copy (yet). */
static int head_of_file(struct vault *v, int fd, struct vault_chain *ret)
{
	char bytes[HEAD_BYTES + 1];
	ssize_t n = fd < 0 ? 0 : pread(fd, bytes, sizeof(bytes), 0);

	if (n < 0)
		return ERR_IO;
	if (n == 0)
		return ERR_NOT_FOUND;
	return head_read(v, str_make(bytes, (size_t)n), ret);
}

/* --- one entry --------------------------------------------------------------------------------------- */

struct entry {
	uint64_t seq, when_ms;
	struct str mac, sealed;
};

static int entry_of(const struct store_row *row, struct entry *ret)
{
	struct vault_unpack u = { .rest = row->value };
	struct entry e = { .seq = store_number(row->key.p), .when_ms = vault_unpack_u64(&u) };

	e.mac = vault_unpack_bytes(&u, SEAL_MAC);
	e.sealed = u.rest;
	if (u.bad)
		return ERR_CORRUPT;
	*ret = e;
	return 0;
}

static void entry_mac(struct vault *v, const uint8_t before[SEAL_MAC], const struct entry *e, uint8_t ret[SEAL_MAC])
{
	struct vault_key k = { 0 };
	struct str parts[3] = { { (const char *)before, SEAL_MAC }, { 0 }, e->sealed };

	vault_key_u64(&k, e->seq);
	vault_key_u64(&k, e->when_ms);
	parts[1] = vault_key_str(&k);
	seal_mac(v->audit.entries, parts, ARRAY_SIZE(parts), ret);
}

static int seal_entry(struct vault *v, uint64_t seq, uint32_t month, struct str kind, struct str json)
{
	struct vault_key aad = { 0 };
	struct buf *b = vault_row_pack(v);
	struct seal *s;
	int r = vault_row_key(v, v->purpose[PURPOSE_AUDIT], month, true, &s);

	if (r < 0)
		return r;
	vault_pack_str(b, kind);
	vault_pack_str(b, json);
	buf_clear(&v->sealed);
	vault_pack_u32(&v->sealed, month);
	r = b->failed ? ERR_LIMIT : buf_reserve(&v->sealed, b->n + SEAL_EXTRA);
	if (r < 0)
		return r;
	aad.p[aad.n++] = 'a';
	vault_key_u64(&aad, seq);
	vault_key_u64(&aad, month);
	r = seal_close(s, vault_key_str(&aad), buf_str(b), (uint8_t *)v->sealed.p + v->sealed.n);
	if (r == 0)
		v->sealed.n += b->n + SEAL_EXTRA;
	return r;
}

/* As if it stood at 'seq': verification asks where an entry belongs. */
static int open_entry(struct vault *v, const struct entry *e, uint64_t seq, struct arena *a, struct vault_audit *ret)
{
	struct vault_unpack u = { .rest = e->sealed };
	struct vault_audit out = { .seq = e->seq, .when_ms = e->when_ms };
	uint32_t month = vault_unpack_u32(&u);
	struct vault_key aad = { 0 };
	struct seal *s;
	char *p;
	int r;

	if (u.bad || u.rest.n < SEAL_EXTRA)
		return ERR_CORRUPT;
	r = vault_row_key(v, v->purpose[PURPOSE_AUDIT], month, false, &s);
	if (r < 0)
		return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	p = arena_alloc(a, u.rest.n);
	if (!p)
		return ERR_LIMIT;
	aad.p[aad.n++] = 'a';
	vault_key_u64(&aad, seq);
	vault_key_u64(&aad, month);
	r = seal_open(s, vault_key_str(&aad), u.rest, (uint8_t *)p);
	if (r < 0)
		return r;
	u = (struct vault_unpack){ .rest = str_make(p, u.rest.n - SEAL_EXTRA) };
	out.kind = vault_unpack_str(&u);
	out.json = vault_unpack_str(&u);
	r = vault_unpack_end(&u);
	if (r == 0)
		*ret = out;
	return r;
}

int vault_audit_add(struct vault *v, uint64_t when_ms, struct str kind, struct str json)
{
	struct entry e = { .seq = v->audit.now.count + 1, .when_ms = when_ms };
	struct vault_key k = { 0 };
	struct buf *b;
	uint8_t mac[SEAL_MAC];
	int r = seal_entry(v, e.seq, clock_month(when_ms), kind, json);

	if (r < 0)
		return r;
	e.sealed = buf_str(&v->sealed);
	entry_mac(v, v->audit.now.mac, &e, mac);
	b = vault_row_pack(v);
	vault_pack_u64(b, when_ms);
	buf_add(b, mac, sizeof(mac));
	buf_str_add(b, e.sealed);
	if (b->failed)
		return ERR_LIMIT;
	vault_key_u64(&k, e.seq);
	r = vault_row_put_plain(v, STORE_TABLE_audit, vault_key_str(&k), 0, buf_str(b));
	if (r < 0)
		return r;
	v->audit.now.count = e.seq;
	memcpy(v->audit.now.mac, mac, SEAL_MAC);
	return 0;
}

int vault_audit_list(struct vault *v, uint64_t from_seq, size_t max, struct arena *a, struct vault_audit **ret,
		     size_t *ret_n)
{
	struct vault_key from = { 0 };
	struct store_range range = { .table = STORE_TABLE_audit, .max = max };
	struct vault_rows rows;
	struct vault_audit *list;
	int r;

	vault_key_u64(&from, from_seq);
	range.from = vault_key_str(&from);
	r = vault_row_collect(v, &range, a, &rows);
	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n; i++) {
		struct entry e;

		r = entry_of(&rows.v[i], &e);
		if (r == 0)
			r = open_entry(v, &e, e.seq, a, &list[i]);
		if (r < 0)
			return r;
	}
	*ret = list;
	*ret_n = rows.n;
	return 0;
}

/* --- opening and commits -------------------------------------------------------------------------------- */

struct seen {
	struct entry e;
	uint8_t mac[SEAL_MAC];
	int err;
};

static int see(void *ctx, const struct store_row *row)
{
	struct seen *s = ctx;

	s->err = entry_of(row, &s->e);
	if (s->err == 0)
		memcpy(s->mac, s->e.mac.p, SEAL_MAC);
	return 1;
}

static int mac_at(struct vault *v, uint64_t seq, uint8_t ret[SEAL_MAC])
{
	struct vault_key k = { 0 };
	struct store_row row;
	struct entry e;
	struct arena *a;
	int r;

	memset(ret, 0, SEAL_MAC);
	if (seq == 0)
		return 0;
	a = arena_new(2 * LIMIT_VALUE_BYTES);
	if (!a)
		return ERR_NOMEM;
	vault_key_u64(&k, seq);
	r = store_get(v->store, STORE_TABLE_audit, vault_key_str(&k), a, &row);
	if (r == 0)
		r = entry_of(&row, &e);
	if (r == 0)
		memcpy(ret, e.mac.p, SEAL_MAC);
	arena_free(&a);
	return r;
}

/* NULL when the copy is in order. */
static const char *judge_copy(struct vault *v, int fd)
{
	struct vault_chain copy;
	uint8_t mac[SEAL_MAC];
	int r = head_of_file(v, fd, &copy);

	if (r == ERR_NOT_FOUND)
		return fd >= 0 && v->audit.committed.count ? "is empty" : NULL;
	if (r < 0)
		return "is damaged or not of this instance";
	if (copy.count > v->audit.committed.count)
		return "knows more entries than the record: the last ones were removed, or the record was set back";
	if (mac_at(v, copy.count, mac) < 0 || !secret_eq(mac, copy.mac, SEAL_MAC))
		return "does not belong to this record: entries were rewritten";
	return NULL;
}

/* Where the chain goes on. A damaged head does not stop the server: verification tells, new entries follow the last. */
static int load_chain(struct vault *v, bool *ret_bad)
{
	struct store_range last = { .table = STORE_TABLE_audit, .backward = true, .max = 1 };
	struct seen seen = { 0 };
	struct store_row row;
	int r;

	*ret_bad = false;
	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_meta, STR("audit.head"), v->tmp, &row);
	if (r == 0)
		r = head_read(v, row.value, &v->audit.now);
	if (r == ERR_NOT_FOUND || r == ERR_CORRUPT) {
		*ret_bad = r == ERR_CORRUPT;
		r = 0;
	}
	if (r == 0)
		r = store_scan(v->store, &last, see, &seen);
	if (r < 0)
		return r;
	/* An entry behind the head, or one that is no longer there: never give its number again. */
	if (seen.e.seq > v->audit.now.count) {
		v->audit.now.count = seen.e.seq;
		memcpy(v->audit.now.mac, seen.mac, SEAL_MAC);
		*ret_bad = true;
	}
	v->audit.committed = v->audit.now;
	return 0;
}

static int open_copy(const char *dir, const char *name, int *ret)
{
	char path[4096];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return ERR_LIMIT;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	*ret = fd;
	return 0;
}

int vault_audit_open(struct vault *v, const char *data_dir, const char *keys_dir)
{
	int r = load_chain(v, &v->audit.head_bad);

	if (r == 0 && data_dir)
		r = open_copy(data_dir, head_name, &v->audit.files[0]);
	if (r == 0 && keys_dir)
		r = open_copy(keys_dir, "audit.count", &v->audit.files[1]);
	if (r < 0)
		return r;
	v->audit.frozen = v->audit.head_bad;
	for (size_t i = 0; i < ARRAY_SIZE(v->audit.files); i++)
		v->audit.frozen = v->audit.frozen || judge_copy(v, v->audit.files[i]) != NULL;
	return 0;
}

void vault_audit_close(struct vault *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(v->audit.files); i++) {
		if (v->audit.files[i] >= 0) {
			fsync(v->audit.files[i]);
			close(v->audit.files[i]);
		}
		v->audit.files[i] = -1;
	}
	seal_mac_free(&v->audit.entries);
	seal_mac_free(&v->audit.head);
}

int vault_audit_before_commit(struct vault *v)
{
	uint8_t head[HEAD_BYTES];

	/* A head that was found damaged is evidence as well. */
	if (v->audit.now.count == v->audit.committed.count || v->audit.head_bad)
		return 0;
	head_make(v, &v->audit.now, head);
	return vault_row_put_plain(v, STORE_TABLE_meta, STR("audit.head"), 0, str_make((const char *)head, sizeof(head)));
}

void vault_audit_after_commit(struct vault *v)
{
	uint8_t head[HEAD_BYTES];

	if (v->audit.now.count == v->audit.committed.count)
		return;
	v->audit.committed = v->audit.now;
	if (v->audit.frozen)
		return;
	head_make(v, &v->audit.now, head);
	/* Not waited for: a copy that lags behind after power loss is in order (see above). */
	for (size_t i = 0; i < ARRAY_SIZE(v->audit.files); i++)
		if (v->audit.files[i] >= 0 && pwrite(v->audit.files[i], head, sizeof(head), 0) != (ssize_t)sizeof(head))
			continue;
}

/* --- verification ------------------------------------------------------------------------------------- */

struct check {
	struct vault *v;
	struct arena *a;		/* for why */
	uint8_t mac[SEAL_MAC];
	uint64_t done, total;
	vault_progress_fn *progress;
	void *ctx;
	struct str why;
};

/* Where an entry that does not belong here was written, or 0. */
static uint64_t home_of(struct vault *v, const struct entry *e, uint64_t total)
{
	struct arena *a = arena_new(2 * LIMIT_VALUE_BYTES);
	uint64_t found = 0;

	for (uint64_t seq = 1; a && seq <= total && !found; seq++) {
		struct vault_audit out;

		arena_clear(a);
		if (open_entry(v, e, seq, a, &out) == 0)
			found = seq;
	}
	arena_free(&a);
	return found;
}

static struct str explain(struct check *c, const struct entry *e)
{
	uint64_t home = home_of(c->v, e, c->total);
	unsigned long long seq = e->seq;

	if (home == 0)
		return arena_printf(c->a, "entry %llu was changed", seq);
	if (home != e->seq)
		return arena_printf(c->a, "entry %llu was reordered: what stands there is entry %llu", seq,
				    (unsigned long long)home);
	return arena_printf(c->a, "entry %llu was rewritten: it does not follow the entry before it", seq);
}

static int check_row(struct check *c, const struct store_row *row)
{
	struct entry e = { .seq = store_number(row->key.p) };
	uint8_t mac[SEAL_MAC];
	int r = entry_of(row, &e);

	if (e.seq != c->done + 1) {
		c->why = arena_printf(c->a, "entry %llu was removed", (unsigned long long)c->done + 1);
		return ERR_CORRUPT;
	}
	if (r == 0 && row->tag != 0)
		r = ERR_CORRUPT;		/* entries have none: nothing may hide beside what is signed */
	if (r == 0) {
		entry_mac(c->v, c->mac, &e, mac);
		r = secret_eq(mac, e.mac.p, SEAL_MAC) ? 0 : ERR_CORRUPT;
	}
	if (r < 0) {
		c->why = explain(c, &e);
		return ERR_CORRUPT;
	}
	memcpy(c->mac, mac, SEAL_MAC);
	c->done++;
	return 0;
}

static int check_rows(struct check *c)
{
	for (;;) {
		struct arena *page = arena_new(256 * (LIMIT_VALUE_BYTES / 64));
		struct vault_key from = { 0 };
		struct store_range range = { .table = STORE_TABLE_audit, .max = 256 };
		struct vault_rows rows;
		int r;

		if (!page)
			return ERR_NOMEM;
		vault_key_u64(&from, c->done + 1);
		range.from = vault_key_str(&from);
		r = vault_row_collect(c->v, &range, page, &rows);
		for (size_t i = 0; i < rows.n && r == 0; i++)
			r = check_row(c, &rows.v[i]);
		arena_free(&page);
		if (r < 0)
			return r;
		if (c->progress)
			c->progress(c->ctx, c->done, c->total > c->done ? c->total : c->done);
		if (rows.n < 256)
			return 0;
	}
}

static int check_head(struct check *c)
{
	struct vault_chain head = { 0 };
	struct store_row row;
	int r;

	arena_clear(c->v->tmp);
	r = store_get(c->v->store, STORE_TABLE_meta, STR("audit.head"), c->v->tmp, &row);
	if (r == 0)
		r = head_read(c->v, row.value, &head);
	if (r == ERR_NOT_FOUND)
		r = c->done ? ERR_CORRUPT : 0;
	if (r < 0 && r != ERR_CORRUPT)
		return r;
	if (r < 0)
		c->why = STR("the signed head was changed or removed");
	else if (head.count > c->done)
		c->why = arena_printf(c->a, "entry %llu was removed: the record ends before its signed head (%llu entries)",
				      (unsigned long long)c->done + 1, (unsigned long long)head.count);
	else if (head.count < c->done || !secret_eq(head.mac, c->mac, SEAL_MAC))
		c->why = arena_printf(c->a, "entry %llu was rewritten: the signed head does not cover it",
				      (unsigned long long)(head.count < c->done ? head.count + 1 : c->done));
	return c->why.n ? ERR_CORRUPT : 0;
}

static int check_copies(struct check *c)
{
	static const char *const names[] = { "data/audit.head", "keys/audit.count" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *what = judge_copy(c->v, c->v->audit.files[i]);
		struct vault_chain copy = { 0 };

		if (!what)
			continue;
		if (head_of_file(c->v, c->v->audit.files[i], &copy) == 0 && copy.count > c->done)
			c->why = arena_printf(c->a, "entry %llu was removed: the copy of the head in %s %s",
					      (unsigned long long)c->done + 1, names[i], what);
		else
			c->why = arena_printf(c->a, "the copy of the head in %s %s", names[i], what);
		return ERR_CORRUPT;
	}
	return 0;
}

int vault_audit_verify(struct vault *v, struct arena *a, vault_progress_fn *progress, void *ctx, uint64_t *ret_count,
		       struct str *ret_why)
{
	struct check c = { .v = v, .a = a, .progress = progress, .ctx = ctx, .why = STR_NONE };
	struct store_range all = { .table = STORE_TABLE_audit };
	int r = store_count(v->store, &all, &c.total);

	/* A removed entry must not shorten the search for the home of another. */
	if (r == 0 && c.total < v->audit.now.count)
		c.total = v->audit.now.count;
	if (r == 0)
		r = check_rows(&c);
	if (r == 0)
		r = check_head(&c);
	if (r == 0)
		r = check_copies(&c);
	if (r < 0) {
		*ret_why = c.why.n ? c.why : str_of(err_text(r));
		return r;
	}
	*ret_count = c.done;
	return 0;
}
