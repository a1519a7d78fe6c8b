/* test_chunk.c - files sealed in pieces: what opens, and everything that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/rand.h"
#include "crypt/chunk.h"

#define SEED 20261124
#define MOST (3 * CHUNK_PLAIN + 100)

struct kit {
	struct seal_lib *lib;
	uint8_t plain[MOST], back[MOST + CHUNK_PLAIN], room[CHUNK_SEALED];
	int fd;
};

static const uint8_t key[SEAL_KEY] = { 7, 8, 9 }, other_key[SEAL_KEY] = { 7, 8, 8 };
static const uint8_t id[CHUNK_ID] = { 0xab, 0xcd }, other_id[CHUNK_ID] = { 0xab, 0xce };
/* Around every border. */
static const size_t sizes[] = { 0, 1, 15, 16, 17, CHUNK_PLAIN - 1, CHUNK_PLAIN, CHUNK_PLAIN + 1, 2 * CHUNK_PLAIN - 1, 2 * CHUNK_PLAIN,
				2 * CHUNK_PLAIN + 16, 3 * CHUNK_PLAIN, MOST };

static int make(void **st)
{
	struct kit *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	assert_int_equal(seal_lib_new(&k->lib), 0);
	rand_simulate(SEED);
	rand_bytes(k->plain, sizeof(k->plain));
	k->fd = memfd_create("sealed", MFD_CLOEXEC);
	assert_true(k->fd >= 0);
	*st = k;
	return 0;
}

static int drop(void **st)
{
	struct kit *k = *st;

	close(k->fd);
	seal_lib_free(&k->lib);
	free(k);
	return 0;
}

/* A file of n bytes, sealed into k->fd. */
static void seal_it(struct kit *k, size_t n, const uint8_t file_id[CHUNK_ID])
{
	int from = memfd_create("plain", MFD_CLOEXEC);
	uint64_t bytes = 0;

	assert_int_equal(write(from, k->plain, n), n);
	assert_int_equal(lseek(from, 0, SEEK_SET), 0);
	assert_int_equal(ftruncate(k->fd, 0), 0);
	assert_int_equal(lseek(k->fd, 0, SEEK_SET), 0);
	assert_int_equal(chunk_seal_file(k->lib, key, file_id, from, k->fd, &bytes), 0);
	assert_int_equal(bytes, n);
	close(from);
}

/* Everything that opens of it, one piece after the other; the first error. */
static int open_it(struct kit *k, const uint8_t with[SEAL_KEY], const uint8_t file_id[CHUNK_ID], size_t n)
{
	struct chunk *c = NULL;
	int r = chunk_read_begin(k->lib, with, file_id, k->fd, n, &c);

	memset(k->back, 0, sizeof(k->back));
	for (uint64_t i = 0; r == 0 && i < chunk_count(n); i++)
		r = chunk_read(c, k->fd, n, i, k->room, k->back + i * CHUNK_PLAIN);
	chunk_free(&c);
	return r;
}

static void what_was_sealed_opens_again_at_every_size(void **st)
{
	struct kit *k = *st;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t plain = 0;

		seal_it(k, sizes[i], id);
		assert_int_equal(lseek(k->fd, 0, SEEK_END), chunk_sealed_size(sizes[i]));
		assert_int_equal(chunk_plain_size(chunk_sealed_size(sizes[i]), &plain), 0);
		assert_int_equal(plain, sizes[i]);
		assert_int_equal(open_it(k, key, id, sizes[i]), 0);
		assert_memory_equal(k->back, k->plain, sizes[i]);
	}
}

static void the_whole_file_comes_back_through_descriptors(void **st)
{
	struct kit *k = *st;
	int to = memfd_create("back", MFD_CLOEXEC);

	seal_it(k, MOST, id);
	assert_int_equal(chunk_open_file(k->lib, key, id, k->fd, MOST, to), 0);
	assert_int_equal(pread(to, k->back, sizeof(k->back), 0), MOST);
	assert_memory_equal(k->back, k->plain, MOST);
	close(to);
}

