#include "scan/scan.h"

#include <stdlib.h>

#include "scan/digest.h"
#include "scan/names.h"
#include "scan/scan_parts.h"

int scan_new(struct scan **ret)
{
	struct scan *s = calloc(1, sizeof(*s));
	int err = s ? sniff_new(&s->sniff) : ERR_NOMEM;

	if (err < 0) {
		scan_free(&s);
		return err;
	}
	*ret = s;
	return 0;
}

void scan_free(struct scan **s)
{
	if (!*s)
		return;
	sniff_free(&(*s)->sniff);
	free(*s);
	*s = NULL;
}

static void look_at(struct look *l, struct str name, struct str declared, struct str bytes)
{
	char mime[SCAN_TYPE];
	enum kind k;

	if (l->in->part)
		l->in->part(l->in->part_ctx, str_of(l->where), bytes);
	names_check(l, name);
	k = sniff_kind(l->tools->sniff, bytes, mime);
	if (l->depth == 0)
		memcpy(l->out->type, mime, sizeof(mime));
	sniff_check(l, name, declared, k, mime, bytes);
}

int scan_run(struct scan *s, const struct scan_in *in, struct scan_out *ret)
{
	uint64_t may = SCAN_RATIO_FREE + (uint64_t)in->bytes.n * SCAN_RATIO;
	struct look l = { .in = in, .out = ret, .tools = s, .unpacked_max = may < SCAN_UNPACKED ? may : SCAN_UNPACKED };

	*ret = (struct scan_out){ 0 };
	digest_sha256(in->bytes, ret->sha256);
	digest_tlsh(in->bytes, ret->tlsh);
	look_at(&l, in->name, in->type, in->bytes);
	return 0;
}
