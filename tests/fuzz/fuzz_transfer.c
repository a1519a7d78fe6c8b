/* Whatever a stanza holds: what is found lies in it, can be taken out, and is not found a second time; nothing is read past its end. */
#include "base/check.h"
#include "base/limits.h"
#include "inspect/blob.h"
#include "inspect/picture.h"
#include "inspect/transfer.h"
#include "xmpp/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool own(void *ctx, struct str url)
{
	(void)ctx;
	return str_find(url, STR("own")) >= 0;
}

static void lies_in(const struct node *stanza, const struct transfer_part *part)
{
	const struct node *up = part->node;

	while (up && up != stanza)
		up = up->parent;
	CHECK(up == stanza && part->node != stanza && part->road < TRANSFER_ROADS);
	CHECK(!node_is_text(part->node) || (part->from < part->to && part->to <= part->node->text.n));
	CHECK((unsigned)transfer_rule(part) < RULE_COUNT);
}

static void stanza(struct arena *a, struct node *s)
{
	struct transfer_conf conf = { .inline_bytes = 4096, .own = own };
	struct transfer found, again;

	CHECK(transfer_find(s, &conf, a, &found) == 0 && found.n <= TRANSFER_PARTS);
	CHECK(transfer_find(s, &conf, a, &again) == 0 && again.n == found.n && again.more == found.more);
	for (unsigned i = 0; i < found.n; i++)
		lies_in(s, &found.v[i]);
	(void)transfer_hide(s, true, true);
	CHECK(transfer_hide(s, true, true) == 0);
	for (unsigned i = found.n; i-- > 0;)
		CHECK(transfer_strip(&found.v[i], a) == 0);
	CHECK(transfer_find(s, &conf, a, &again) == 0 && (again.n == 0 || found.more || again.n < found.n));
	(void)transfer_is_empty(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct str text = str_make((const char *)p, n);
	struct blob blobs[BLOBS];
	struct transfer_key key;
	struct node *s = NULL;
	unsigned count;
	bool more;

	CHECK(a);
	(void)picture_type(p, n);
	(void)blob_kind_of(p, n);
	(void)transfer_key_of(text, &key);
	count = blob_find(text, blobs, &more);
	for (unsigned i = 0; i < count; i++) {
		CHECK(blobs[i].from < blobs[i].to && blobs[i].to <= n && (i == 0 || blobs[i].from >= blobs[i - 1].to));
		CHECK(blobs[i].payload.p >= text.p && blobs[i].payload.p + blobs[i].payload.n <= text.p + n);
	}
	if (n <= LIMIT_STANZA_BYTES && wire_parse(a, text, &s) == 0)
		stanza(a, s);
	arena_free(&a);
	return 0;
}
