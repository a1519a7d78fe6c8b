/* file_fact.c - the table of file_fact.def, as arrays. */
#include "inspect/file_fact.h"

#include "base/check.h"

static const struct fact_row {
	const char *name, *key, *text;
	enum file_action act;
} rows[FACT_COUNT] = {
#define FACT(name, key, act, text) [FACT_##name] = { #name, key, text, FILE_##act },
#include "inspect/file_fact.def"
#undef FACT
};

_Static_assert(FACT_COUNT <= 64, "a set of facts is one word");

const char *file_fact_name(unsigned fact)
{
	CHECK(fact < FACT_COUNT);
	return rows[fact].name;
}

const char *file_fact_key(unsigned fact)
{
	CHECK(fact < FACT_COUNT);
	return rows[fact].key;
}

const char *file_fact_text(unsigned fact)
{
	CHECK(fact < FACT_COUNT);
	return rows[fact].text;
}

enum file_action file_fact_default(unsigned fact)
{
	CHECK(fact < FACT_COUNT);
	return rows[fact].act;
}
