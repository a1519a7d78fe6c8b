/* clean_ole.c - takes storages out of an old Office document (MS-CFB): macros, the pools of embedded objects, who made it.
 *
 * In place: the document's own stream knows nothing of where things lie in the file, so nothing of it has to be understood or moved. What
 * goes is wiped, its entries become free, and the tree of what stays in that storage is built anew. Macros of Excel 4 and those of PowerPoint lie
 * within the document's stream: there is nothing to take, a second look sees them, and the file is held.
 */
#include <stdlib.h>
#include <strings.h>

#include "scan/cfb.h"
#include "scan/clean_parts.h"

#define ENTRY 128
#define MINI 64
#define NONE 0xffffffffu
#define DEPTH_MAX 16

struct ole {
	struct clean *c;
	struct cfb cfb;			/* of the original: its tables hold for the copy too */
	char *p;			/* the copy */
	size_t n;
	size_t *at;			/* where each entry of the directory lies */
	size_t n_at;
	size_t *mini_at;		/* and each small sector */
	size_t n_mini;
	bool *seen;
	bool document;			/* Word's or Excel's: its objects lie in storages of their own */
	int err;
};

bool clean_ole_is(struct str in)
{
	return str_starts(in, STR("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"));
}

/* Places of the sectors of a chain, each cut into pieces. */
static size_t *chain(const struct ole *o, uint32_t id, size_t piece, size_t *ret_n)
{
	size_t most = o->n / o->cfb.sector + 1, per = o->cfb.sector / piece, *v = calloc(most * per, sizeof(*v));

	*ret_n = 0;
	for (size_t hops = 0; v && hops < most; hops++) {
		uint64_t at = ((uint64_t)id + 1) * o->cfb.sector;

		if (id >= o->cfb.n_fat || at + o->cfb.sector > o->n)
			break;
		for (size_t k = 0; k < per; k++)
			v[(*ret_n)++] = (size_t)at + k * piece;
		id = o->cfb.fat[id];
	}
	return v;
}

static uint32_t get(const struct ole *o, uint32_t entry, size_t field)
{
	return clean_le32(o->p + o->at[entry] + field);
}

static void put(struct ole *o, uint32_t entry, size_t field, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		o->p[o->at[entry] + field + i] = (char)(v >> 8 * i);
}

enum { LEFT = 68, RIGHT = 72, CHILD = 76, START = 116, SIZE = 120 };

static uint8_t type(const struct ole *o, uint32_t entry)
{
	return (uint8_t)o->p[o->at[entry] + 66];
}

static void name(const struct ole *o, uint32_t entry, char ret[CFB_NAME])
{
	const char *p = o->p + o->at[entry];

	memset(ret, 0, CFB_NAME);
	for (unsigned i = 0; i < CFB_NAME - 1; i++)
		ret[i] = p[2 * i + 1] ? '?' : p[2 * i];
}

