/* Cleaned pictures: what tells about them goes, the coded picture stays byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scan/clean.h"

#define BYTES(literal) str_make("" literal, sizeof(literal) - 1)
#define META FACT_BIT(FACT_METADATA)
#define TRAIL FACT_BIT(FACT_TRAILING_DATA)

/* An Exif directory: maker "Firm", turned by 6. */
#define TIFF_MAKE_AND_TURNED "MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x05\0\0\0\x26\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0" "Firm\0"
#define TIFF_TURNED "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"

#define SOI "\xff\xd8"
#define JFIF "\xff\xe0\0\x10JFIF\0\x01\x02\0\0\x48\0\x48\0\0"
#define JFIF_SMALL "\xff\xe0\0\x13JFIF\0\x01\x02\0\0\x48\0\x48\x01\x01rgb"
#define EXIF "\xff\xe1\0\x33" "Exif\0\0" TIFF_MAKE_AND_TURNED
#define EXIF_TURNED "\xff\xe1\0\x22" "Exif\0\0" TIFF_TURNED
#define ICC "\xff\xe2\0\x12" "ICC_PROFILE\0\x01\x01xx"
#define MPF "\xff\xe2\0\x08" "MPF\0xx"
#define ADOBE "\xff\xee\0\x0e" "Adobe\0\x64\0\0\0\0\x01"
#define COMMENT "\xff\xfe\0\x07hello"
#define TABLE "\xff\xdb\0\x05xyz"
#define SCAN1 "\xff\xda\0\x04" "ab\x12\xff\0\x34\xff\xd0\x56"
#define SCAN2 "\xff\xda\0\x04" "cd\x78\xff\xff\0"
#define EOI "\xff\xd9"

static struct clean made;

static int down(void **st)
{
	(void)st;
	clean_release(&made);
	made = (struct clean){ 0 };
	return 0;
}

static int clean(struct str in, uint64_t what)
{
	clean_release(&made);
	made = (struct clean){ .in = in, .what = what };
	return clean_make(&made);
}

static void check_copy(struct str want)
{
	assert_true(made.cleaned);
	assert_int_equal(made.out.n, want.n);
	assert_memory_equal(made.out.p, want.p, want.n);
}

static void a_jpeg_keeps_the_picture_its_colours_and_how_it_is_turned(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES(SOI JFIF_SMALL EXIF ICC MPF ADOBE COMMENT TABLE SCAN1 SCAN2 EOI "<script>"), META | TRAIL), 0);
	assert_true(made.removed == (META | TRAIL));
	check_copy(BYTES(SOI JFIF EXIF_TURNED ICC ADOBE TABLE SCAN1 SCAN2 EOI));
}

static void a_jpeg_loses_only_what_was_asked_for(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES(SOI JFIF COMMENT TABLE SCAN1 EOI "<script>"), TRAIL), 0);
	assert_true(made.removed == TRAIL);
	check_copy(BYTES(SOI JFIF COMMENT TABLE SCAN1 EOI));
	assert_int_equal(clean(BYTES(SOI JFIF COMMENT TABLE SCAN1 EOI "<script>"), META), 0);
	assert_true(made.removed == META);
	check_copy(BYTES(SOI JFIF TABLE SCAN1 EOI "<script>"));
}

static void a_bare_jpeg_is_not_copied(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES(SOI JFIF EXIF_TURNED ICC ADOBE TABLE SCAN1 EOI), META | TRAIL), 0);
	assert_false(made.cleaned);
	assert_int_equal(made.removed, 0);
}

static void a_damaged_jpeg_is_not_cleaned(void **st)
{
	static const struct str bad[] = {
		{ SOI "\xff\xe1", 4 }, { SOI "\xff\xe1\0\x01" "aaaa", 10 }, { SOI "\xff\xe1\x10\0" "aaaa", 10 }, { SOI JFIF EOI, 22 },
		{ SOI "\xff\xd0xx" EOI, 8 }, { SOI JFIF "xx" EOI, 24 },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(clean(bad[i], META | TRAIL), ERR_BAD_FORMAT);
		assert_int_equal(made.out.n, 0);
	}
}

static void every_cut_of_a_picture_is_answered(void **st)
{
	static const struct str whole[] = {
		{ SOI JFIF_SMALL EXIF ICC MPF ADOBE COMMENT TABLE SCAN1 EOI "x", sizeof(SOI JFIF_SMALL EXIF ICC MPF ADOBE COMMENT TABLE SCAN1 EOI) },
		{ TIFF_MAKE_AND_TURNED, sizeof(TIFF_MAKE_AND_TURNED) - 1 },
	};
	char copy[512];

	(void)st;
	for (size_t k = 0; k < sizeof(whole) / sizeof(whole[0]); k++)
		for (size_t n = 0; n <= whole[k].n; n++) {
			int err;

			memcpy(copy, whole[k].p, n);
			err = clean(str_make(copy, n), META | TRAIL);
			assert_true(err == 0 || err == ERR_BAD_FORMAT || err == ERR_UNSUPPORTED);
		}
}

#define PNG "\x89PNG\r\n\x1a\n"
#define IHDR "\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0cccc"
#define IDAT "\0\0\0\x02IDATxxcccc"
#define IEND "\0\0\0\0IENDcccc"
#define TEXT "\0\0\0\x03tEXta\0bcccc"
#define ICCP "\0\0\0\x03iCCPa\0bcccc"
#define PRIVATE "\0\0\0\x03prVta\0bcccc"
#define CRITICAL "\0\0\0\x03PRVTa\0bcccc"
#define PNG_EXIF "\0\0\0\x2b" "eXIf" TIFF_MAKE_AND_TURNED "cccc"

