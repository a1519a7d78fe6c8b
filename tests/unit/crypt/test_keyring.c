/* test_keyring.c - the master key on disk, wrapped keys, and the bounded set of keys in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "crypt/keyring.h"

struct place {
	char dir[64], keys[80], file[96];
	struct arena *a;
};

static int make(void **st)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/test-keyring-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->keys, sizeof(p->keys), "%s/keys", p->dir);
	snprintf(p->file, sizeof(p->file), "%s/master.key", p->keys);
	p->a = arena_new(1 << 16);
	*st = p;
	return 0;
}

static int drop(void **st)
{
	struct place *p = *st;

	unlink(p->file);
	rmdir(p->keys);
	rmdir(p->dir);
	arena_free(&p->a);
	free(p);
	return 0;
}

static struct keyring *open_ring(struct place *p)
{
	struct keyring *k = NULL;
	struct str why = STR_NONE;

	assert_int_equal(keyring_open(p->keys, p->a, &k, &why), 0);
	return k;
}

static void create(struct place *p)
{
	struct str why = STR_NONE;

	assert_int_equal(keyring_create(p->keys, p->a, &why), 0);
}

static int try_open(struct place *p, struct str *why)
{
	struct keyring *k = NULL;
	int r = keyring_open(p->keys, p->a, &k, why);

	assert_true(r < 0);
	assert_null(k);
	return r;
}

static void a_new_master_key_is_private_and_32_bytes(void **st)
{
	struct place *p = *st;
	struct stat s;

	create(p);
	assert_int_equal(stat(p->file, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
	assert_int_equal(s.st_size, 32);
	assert_int_equal(stat(p->keys, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0700);
}

static void a_master_key_is_never_overwritten(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;

	create(p);
	assert_int_equal(keyring_create(p->keys, p->a, &why), ERR_CONFLICT);
	assert_true(str_find(why, STR("never overwritten")) >= 0);
}

static void a_key_that_others_can_read_is_refused_by_name(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;

	create(p);
	assert_int_equal(chmod(p->file, 0640), 0);
	assert_int_equal(try_open(p, &why), ERR_FORBIDDEN);
	assert_true(str_find(why, str_of(p->file)) >= 0 && str_find(why, STR("chmod 600")) >= 0);
	assert_int_equal(chmod(p->file, 0600), 0);
	assert_int_equal(chmod(p->keys, 0755), 0);
	assert_int_equal(try_open(p, &why), ERR_FORBIDDEN);
	assert_true(str_find(why, STR("chmod 700")) >= 0);
}

static void a_missing_or_cut_key_is_named(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;

	assert_int_equal(try_open(p, &why), ERR_NOT_FOUND);
	create(p);
	assert_int_equal(truncate(p->file, 31), 0);
	assert_int_equal(try_open(p, &why), ERR_CORRUPT);
	assert_true(str_find(why, STR("damaged")) >= 0);
	assert_int_equal(truncate(p->file, 33), 0);
	assert_int_equal(try_open(p, &why), ERR_CORRUPT);
}

static void a_key_that_is_a_link_is_refused(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;

	create(p);
	unlink(p->file);
	assert_int_equal(symlink("/dev/zero", p->file), 0);
	assert_true(try_open(p, &why) < 0);
}

static void wrapped_keys_open_again_under_the_same_master_key_only(void **st)
{
	struct place *p = *st;
	uint8_t wrapped[KEYRING_WRAPPED], root[KEYRING_WRAPPED], sealed[64], plain[64];
	struct str w = { (const char *)wrapped, sizeof(wrapped) };
	struct keyring *k, *other;
	struct seal *s;

	create(p);
	k = open_ring(p);
	assert_int_equal(keyring_root_new(k, root), 0);
	assert_int_equal(keyring_new_key(k, 7, 24312, wrapped, &s), 0);
	assert_int_equal(seal_close(s, STR_NONE, STR("hello"), sealed), 0);
	keyring_free(&k);
	k = open_ring(p);
	assert_null(keyring_get(k, 7, 24312));
	assert_int_equal(keyring_load(k, 8, 24312, w, &s), ERR_CORRUPT);	/* another owner's place */
	assert_int_equal(keyring_load(k, 7, 24313, w, &s), ERR_CORRUPT);	/* another month's */
	assert_int_equal(keyring_load(k, 7, 24312, w, &s), 0);
	assert_ptr_equal(keyring_get(k, 7, 24312), s);
	assert_int_equal(seal_open(s, STR_NONE, str_make((char *)sealed, 5 + SEAL_EXTRA), plain), 0);
	assert_int_equal(keyring_open_random(&other), 0);
	assert_int_equal(keyring_load(other, 7, 24312, w, &s), ERR_CORRUPT);
	assert_int_equal(keyring_root_load(other, str_make((char *)root, sizeof(root))), ERR_CORRUPT);
	keyring_free(&other);
	keyring_free(&k);
}

static void purposes_differ_and_stay(void **st)
{
	uint8_t root[KEYRING_WRAPPED], one[SEAL_KEY], two[SEAL_KEY], again[SEAL_KEY];
	struct place *p = *st;
	struct keyring *k;

	create(p);
	k = open_ring(p);
	assert_int_equal(keyring_root_new(k, root), 0);
	keyring_derive(k, "one", one);
	keyring_derive(k, "two", two);
	assert_memory_not_equal(one, two, SEAL_KEY);
	keyring_free(&k);
	k = open_ring(p);
	assert_int_equal(keyring_root_load(k, str_make((char *)root, sizeof(root))), 0);
	keyring_derive(k, "one", again);
	assert_memory_equal(one, again, SEAL_KEY);
	keyring_free(&k);
}

static void keys_in_use_are_bounded_and_the_oldest_leaves(void **st)
{
	uint8_t wrapped[KEYRING_WRAPPED];
	struct keyring *k;
	struct seal *s;

	(void)st;
	assert_int_equal(keyring_open_random(&k), 0);
	for (uint64_t i = 0; i < LIMIT_KEYRING_KEYS; i++)
		assert_int_equal(keyring_new_key(k, i, 1, wrapped, &s), 0);
	assert_non_null(keyring_get(k, 0, 1));			/* used now: not the oldest any more */
	assert_int_equal(keyring_new_key(k, LIMIT_KEYRING_KEYS, 1, wrapped, &s), 0);
	assert_non_null(keyring_get(k, 0, 1));
	assert_null(keyring_get(k, 1, 1));
	keyring_forget(k, 0, 1);
	assert_null(keyring_get(k, 0, 1));
	keyring_forget_all(k);
	assert_null(keyring_get(k, 5, 1));
	keyring_free(&k);
}

#define IN_PLACE(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(a_new_master_key_is_private_and_32_bytes),
		IN_PLACE(a_master_key_is_never_overwritten),
		IN_PLACE(a_key_that_others_can_read_is_refused_by_name),
		IN_PLACE(a_missing_or_cut_key_is_named),
		IN_PLACE(a_key_that_is_a_link_is_refused),
		IN_PLACE(wrapped_keys_open_again_under_the_same_master_key_only),
		IN_PLACE(purposes_differ_and_stay),
		IN_PLACE(keys_in_use_are_bounded_and_the_oldest_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
