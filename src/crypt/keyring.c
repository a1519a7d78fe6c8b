/* keyring.c - see keyring.h. The master key is read once; only wrapped keys leave this file. */
#include "crypt/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/secret.h"

#define KEYRING_MAGIC 0x6e416101u
#define PLACE_BYTES 12

struct held_key {
	struct list node;		/* most recently used first */
	uint8_t place[PLACE_BYTES];
	struct seal *seal;
};

struct keyring {
	CHECK_MAGIC;
	struct seal_lib *lib;
	struct seal *master;
	struct seal_mac *root;
	struct map *by_place;
	struct list used;
};

static void place_of(uint64_t owner, uint32_t month, uint8_t ret[PLACE_BYTES])
{
	for (int i = 0; i < 8; i++)
		ret[i] = (uint8_t)(owner >> (56 - 8 * i));
	for (int i = 0; i < 4; i++)
		ret[8 + i] = (uint8_t)(month >> (24 - 8 * i));
}

static struct str bytes(const void *p, size_t n)
{
	return str_make(p, n);
}

static int ring_new(const uint8_t master[SEAL_KEY], struct keyring **ret)
{
	struct keyring *k = calloc(1, sizeof(*k));
	int r = ERR_NOMEM;

	if (!k)
		return ERR_NOMEM;
	k->magic = KEYRING_MAGIC;
	list_init(&k->used);
	k->by_place = map_new(LIMIT_KEYRING_KEYS + 1);
	if (k->by_place)
		r = seal_lib_new(&k->lib);
	if (r == 0)
		r = seal_new(k->lib, master, &k->master);
	if (r < 0) {
		keyring_free(&k);
		return r;
	}
	*ret = k;
	return 0;
}

static int write_all(int fd, const void *p, size_t n)
{
	ssize_t r = write(fd, p, n);

	if (r != (ssize_t)n)
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	return fsync(fd) < 0 ? ERR_IO : 0;
}

/* Removes the file again when it could not be written whole: half a key must not look like one. */
static int write_key(int dir, const uint8_t key[SEAL_KEY])
{
	int fd = openat(dir, "master.key", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), r;

	if (fd < 0)
		return errno == EEXIST ? ERR_CONFLICT : errno == ENOSPC ? ERR_FULL : ERR_IO;
	r = write_all(fd, key, SEAL_KEY);
	if (r == 0 && (fchmod(fd, 0600) < 0 || fsync(dir) < 0))
		r = ERR_IO;
	close(fd);
	if (r < 0)
		unlinkat(dir, "master.key", 0);
	return r;
}

int keyring_create(const char *dir, struct arena *a, struct str *ret_why)
{
	uint8_t key[SEAL_KEY];
	int fd, r;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		*ret_why = arena_printf(a, "cannot make the key folder %s: %s", dir, strerror(errno));
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		*ret_why = arena_printf(a, "cannot open the key folder %s: %s", dir, strerror(errno));
		return ERR_IO;
	}
	rand_bytes(key, sizeof(key));
	r = write_key(fd, key);
	secret_wipe(key, sizeof(key));
	close(fd);
	if (r == ERR_CONFLICT)
		*ret_why = arena_printf(a, "%s/master.key is there already; it is never overwritten", dir);
	else if (r < 0)
		*ret_why = arena_printf(a, "cannot write %s/master.key: %s", dir, err_text(r));
	return r;
}

/* 0 when only the owner may touch it. */
static int check_private(int fd, const char *what, const char *mode, struct arena *a, struct str *ret_why)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		*ret_why = arena_printf(a, "cannot look at %s: %s", what, strerror(errno));
		return ERR_IO;
	}
	if ((st.st_mode & 077) == 0 && st.st_uid == geteuid())
		return 0;
	*ret_why = st.st_uid != geteuid() ?
		arena_printf(a, "%s belongs to another user; the server's own user must own it", what) :
		arena_printf(a, "%s can be touched by others (mode %03o); make it private with: chmod %s %s", what,
			     (unsigned)st.st_mode & 0777u, mode, what);
	return ERR_FORBIDDEN;
}

