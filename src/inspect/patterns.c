/* patterns.c - see patterns.h. The second engine exists for processors without SSE4.2, and as the oracle of the tests. */
#include "inspect/patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <hs.h>
#include <pcre2.h>
#include <stdlib.h>

struct patterns {
	size_t n;
	hs_database_t *database;
	hs_scratch_t *scratch;
	pcre2_code **codes;		/* n of them; NULL: Vectorscan does it */
	pcre2_match_data *match;
	pcre2_match_context *context;
};

void patterns_free(struct patterns **p)
{
	if (!*p)
		return;
	for (size_t i = 0; (*p)->codes && i < (*p)->n; i++)
		pcre2_code_free((*p)->codes[i]);
	free((*p)->codes);
	pcre2_match_data_free((*p)->match);
	pcre2_match_context_free((*p)->context);
	hs_free_scratch((*p)->scratch);
	hs_free_database((*p)->database);
	free(*p);
	*p = NULL;
}

static int compile_pcre2(struct patterns *p, const struct pattern *v, size_t *ret_bad)
{
	p->codes = calloc(p->n + 1, sizeof(*p->codes));
	p->context = pcre2_match_context_create(NULL);
	if (!p->codes || !p->context)
		return ERR_NOMEM;
	pcre2_set_match_limit(p->context, PATTERN_STEPS);
	for (size_t i = 0; i < p->n; i++) {
		uint32_t flags = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | (v[i].caseless ? PCRE2_CASELESS : 0);
		PCRE2_SIZE at;
		int why;

		p->codes[i] = pcre2_compile((PCRE2_SPTR)v[i].regex, PCRE2_ZERO_TERMINATED, flags, &why, &at, NULL);
		if (!p->codes[i]) {
			*ret_bad = i;
			return ERR_BAD_FORMAT;
		}
		(void)pcre2_jit_compile(p->codes[i], PCRE2_JIT_COMPLETE);	/* without it the same, slower */
	}
	p->match = pcre2_match_data_create(1, NULL);
	return p->match ? 0 : ERR_NOMEM;
}

/* platform NULL: this machine's. */
static int compile_hs(struct patterns *p, const struct pattern *v, const hs_platform_info_t *platform, size_t *ret_bad)
{
	const char **regex = calloc(p->n + 1, sizeof(*regex));
	unsigned *flags = calloc(p->n + 1, sizeof(*flags)), *ids = calloc(p->n + 1, sizeof(*ids));
	hs_compile_error_t *why = NULL;
	int r = regex && flags && ids ? 0 : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		regex[i] = v[i].regex;
		flags[i] = HS_FLAG_SOM_LEFTMOST | HS_FLAG_UTF8 | (v[i].caseless ? HS_FLAG_CASELESS : 0u);
		ids[i] = (unsigned)i;
	}
	if (r == 0 && hs_compile_multi(regex, flags, ids, (unsigned)p->n, HS_MODE_BLOCK, platform, &p->database, &why) != HS_SUCCESS) {
		*ret_bad = why && why->expression >= 0 ? (size_t)why->expression : 0;
		r = why && why->expression < 0 ? ERR_NOMEM : ERR_BAD_FORMAT;
		hs_free_compile_error(why);
	}
	if (r == 0 && hs_alloc_scratch(p->database, &p->scratch) != HS_SUCCESS)
		r = ERR_NOMEM;
	free(regex);
	free(flags);
	free(ids);
	return r;
}

int patterns_new(const struct pattern *v, size_t n, enum patterns_engine engine, struct patterns **ret, size_t *ret_bad)
{
	struct patterns *p;
	int r;

	*ret_bad = 0;
	if (n == 0 || n > PATTERNS)
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++)
		if (strlen(v[i].regex) > PATTERN_BYTES) {
			*ret_bad = i;
			return ERR_BAD_FORMAT;
		}
	p = calloc(1, sizeof(*p));
	if (!p)
		return ERR_NOMEM;
	p->n = n;
	r = engine == PATTERNS_BEST && hs_valid_platform() == HS_SUCCESS ? compile_hs(p, v, NULL, ret_bad) : compile_pcre2(p, v, ret_bad);
	if (r < 0)
		patterns_free(&p);
	else
		*ret = p;
	return r;
}

int patterns_load(const void *saved, size_t n_saved, const struct pattern *v, size_t n, enum patterns_engine engine, struct patterns **ret, size_t *ret_bad)
{
	struct patterns *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->n = n;
	if (engine == PATTERNS_BEST && hs_valid_platform() == HS_SUCCESS && hs_deserialize_database(saved, n_saved, &p->database) == HS_SUCCESS &&
	    hs_alloc_scratch(p->database, &p->scratch) == HS_SUCCESS) {
		*ret = p;
		return 0;
	}
	patterns_free(&p);
	return patterns_new(v, n, engine, ret, ret_bad);
}

int patterns_save(const struct pattern *v, size_t n, char **ret, size_t *ret_n)
{
	static const hs_platform_info_t any;
	struct patterns *p = calloc(1, sizeof(*p));
	size_t bad;
	int r;

	if (!p)
		return ERR_NOMEM;
	p->n = n;
	r = compile_hs(p, v, &any, &bad);
	if (r == 0 && hs_serialize_database(p->database, ret, ret_n) != HS_SUCCESS)
		r = ERR_NOMEM;
	patterns_free(&p);
	return r;
}

struct scan {
	patterns_found *found;
	void *ctx;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
	const struct scan *s = ctx;

	(void)flags;
	s->found(s->ctx, id, from, to);
	return 0;
}

static int scan_pcre2(struct patterns *p, size_t which, struct str text, const struct scan *s)
{
	size_t at = 0;

	while (at <= text.n) {
		int n = pcre2_match(p->codes[which], (PCRE2_SPTR)text.p, text.n, at, at ? PCRE2_NO_UTF_CHECK : 0, p->match, p->context);
		PCRE2_SIZE *v = pcre2_get_ovector_pointer(p->match);

		if (n == PCRE2_ERROR_NOMATCH)
			return 0;
		if (n < 0)
			return n == PCRE2_ERROR_NOMEMORY ? ERR_NOMEM : ERR_LIMIT;
		s->found(s->ctx, which, v[0], v[1]);
		at = v[0] + 1;		/* the next may begin within this one */
		while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80)
			at++;
	}
	return 0;
}

int patterns_scan(struct patterns *p, struct str text, patterns_found *found, void *ctx)
{
	struct scan s = { found, ctx };
	int r = 0;

	if (text.n == 0)
		return 0;
	if (text.n > UINT32_MAX)
		return ERR_LIMIT;
	if (!p->codes)
		return hs_scan(p->database, text.p, (unsigned)text.n, 0, p->scratch, on_match, &s) == HS_SUCCESS ? 0 : ERR_LIMIT;
	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = scan_pcre2(p, i, text, &s);
	return r;
}