static void pieces_open_in_any_order(void **st)
{
	struct kit *k = *st;
	struct chunk *c = NULL;

	seal_it(k, MOST, id);
	assert_int_equal(chunk_read_begin(k->lib, key, id, k->fd, MOST, &c), 0);
	for (unsigned n = 0; n < 40; n++) {
		uint64_t i = rand_below(chunk_count(MOST));

		assert_int_equal(chunk_read(c, k->fd, MOST, i, k->room, k->back), 0);
		assert_memory_equal(k->back, k->plain + i * CHUNK_PLAIN, chunk_plain_of(MOST, i));
	}
	assert_int_equal(chunk_read(c, k->fd, MOST, chunk_count(MOST), k->room, k->back), ERR_LIMIT);
	chunk_free(&c);
}

static void another_key_or_another_file_opens_nothing(void **st)
{
	struct kit *k = *st;

	seal_it(k, CHUNK_PLAIN + 5, id);
	assert_int_equal(open_it(k, other_key, id, CHUNK_PLAIN + 5), ERR_CORRUPT);
	assert_int_equal(open_it(k, key, other_id, CHUNK_PLAIN + 5), ERR_CORRUPT);
	assert_int_equal(open_it(k, key, id, CHUNK_PLAIN + 5), 0);
}

static void every_changed_byte_is_noticed(void **st)
{
	struct kit *k = *st;
	size_t n = CHUNK_PLAIN + 40, all = (size_t)chunk_sealed_size(n);

	seal_it(k, n, id);
	/* Each byte of the head and around the border, and some of the rest. */
	for (size_t at = 0; at < all; at += at < 64 || at > CHUNK_PLAIN ? 1 : 997) {
		uint8_t b, changed;

		assert_int_equal(pread(k->fd, &b, 1, (off_t)at), 1);
		changed = (uint8_t)(b ^ 1u << at % 8);
		assert_int_equal(pwrite(k->fd, &changed, 1, (off_t)at), 1);
		assert_int_equal(open_it(k, key, id, n), ERR_CORRUPT);
		assert_int_equal(pwrite(k->fd, &b, 1, (off_t)at), 1);
	}
	assert_int_equal(open_it(k, key, id, n), 0);
}

static void a_file_that_was_cut_does_not_open_as_a_shorter_one(void **st)
{
	struct kit *k = *st;
	size_t n = 3 * CHUNK_PLAIN;

	seal_it(k, n, id);
	for (size_t shorter = 0; shorter < n; shorter += 4096 * 3 + 1) {
		assert_int_equal(ftruncate(k->fd, (off_t)chunk_sealed_size(n)), 0);
		assert_int_equal(open_it(k, key, id, shorter), ERR_CORRUPT);		/* the length does not fit */
		assert_int_equal(ftruncate(k->fd, (off_t)chunk_sealed_size(shorter)), 0);
		assert_int_equal(open_it(k, key, id, shorter), ERR_CORRUPT);		/* it fits, but the end is none */
	}
	seal_it(k, n, id);
	assert_int_equal(ftruncate(k->fd, (off_t)chunk_sealed_size(2 * CHUNK_PLAIN)), 0);	/* a whole piece less */
	assert_int_equal(open_it(k, key, id, 2 * CHUNK_PLAIN), ERR_CORRUPT);
}

static void nothing_can_be_appended(void **st)
{
	struct kit *k = *st;
	size_t n = 2 * CHUNK_PLAIN;

	seal_it(k, n, id);
	assert_int_equal(pread(k->fd, k->room, CHUNK_SEALED, (off_t)chunk_offset(0)), CHUNK_SEALED);
	assert_int_equal(pwrite(k->fd, k->room, CHUNK_SEALED, (off_t)chunk_offset(2)), CHUNK_SEALED);
	assert_int_equal(open_it(k, key, id, n), ERR_CORRUPT);
	assert_int_equal(open_it(k, key, id, n + CHUNK_PLAIN), ERR_CORRUPT);
}