static int fact_of(const struct ole *o, uint32_t entry)
{
	static const struct { const char *name; uint8_t type, fact; } names[] = {
		{ "Macros", CFB_STORAGE, FACT_MACRO }, { "_VBA_PROJECT_CUR", CFB_STORAGE, FACT_MACRO }, { "VBA", CFB_STORAGE, FACT_MACRO },
		{ "ObjectPool", CFB_STORAGE, FACT_EMBEDDED_OBJECT },
		{ "\5SummaryInformation", CFB_STREAM, FACT_METADATA }, { "\5DocumentSummaryInformation", CFB_STREAM, FACT_METADATA },
		{ "_signatures", CFB_STORAGE, FACT_SIGNED }, { "_xmlsignatures", CFB_STORAGE, FACT_SIGNED },
	};
	char s[CFB_NAME];

	name(o, entry, s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (type(o, entry) == names[i].type && strcasecmp(s, names[i].name) == 0)
			return names[i].fact;
	return o->document && type(o, entry) == CFB_STORAGE && strncasecmp(s, "MBD", 3) == 0 && strlen(s) == 11 ? FACT_EMBEDDED_OBJECT : -1;
}

static void wipe_stream(struct ole *o, uint32_t entry)
{
	uint64_t size = get(o, entry, SIZE);
	uint32_t id = get(o, entry, START);
	size_t n;

	if (size < clean_le32(o->p + 0x38)) {
		for (size_t hops = 0; id < o->n_mini && hops < o->n_mini; hops++) {
			memset(o->p + o->mini_at[id], 0, MINI);
			id = id < o->cfb.n_mini_fat ? o->cfb.mini_fat[id] : NONE;
		}
	} else {
		size_t *v = chain(o, id, o->cfb.sector, &n);

		if (!v)
			o->err = ERR_NOMEM;
		for (size_t i = 0; v && i < n; i++)
			memset(o->p + v[i], 0, o->cfb.sector);
		free(v);
	}
}

static void visit(struct ole *o, uint32_t storage, unsigned depth, bool drop);

/* The children of a storage in their order. */
static void gather(struct ole *o, uint32_t entry, uint32_t *v, size_t *n, unsigned *hops)
{
	uint32_t stack[512];
	size_t depth = 0;

	while (o->err == 0 && (entry != NONE || depth > 0)) {
		if (entry != NONE) {
			if (entry >= o->n_at || o->seen[entry] || depth == 512 || ++*hops > o->n_at) {
				o->err = ERR_BAD_FORMAT;
				return;
			}
			o->seen[entry] = true;
			stack[depth++] = entry;
			entry = get(o, entry, LEFT);
		} else {
			entry = stack[--depth];
			v[(*n)++] = entry;
			entry = get(o, entry, RIGHT);
		}
	}
}

static uint32_t build(struct ole *o, const uint32_t *v, size_t n)
{
	size_t mid = n / 2;

	if (n == 0)
		return NONE;
	put(o, v[mid], LEFT, build(o, v, mid));
	put(o, v[mid], RIGHT, build(o, v + mid + 1, n - mid - 1));
	o->p[o->at[v[mid]] + 67] = 1;			/* black: readers do not ask whether it is balanced to the letter */
	return v[mid];
}

static void free_entry(struct ole *o, uint32_t entry)
{
	memset(o->p + o->at[entry], 0, ENTRY);
	put(o, entry, LEFT, NONE);
	put(o, entry, RIGHT, NONE);
	put(o, entry, CHILD, NONE);
}

static void child(struct ole *o, uint32_t entry, unsigned depth, bool drop)
{
	if (type(o, entry) == CFB_STORAGE)
		visit(o, entry, depth + 1, drop);
	else if (drop && type(o, entry) == CFB_STREAM)
		wipe_stream(o, entry);
	if (drop && o->err == 0)
		free_entry(o, entry);
}

static void visit(struct ole *o, uint32_t storage, unsigned depth, bool drop)
{
	uint32_t *v = calloc(o->n_at + 1, sizeof(*v));
	size_t n = 0, stay = 0;
	unsigned hops = 0;

	if (!v || depth > DEPTH_MAX)
		o->err = v ? ERR_LIMIT : ERR_NOMEM;
	else
		gather(o, get(o, storage, CHILD), v, &n, &hops);
	for (size_t i = 0; i < n && o->err == 0; i++) {
		int fact = fact_of(o, v[i]);
		bool goes = drop || (fact >= 0 && clean_wants(o->c, (unsigned)fact));

		if (goes && !drop)
			o->c->removed |= FACT_BIT(fact) | (fact == FACT_MACRO ? FACT_BIT(FACT_MACRO_AUTO) : 0);
		child(o, v[i], depth, goes);
		if (!goes)
			v[stay++] = v[i];
	}
	if (o->err == 0 && !drop && stay < n)
		put(o, storage, CHILD, build(o, v, stay));
	free(v);
}

/* Entries that no storage names: readers do not see them, other checks do. */
static void strays(struct ole *o)
{
	for (uint32_t i = 1; i < o->n_at && o->err == 0; i++)
		if (!o->seen[i] && type(o, i) != CFB_FREE) {
			if (type(o, i) == CFB_STREAM)
				wipe_stream(o, i);
			free_entry(o, i);
		}
}

static void clean_copy(struct ole *o)
{
	o->at = chain(o, clean_le32(o->p + 0x30), ENTRY, &o->n_at);
	o->seen = calloc(o->n_at + 1, sizeof(*o->seen));
	if (!o->at || !o->seen || o->n_at == 0 || o->n_at > CFB_ENTRIES) {
		o->err = o->n_at > CFB_ENTRIES ? ERR_LIMIT : o->at && o->seen ? ERR_BAD_FORMAT : ERR_NOMEM;
		return;
	}
	o->mini_at = chain(o, get(o, 0, START), MINI, &o->n_mini);
	if (!o->mini_at) {
		o->err = ERR_NOMEM;
		return;
	}
	o->seen[0] = true;
	visit(o, 0, 0, false);
	if (o->err == 0 && o->c->removed)
		strays(o);
}

int clean_ole(struct clean *c)
{
	struct ole o = { .c = c };
	int err = cfb_open(c->in, &o.cfb);

	if (err < 0)
		return err;
	o.document = cfb_find(&o.cfb, "WordDocument") || cfb_find(&o.cfb, "Workbook") || cfb_find(&o.cfb, "Book");
	if (!o.document && !cfb_find(&o.cfb, "PowerPoint Document"))
		err = ERR_UNSUPPORTED;			/* mail, installers, drawings */
	if (err == 0)
		err = buf_str_add(&c->out, c->in);
	o.p = c->out.p;
	o.n = c->out.n;
	if (err == 0) {
		clean_copy(&o);
		err = o.err;
	}
	free(o.at);
	free(o.mini_at);
	free(o.seen);
	cfb_release(&o.cfb);
	return err;
}
