#include "base/err.h"

static const struct {
	const char *text, *type, *condition;
} table[] = {
#define ERR(name, text, type, condition) { text, type, condition },
#include "base/err.def"
#undef ERR
};

static int index_of(int err)
{
	int i = -1 - err;

	return i >= 0 && i < ERR_INDEX_COUNT ? i : ERR_INDEX_INTERNAL;
}

const char *err_text(int err)
{
	return err >= 0 ? "ok" : table[index_of(err)].text;
}

const char *err_stanza_type(int err)
{
	return table[index_of(err)].type;
}

const char *err_stanza_condition(int err)
{
	return table[index_of(err)].condition;
}