static void pieces_cannot_be_swapped_repeated_or_taken_from_another_file(void **st)
{
	struct kit *k = *st;
	static uint8_t a[CHUNK_SEALED], b[CHUNK_SEALED];
	size_t n = 3 * CHUNK_PLAIN;

	seal_it(k, n, id);
	assert_int_equal(pread(k->fd, a, sizeof(a), (off_t)chunk_offset(0)), sizeof(a));
	assert_int_equal(pread(k->fd, b, sizeof(b), (off_t)chunk_offset(1)), sizeof(b));
	assert_int_equal(pwrite(k->fd, b, sizeof(b), (off_t)chunk_offset(0)), sizeof(b));
	assert_int_equal(open_it(k, key, id, n), ERR_CORRUPT);			/* repeated */
	assert_int_equal(pwrite(k->fd, a, sizeof(a), (off_t)chunk_offset(1)), sizeof(a));
	assert_int_equal(open_it(k, key, id, n), ERR_CORRUPT);			/* swapped */
	seal_it(k, n, id);							/* the same text under the same key once more */
	assert_int_equal(pwrite(k->fd, a, sizeof(a), (off_t)chunk_offset(0)), sizeof(a));
	assert_int_equal(open_it(k, key, id, n), ERR_CORRUPT);
}

static void beginning_twice_never_seals_alike(void **st)
{
	struct kit *k = *st;
	struct chunk *one = NULL, *two = NULL;
	uint8_t h1[CHUNK_HEAD], h2[CHUNK_HEAD], s1[64 + SEAL_TAG], s2[64 + SEAL_TAG];
	unsigned same = 0;

	assert_int_equal(chunk_begin(k->lib, key, id, h1, &one), 0);
	assert_int_equal(chunk_begin(k->lib, key, id, h2, &two), 0);
	assert_int_equal(chunk_seal(one, 0, true, str_make((const char *)k->plain, 64), s1), 0);
	assert_int_equal(chunk_seal(two, 0, true, str_make((const char *)k->plain, 64), s2), 0);
	for (size_t i = 0; i < 64; i++)
		same += s1[i] == s2[i];
	assert_true(same < 16);
	chunk_free(&one);
	chunk_free(&two);
}

static void only_the_last_piece_may_be_short_and_none_too_long(void **st)
{
	struct kit *k = *st;
	struct chunk *c = NULL;
	uint8_t head[CHUNK_HEAD];

	assert_int_equal(chunk_begin(k->lib, key, id, head, &c), 0);
	assert_int_equal(chunk_seal(c, 0, false, str_make((const char *)k->plain, CHUNK_PLAIN - 1), k->room), ERR_LIMIT);
	assert_int_equal(chunk_seal(c, 0, true, str_make((const char *)k->plain, CHUNK_PLAIN + 1), k->room), ERR_LIMIT);
	assert_int_equal(chunk_seal(c, CHUNK_FILE_MAX / CHUNK_PLAIN, true, str_make((const char *)k->plain, 1), k->room), ERR_LIMIT);
	assert_int_equal(chunk_seal(c, 0, true, str_make((const char *)k->plain, CHUNK_PLAIN), k->room), 0);
	assert_int_equal(chunk_open(c, 0, true, str_make((const char *)k->room, 5), k->back), ERR_CORRUPT);
	assert_int_equal(chunk_open(c, 0, false, str_make((const char *)k->room, CHUNK_SEALED), k->back), ERR_CORRUPT);
	assert_int_equal(chunk_open(c, 1, true, str_make((const char *)k->room, CHUNK_SEALED), k->back), ERR_CORRUPT);
	assert_int_equal(chunk_open(c, 0, true, str_make((const char *)k->room, CHUNK_SEALED), k->back), 0);
	chunk_free(&c);
}

