/* Cleaned documents of old: the storages of macros and objects are gone from the tree and wiped, the rest lies where it lay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scan/cfb.h"
#include "scan/clean.h"

#define NONE 0xffffffffu
#define SECTOR 512
#define SECTORS 9			/* header, table, two of directory, then one of each stream */

static uint8_t file[SECTORS * SECTOR];
static struct clean made;

static void put(size_t at, unsigned bytes, uint32_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		file[at + i] = (uint8_t)(v >> 8 * i);
}

static void entry(unsigned n, const char *name, uint8_t type, uint32_t left, uint32_t right, uint32_t child, uint32_t start)
{
	size_t at = 2 * SECTOR + n * 128u;

	for (size_t i = 0; name[i]; i++)
		file[at + 2 * i] = (uint8_t)name[i];
	put(at + 64, 2, (uint32_t)strlen(name) * 2 + 2);
	file[at + 66] = type;
	put(at + 68, 4, left);
	put(at + 72, 4, right);
	put(at + 76, 4, child);
	put(at + 116, 4, start);
	put(at + 120, 4, type == CFB_STREAM ? SECTOR : 0);
}

static int up(void **st)
{
	(void)st;
	memset(file, 0, sizeof(file));
	memcpy(file, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
	put(0x1e, 2, 9);
	put(0x20, 2, 6);
	put(0x2c, 4, 1);
	put(0x30, 4, 1);		/* the directory: sectors 1 and 2 */
	put(0x3c, 4, NONE);
	put(0x44, 4, NONE);
	for (unsigned i = 0; i < 109; i++)
		put(0x4c + 4 * i, 4, i == 0 ? 0 : NONE);
	for (unsigned i = 0; i < SECTOR / 4; i++)
		put(SECTOR + 4 * i, 4, i == 0 ? 0xfffffffd : i == 1 ? 2 : i < SECTORS - 1 ? 0xfffffffe : NONE);
	entry(0, "Root Entry", CFB_ROOT, NONE, NONE, 2, NONE);
	entry(1, "1Table", CFB_STREAM, NONE, NONE, NONE, 3);
	entry(2, "Macros", CFB_STORAGE, 1, 5, 3, 0);
	entry(3, "VBA", CFB_STORAGE, NONE, NONE, 4, 0);
	entry(4, "Module1", CFB_STREAM, NONE, NONE, NONE, 4);
	entry(5, "ObjectPool", CFB_STORAGE, NONE, 6, 7, 0);
	entry(6, "WordDocument", CFB_STREAM, NONE, NONE, NONE, 5);
	entry(7, "\1Ole10Native", CFB_STREAM, NONE, NONE, NONE, 6);
	memset(file + 4 * SECTOR, 'T', SECTOR);
	memset(file + 5 * SECTOR, 'M', SECTOR);
	memset(file + 6 * SECTOR, 'W', SECTOR);
	memset(file + 7 * SECTOR, 'O', SECTOR);
	return 0;
}

static int down(void **st)
{
	(void)st;
	clean_release(&made);
	made = (struct clean){ 0 };
	return 0;
}

static int clean(uint64_t what, size_t n)
{
	clean_release(&made);
	made = (struct clean){ .in = { (const char *)file, n }, .what = what };
	return clean_make(&made);
}

static char first_of(const char *name)
{
	const struct cfb_entry *e;
	struct cfb c;
	struct buf b;
	bool whole;
	char found = 0;

	assert_int_equal(cfb_open(buf_str(&made.out), &c), 0);
	buf_init(&b, SECTOR);
	e = cfb_find(&c, name);
	if (e && cfb_read(&c, e, SECTOR, &b, &whole) == 0 && b.n == SECTOR)
		found = b.p[0];
	buf_release(&b);
	cfb_release(&c);
	return found;
}

static void macros_go_and_the_text_stays(void **st)
{
	(void)st;
	assert_int_equal(clean(FACT_BIT(FACT_MACRO), sizeof(file)), 0);
	assert_true(made.removed == (FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_MACRO_AUTO)));
	assert_int_equal(made.out.n, sizeof(file));
	assert_int_equal(first_of("WordDocument"), 'W');
	assert_int_equal(first_of("1Table"), 'T');
	assert_int_equal(first_of("\1Ole10Native"), 'O');
	assert_int_equal(first_of("Module1"), 0);
	assert_null(memchr(made.out.p + 4 * SECTOR, 'M', SECTOR * 4));
	/* Cleaned again: nothing. */
	{
		struct clean again = { .in = buf_str(&made.out), .what = FACT_BIT(FACT_MACRO) };

		assert_int_equal(clean_make(&again), 0);
		assert_false(again.cleaned);
		clean_release(&again);
	}
}

static void objects_go_and_macros_that_are_allowed_stay(void **st)
{
	(void)st;
	assert_int_equal(clean(FACT_BIT(FACT_EMBEDDED_OBJECT), sizeof(file)), 0);
	assert_true(made.removed == FACT_BIT(FACT_EMBEDDED_OBJECT));
	assert_int_equal(first_of("Module1"), 'M');
	assert_int_equal(first_of("\1Ole10Native"), 0);
	assert_null(memchr(made.out.p + 4 * SECTOR, 'O', SECTOR * 4));
}

static void a_tree_that_runs_in_a_circle_is_not_cleaned(void **st)
{
	(void)st;
	put(2 * SECTOR + 6 * 128 + 72, 4, 2);			/* WordDocument's right neighbour: Macros again */
	assert_int_equal(clean(FACT_BIT(FACT_MACRO), sizeof(file)), ERR_BAD_FORMAT);
	up(NULL);
	put(2 * SECTOR + 4 * 128 + 68, 4, 99);
	assert_int_equal(clean(FACT_BIT(FACT_MACRO), sizeof(file)), ERR_BAD_FORMAT);
	assert_int_equal(made.out.n, 0);
}

static void every_cut_and_every_byte_changed_is_answered(void **st)
{
	(void)st;
	for (size_t n = 0; n < sizeof(file); n += 61)
		(void)!clean(FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_EMBEDDED_OBJECT), n);
	for (size_t i = 0; i < 4 * SECTOR; i++) {
		uint8_t was = file[i];

		file[i] ^= 0xff;
		(void)!clean(FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_EMBEDDED_OBJECT), sizeof(file));
		assert_true(made.out.n == 0 || made.out.n == sizeof(file));
		file[i] = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(macros_go_and_the_text_stays, up, down),
		cmocka_unit_test_setup_teardown(objects_go_and_macros_that_are_allowed_stay, up, down),
		cmocka_unit_test_setup_teardown(a_tree_that_runs_in_a_circle_is_not_cleaned, up, down),
		cmocka_unit_test_setup_teardown(every_cut_and_every_byte_changed_is_answered, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