static void a_png_loses_text_and_what_nobody_shows(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES(PNG IHDR TEXT ICCP PRIVATE IDAT IEND "PK\3\4"), META | TRAIL), 0);
	assert_true(made.removed == (META | TRAIL));
	check_copy(BYTES(PNG IHDR ICCP IDAT IEND));
}

static void a_png_stays_turned(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES(PNG IHDR PNG_EXIF IDAT IEND), META), 0);
	assert_int_equal(made.out.n, sizeof(PNG IHDR IDAT IEND) - 1 + 12 + 26);
	assert_memory_equal(made.out.p + sizeof(PNG IHDR) - 1, "\0\0\0\x1a" "eXIf" TIFF_TURNED, 34);
	/* Cleaned again: there is nothing to take. */
	{
		struct clean again = { .in = buf_str(&made.out), .what = META };

		assert_int_equal(clean_make(&again), 0);
		assert_false(again.cleaned);
		clean_release(&again);
	}
}

static void a_png_with_an_unknown_part_that_matters_is_not_cleaned(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES(PNG IHDR CRITICAL IDAT IEND), META), ERR_UNSUPPORTED);
	assert_int_equal(clean(BYTES(PNG IHDR IDAT), META), ERR_BAD_FORMAT);
	assert_int_equal(clean(BYTES(PNG IDAT IEND), META), ERR_BAD_FORMAT);
}

#define GIF "GIF89a\x01\0\x01\0\x80\0\0rgbrgb"
#define GIF_LOOP "!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
#define GIF_XMP "!\xff\x0bXMP DataXMP\x03xml\0"
#define GIF_COMMENT "!\xfe\x03" "abc\x01z\0"
#define GIF_CONTROL "!\xf9\x04\0\0\0\0\0"
#define GIF_IMAGE ",\0\0\0\0\x01\0\x01\0\0\x02\x02L\x01\0"

static void a_gif_still_moves_without_its_comments(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES(GIF GIF_LOOP GIF_XMP GIF_COMMENT GIF_CONTROL GIF_IMAGE ";" "/*js*/"), META | TRAIL), 0);
	assert_true(made.removed == (META | TRAIL));
	check_copy(BYTES(GIF GIF_LOOP GIF_CONTROL GIF_IMAGE ";"));
	assert_int_equal(clean(BYTES(GIF GIF_IMAGE), META), ERR_BAD_FORMAT);
	assert_int_equal(clean(BYTES(GIF "?" ";"), META), ERR_BAD_FORMAT);
}

#define VP8X(flags) "VP8X\x0a\0\0\0" flags "\0\0\0\0\0\0\0\0\0"
#define VP8L "VP8L\x03\0\0\0abc\0"
#define WEBP_EXIF "EXIF\x2b\0\0\0" TIFF_MAKE_AND_TURNED "\0"
#define WEBP_TURNED "EXIF\x1a\0\0\0" TIFF_TURNED
#define WEBP_XMP "XMP \x04\0\0\0<x/>"

static void a_webp_loses_xmp_and_all_of_exif_but_how_it_is_turned(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES("RIFF\x62\0\0\0WEBP" VP8X("\x0c") VP8L WEBP_EXIF WEBP_XMP "more"), META | TRAIL), 0);
	assert_true(made.removed == (META | TRAIL));
	check_copy(BYTES("RIFF\x44\0\0\0WEBP" VP8X("\x08") VP8L WEBP_TURNED));
}

static void a_tiff_is_emptied_in_place(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES(TIFF_MAKE_AND_TURNED), META), 0);
	assert_true(made.removed == META);
	check_copy(BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
}

static void what_is_no_picture_is_not_touched(void **st)
{
	(void)st;
	assert_int_equal(clean(BYTES("hello"), META), ERR_UNSUPPORTED);
	assert_int_equal(clean(BYTES(""), META), ERR_UNSUPPORTED);
	assert_int_equal(clean(BYTES(SOI JFIF TABLE SCAN1 EOI), FACT_BIT(FACT_MACRO)), ERR_UNSUPPORTED);
}

static void a_copy_has_no_more_bytes_than_allowed(void **st)
{
	(void)st;
	made = (struct clean){ .in = BYTES(SOI JFIF COMMENT TABLE SCAN1 EOI), .what = META, .most = 20 };
	assert_int_equal(clean_make(&made), ERR_LIMIT);
	assert_int_equal(made.out.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_jpeg_keeps_the_picture_its_colours_and_how_it_is_turned, down),
		cmocka_unit_test_teardown(a_jpeg_loses_only_what_was_asked_for, down),
		cmocka_unit_test_teardown(a_bare_jpeg_is_not_copied, down),
		cmocka_unit_test_teardown(a_damaged_jpeg_is_not_cleaned, down),
		cmocka_unit_test_teardown(every_cut_of_a_picture_is_answered, down),
		cmocka_unit_test_teardown(a_png_loses_text_and_what_nobody_shows, down),
		cmocka_unit_test_teardown(a_png_stays_turned, down),
		cmocka_unit_test_teardown(a_png_with_an_unknown_part_that_matters_is_not_cleaned, down),
		cmocka_unit_test_teardown(a_gif_still_moves_without_its_comments, down),
		cmocka_unit_test_teardown(a_webp_loses_xmp_and_all_of_exif_but_how_it_is_turned, down),
		cmocka_unit_test_teardown(a_tiff_is_emptied_in_place, down),
		cmocka_unit_test_teardown(what_is_no_picture_is_not_touched, down),
		cmocka_unit_test_teardown(a_copy_has_no_more_bytes_than_allowed, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