static int read_key(int fd, const char *path, struct arena *a, uint8_t ret[SEAL_KEY], struct str *ret_why)
{
	uint8_t key[SEAL_KEY + 1];
	ssize_t n = read(fd, key, sizeof(key));
	int r = n == SEAL_KEY ? 0 : ERR_CORRUPT;

	if (r == 0)
		memcpy(ret, key, SEAL_KEY);
	else
		*ret_why = arena_printf(a, "%s is damaged: it must hold exactly %d bytes; restore it from your backup",
					path, SEAL_KEY);
	secret_wipe(key, sizeof(key));
	return r;
}

static int load_master(const char *dir, struct arena *a, uint8_t ret[SEAL_KEY], struct str *ret_why)
{
	int dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, r;
	struct str path = arena_printf(a, "%s/master.key", dir);

	if (!path.p) {
		if (dfd >= 0)
			close(dfd);
		*ret_why = STR("out of memory");
		return ERR_NOMEM;
	}
	if (dfd < 0) {
		*ret_why = arena_printf(a, "cannot open the key folder %s: %s", dir, strerror(errno));
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	}
	r = check_private(dfd, dir, "700", a, ret_why);
	fd = r == 0 ? openat(dfd, "master.key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (r == 0 && fd < 0) {
		*ret_why = arena_printf(a, "cannot open the master key %s: %s", path.p, strerror(errno));
		r = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	}
	close(dfd);
	if (r == 0)
		r = check_private(fd, path.p, "600", a, ret_why);
	if (r == 0)
		r = read_key(fd, path.p, a, ret, ret_why);
	if (fd >= 0)
		close(fd);
	return r;
}

int keyring_open(const char *dir, struct arena *a, struct keyring **ret, struct str *ret_why)
{
	uint8_t key[SEAL_KEY];
	int r = load_master(dir, a, key, ret_why);

	if (r == 0) {
		r = ring_new(key, ret);
		if (r < 0)
			*ret_why = STR("out of memory");
	}
	secret_wipe(key, sizeof(key));
	return r;
}

int keyring_open_random(struct keyring **ret)
{
	uint8_t key[SEAL_KEY];
	int r;

	rand_bytes(key, sizeof(key));
	r = ring_new(key, ret);
	secret_wipe(key, sizeof(key));
	return r;
}

void keyring_free(struct keyring **k)
{
	if (!*k)
		return;
	CHECK_OBJ(*k, KEYRING_MAGIC);
	keyring_forget_all(*k);
	map_free(&(*k)->by_place);
	seal_mac_free(&(*k)->root);
	seal_free(&(*k)->master);
	seal_lib_free(&(*k)->lib);
	free(*k);
	*k = NULL;
}

struct seal_lib *keyring_lib(struct keyring *k)
{
	CHECK_OBJ(k, KEYRING_MAGIC);
	return k->lib;
}

int keyring_root_new(struct keyring *k, uint8_t ret_wrapped[KEYRING_WRAPPED])
{
	uint8_t root[SEAL_KEY];
	struct seal_mac *m;
	int r;

	rand_bytes(root, sizeof(root));
	r = seal_close(k->master, STR("root"), bytes(root, sizeof(root)), ret_wrapped);
	if (r == 0)
		r = seal_mac_new(k->lib, root, &m);
	if (r == 0) {
		seal_mac_free(&k->root);
		k->root = m;
	}
	secret_wipe(root, sizeof(root));
	return r;
}

int keyring_root_load(struct keyring *k, struct str wrapped)
{
	uint8_t root[SEAL_KEY];
	struct seal_mac *m;
	int r = wrapped.n == KEYRING_WRAPPED ? seal_open(k->master, STR("root"), wrapped, root) : ERR_CORRUPT;

	if (r == 0)
		r = seal_mac_new(k->lib, root, &m);
	if (r == 0) {
		seal_mac_free(&k->root);
		k->root = m;
	}
	secret_wipe(root, sizeof(root));
	return r;
}