static void sizes_that_no_sealed_file_has_are_refused(void **st)
{
	uint64_t plain;

	assert_int_equal(chunk_plain_size(0, &plain), ERR_CORRUPT);
	assert_int_equal(chunk_plain_size(CHUNK_HEAD + SEAL_TAG - 1, &plain), ERR_CORRUPT);
	assert_int_equal(chunk_plain_size(chunk_offset(1) + SEAL_TAG, &plain), ERR_CORRUPT);	/* an empty piece after a full one */
	assert_int_equal(chunk_plain_size(chunk_offset(1) + 3, &plain), ERR_CORRUPT);
	assert_int_equal(chunk_plain_size(UINT64_MAX, &plain), ERR_CORRUPT);
	(void)st;
}

static void a_path_names_the_folder_by_the_first_byte(void **st)
{
	char path[CHUNK_PATH];

	chunk_path("/spool", id, CHUNK_PART, path);
	assert_string_equal(path, "/spool/ab/abcd0000000000000000000000000000.part");
	(void)st;
}

/* Property: whatever is done to a sealed file, each piece either opens to what was sealed at its place or not at all. */
static void no_damage_ever_opens_to_something_else(void **st)
{
	struct kit *k = *st;

	for (unsigned round = 0; round < 300; round++) {
		size_t n = (size_t)rand_below(MOST), claim = rand_below(3) ? n : (size_t)rand_below(MOST);
		struct chunk *c = NULL;
		uint8_t noise[64];

		seal_it(k, n, id);
		for (unsigned i = 0; i < rand_below(3); i++) {
			size_t some = (size_t)rand_below(sizeof(noise)) + 1;

			rand_bytes(noise, some);
			assert_int_equal(pwrite(k->fd, noise, some, (off_t)rand_below(chunk_sealed_size(n))), some);
		}
		assert_int_equal(ftruncate(k->fd, (off_t)(rand_below(4) ? chunk_sealed_size(claim) : rand_below(MOST))), 0);
		if (chunk_read_begin(k->lib, key, id, k->fd, claim, &c) < 0)
			continue;
		for (uint64_t i = 0; i < chunk_count(claim); i++)
			if (chunk_read(c, k->fd, claim, i, k->room, k->back) == 0) {
				assert_true(i * CHUNK_PLAIN + chunk_plain_of(claim, i) <= n);
				assert_int_equal(chunk_plain_of(claim, i), chunk_plain_of(n, i));
				assert_memory_equal(k->back, k->plain + i * CHUNK_PLAIN, chunk_plain_of(claim, i));
			}
		chunk_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_sealed_opens_again_at_every_size, make, drop),
		cmocka_unit_test_setup_teardown(the_whole_file_comes_back_through_descriptors, make, drop),
		cmocka_unit_test_setup_teardown(pieces_open_in_any_order, make, drop),
		cmocka_unit_test_setup_teardown(another_key_or_another_file_opens_nothing, make, drop),
		cmocka_unit_test_setup_teardown(every_changed_byte_is_noticed, make, drop),
		cmocka_unit_test_setup_teardown(a_file_that_was_cut_does_not_open_as_a_shorter_one, make, drop),
		cmocka_unit_test_setup_teardown(nothing_can_be_appended, make, drop),
		cmocka_unit_test_setup_teardown(pieces_cannot_be_swapped_repeated_or_taken_from_another_file, make, drop),
		cmocka_unit_test_setup_teardown(beginning_twice_never_seals_alike, make, drop),
		cmocka_unit_test_setup_teardown(only_the_last_piece_may_be_short_and_none_too_long, make, drop),
		cmocka_unit_test(sizes_that_no_sealed_file_has_are_refused),
		cmocka_unit_test(a_path_names_the_folder_by_the_first_byte),
		cmocka_unit_test_setup_teardown(no_damage_ever_opens_to_something_else, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
