/* fill_archive.c - writes an archive of any size into an instance, for measuring pages out of it.
 *
 * fill_archive DIR OWNER MESSAGES: OWNER's, with 50 contacts, a message a minute until now. No server runs on DIR.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "vault/vault.h"

#define CONTACTS 50
#define BATCH 256

static int fill(struct vault *v, struct str owner, uint64_t n)
{
	uint64_t now = clock_wall_ms();
	char peer[64], text[512];

	for (uint64_t i = 0; i < n; i++) {
		struct vault_message m = { .when_ms = now - (n - i) * 60000, .n_owners = 1 };
		int r = i % BATCH == 0 ? vault_begin(v) : 0;

		snprintf(peer, sizeof(peer), "contact%" PRIu64 "@bench.example", i % CONTACTS);
		snprintf(text, sizeof(text), "<message from='%s/desk' to='%.*s' type='chat' id='m%" PRIu64 "'><body>message %" PRIu64
			 " of a long conversation, about as long as people write</body></message>", peer, STR_FMT(owner), i, i);
		m.id = m.when_ms << 20 | (i & 0xfffff);
		m.stanza = str_of(text);
		m.owners[0] = (struct vault_owner){ .owner = owner, .peer = str_of(peer) };
		if (r == 0)
			r = vault_archive_add(v, &m);
		if (r == 0 && (i % BATCH == BATCH - 1 || i == n - 1))
			r = vault_commit(v);
		if (r < 0)
			return r;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new(1 << 20);
	char data[4096], keys[4096];
	struct str why = STR_NONE;
	struct vault *v;
	int r;

	if (argc != 4 || !a) {
		fputs("use: fill_archive DIR OWNER MESSAGES\n", stderr);
		return 2;
	}
	snprintf(data, sizeof(data), "%s/data", argv[1]);
	snprintf(keys, sizeof(keys), "%s/keys", argv[1]);
	r = vault_open(data, keys, false, a, &v, &why);
	if (r == 0) {
		r = fill(v, str_of(argv[2]), strtoull(argv[3], NULL, 10));
		vault_close(&v);
	}
	if (r < 0)
		fprintf(stderr, "fill_archive: %s %.*s\n", err_text(r), STR_FMT(why));
	arena_free(&a);
	return r < 0;
}
