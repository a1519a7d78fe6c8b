/* fuzz_config.c - any bytes as wardroom.yaml: a config whose every value is in range, or a printable reason. */
#include "base/check.h"
#include "base/utf8.h"
#include "config/config.h"
#include "config/option.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void value_check(const struct option *o, const struct config *c)
{
	const void *field = (const char *)c + o->offset;
	unsigned words = 0;
	uint64_t v;

	while (o->words && o->words[words])
		words++;
	switch (o->type) {
	case OPTION_INT:
		v = *(const unsigned *)field;
		CHECK((v >= o->min && v <= o->max) || (v == 0 && o->zero));
		return;
	case OPTION_PORT:
		CHECK(*(const unsigned *)field <= 65535);
		return;
	case OPTION_BYTES:
	case OPTION_DURATION:
		v = *(const uint64_t *)field;
		CHECK((v >= o->min && v <= o->max) || (v == 0 && o->zero));
		return;
	case OPTION_BOOL:
		CHECK(*(const uint8_t *)field <= 1);
		return;
	case OPTION_ENUM:
		CHECK(*(const unsigned *)field < (o->n_ready ? o->n_ready : words));
		return;
	case OPTION_SET:
		CHECK(*(const unsigned *)field != 0 && *(const unsigned *)field < 1u << words);
		return;
	case OPTION_ADDRESS:
	case OPTION_DOMAIN:
	case OPTION_PATH:
		CHECK(o->zero || **(const char *const *)field != 0);
		CHECK(utf8_valid(str_of(*(const char *const *)field)));
		return;
	case OPTION_TEXT:
	case OPTION_TEXTS:
		return;			/* in lists alone */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(1024 * 1024);
	struct config *c = NULL;
	struct str why = STR_NONE;
	int r = config_parse(str_make((const char *)p, n), "f", a, &c, &why);

	if (r == 0) {
		for (size_t i = 0; i < option_count; i++)
			value_check(&option_table[i], c);
		config_unref(&c);
	} else {
		CHECK(r == ERR_BAD_FORMAT && !c);
		CHECK(str_starts(why, STR("f:")) && why.n < 4096 && utf8_valid(why));
		for (size_t i = 0; i < why.n; i++)
			CHECK((uint8_t)why.p[i] >= 0x20 && why.p[i] != 0x7f);
	}
	arena_free(&a);
	return 0;
}