void keyring_derive(struct keyring *k, const char *purpose, uint8_t ret[SEAL_KEY])
{
	struct str parts[] = { STR("wardroom purpose "), str_of(purpose) };

	CHECK_OBJ(k, KEYRING_MAGIC);
	CHECK(k->root != NULL);
	seal_mac(k->root, parts, ARRAY_SIZE(parts), ret);
}

static void drop(struct keyring *k, struct held_key *h)
{
	map_take(k->by_place, bytes(h->place, PLACE_BYTES));
	list_remove(&h->node);
	seal_free(&h->seal);
	free(h);
}

struct seal *keyring_get(struct keyring *k, uint64_t owner, uint32_t month)
{
	uint8_t place[PLACE_BYTES];
	struct held_key *h;

	CHECK_OBJ(k, KEYRING_MAGIC);
	place_of(owner, month, place);
	h = map_get(k->by_place, bytes(place, PLACE_BYTES));
	if (!h)
		return NULL;
	if (k->used.next != &h->node) {
		list_remove(&h->node);
		list_append(k->used.next, &h->node);	/* before the first */
	}
	return h->seal;
}

static int hold(struct keyring *k, uint64_t owner, uint32_t month, const uint8_t key[SEAL_KEY], struct seal **ret)
{
	struct held_key *h;
	int r;

	keyring_forget(k, owner, month);
	while (map_count(k->by_place) >= LIMIT_KEYRING_KEYS)
		drop(k, LIST_ITEM(k->used.prev, struct held_key, node));
	h = calloc(1, sizeof(*h));
	if (!h)
		return ERR_NOMEM;
	place_of(owner, month, h->place);
	r = seal_new(k->lib, key, &h->seal);
	if (r == 0)
		r = map_put(k->by_place, bytes(h->place, PLACE_BYTES), h);
	if (r < 0) {
		seal_free(&h->seal);
		free(h);
		return r;
	}
	list_append(k->used.next, &h->node);
	*ret = h->seal;
	return 0;
}

static struct str wrap_aad(uint64_t owner, uint32_t month, uint8_t place[4 + PLACE_BYTES])
{
	memcpy(place, "key ", 4);
	place_of(owner, month, place + 4);
	return bytes(place, 4 + PLACE_BYTES);
}

int keyring_new_key(struct keyring *k, uint64_t owner, uint32_t month, uint8_t ret_wrapped[KEYRING_WRAPPED],
		    struct seal **ret)
{
	uint8_t key[SEAL_KEY], place[4 + PLACE_BYTES];
	int r;

	CHECK_OBJ(k, KEYRING_MAGIC);
	rand_bytes(key, sizeof(key));
	r = seal_close(k->master, wrap_aad(owner, month, place), bytes(key, sizeof(key)), ret_wrapped);
	if (r == 0)
		r = hold(k, owner, month, key, ret);
	secret_wipe(key, sizeof(key));
	return r;
}

int keyring_load(struct keyring *k, uint64_t owner, uint32_t month, struct str wrapped, struct seal **ret)
{
	uint8_t key[SEAL_KEY], place[4 + PLACE_BYTES];
	int r = ERR_CORRUPT;

	CHECK_OBJ(k, KEYRING_MAGIC);
	if (wrapped.n == KEYRING_WRAPPED)
		r = seal_open(k->master, wrap_aad(owner, month, place), wrapped, key);
	if (r == 0)
		r = hold(k, owner, month, key, ret);
	secret_wipe(key, sizeof(key));
	return r;
}

void keyring_forget(struct keyring *k, uint64_t owner, uint32_t month)
{
	uint8_t place[PLACE_BYTES];
	struct held_key *h;

	place_of(owner, month, place);
	h = map_get(k->by_place, bytes(place, PLACE_BYTES));
	if (h)
		drop(k, h);
}

void keyring_forget_all(struct keyring *k)
{
	while (!list_empty(&k->used))
		drop(k, LIST_ITEM(k->used.next, struct held_key, node));
}
