/* bench_vault.c - CPU microseconds for each step of keeping a message; decision 0001 quotes it.
 *
 * bench_vault [messages] [batch]: makes a vault below /tmp, writes messages between 100 pairs in batches, as core does
 * (archive, receiver's queue, acknowledgement, sender's count), and prints CPU time by step.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/rand.h"
#include "crypt/keyring.h"
#include "crypt/seal.h"
#include "vault/vault.h"

#define PAIRS 100

struct people {
	char jid[2 * PAIRS][48];
	char stream[2 * PAIRS][32];
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void report(const char *what, double us, size_t n)
{
	printf("%-44s %8.3f us\n", what, us / (double)n);
}

/* --- sealing alone --------------------------------------------------------------------------------- */

static void bench_seal(void)
{
	struct seal_lib *lib;
	struct seal *s;
	struct seal_mac *m;
	uint8_t key[SEAL_KEY] = { 1 }, out[600];
	char body[450] = "x";
	struct str text = { body, sizeof(body) }, aad = STR("0123456789abcdef0123456789");
	size_t n = 200000;
	double t;

	CHECK(seal_lib_new(&lib) == 0 && seal_new(lib, key, &s) == 0 && seal_mac_new(lib, key, &m) == 0);
	t = cpu_us();
	for (size_t i = 0; i < n; i++)
		CHECK(seal_close_once(lib, key, aad, text, out) == 0);
	report("seal a 450-byte body under a fresh key", cpu_us() - t, n);
	t = cpu_us();
	for (size_t i = 0; i < n; i++)
		CHECK(seal_close(s, aad, str_make(body, SEAL_KEY), out) == 0);
	report("wrap a 32-byte key, schedule kept", cpu_us() - t, n);
	t = cpu_us();
	for (size_t i = 0; i < n; i++)
		CHECK(seal_close(s, aad, text, out) == 0);
	report("seal 450 bytes, schedule kept", cpu_us() - t, n);
	t = cpu_us();
	for (size_t i = 0; i < n; i++)
		seal_mac(m, &text, 1, out);
	report("HMAC over 450 bytes", cpu_us() - t, n);
	t = cpu_us();
	for (size_t i = 0; i < n; i++)
		rand_bytes(out, 32);
	report("32 random bytes", cpu_us() - t, n);
	seal_mac_free(&m);
	seal_free(&s);
	seal_lib_free(&lib);
}

/* --- the whole message ------------------------------------------------------------------------------ */

struct steps {
	double add, push, trim, put, commit;
	size_t n, commits;
};

static void one(struct vault *v, struct people *p, size_t i, struct steps *st)
{
	size_t from = i % (2 * PAIRS), to = from ^ 1;
	char text[512], state[160];
	uint64_t now = clock_wall_ms();
	struct vault_message m = { .id = vault_next_id(v, now), .when_ms = now, .n_owners = 2 };
	struct vault_stream stream = { .id = str_of(p->stream[from]), .owner = str_of(p->jid[from]),
				       .expires_ms = now + 600000 };
	double t0, t1, t2, t3, t4;

	snprintf(text, sizeof(text), "<message from='%.47s/phone' to='%.47s' type='chat' id='m%zu'><body>%0100zu</body>"
		 "<stanza-id xmlns='urn:xmpp:sid:0' by='%.47s' id='0123456789abc'/></message>", p->jid[from], p->jid[to], i, i,
		 p->jid[to]);
	snprintf(state, sizeof(state), "1 %zu %zu 0 1 1 0 1 0\nphone\n<presence><priority>5</priority></presence>", i, i);
	m.stanza = str_of(text);
	m.owners[0] = (struct vault_owner){ str_of(p->jid[from]), str_of(p->jid[to]) };
	m.owners[1] = (struct vault_owner){ str_of(p->jid[to]), str_of(p->jid[from]) };
	stream.state = str_of(state);
	t0 = cpu_us();
	CHECK(vault_archive_add(v, &m) == 0);
	t1 = cpu_us();
	CHECK(vault_stream_push(v, str_of(p->stream[to]), m.owners[1].owner, (uint32_t)i, m.stanza) == 0);
	t2 = cpu_us();
	CHECK(vault_stream_trim(v, str_of(p->stream[to]), (uint32_t)i - 1) == 0);
	t3 = cpu_us();
	CHECK(vault_stream_put(v, &stream) == 0);
	t4 = cpu_us();
	st->add += t1 - t0;
	st->push += t2 - t1;
	st->trim += t3 - t2;
	st->put += t4 - t3;
	st->n++;
}

static void bench_messages(struct vault *v, size_t messages, size_t batch)
{
	struct people *p = calloc(1, sizeof(*p));
	struct steps st = { 0 };
	double start, clock_cost;

	CHECK(p != NULL);
	for (size_t i = 0; i < 2 * PAIRS; i++) {
		snprintf(p->jid[i], sizeof(p->jid[i]), "person%zu@bench.example.test", i);
		rand_text(p->stream[i], 24);
	}
	start = cpu_us();
	for (size_t i = 0; i < 10000; i++)
		(void)cpu_us();
	clock_cost = (cpu_us() - start) / 10000;
	start = cpu_us();
	for (size_t i = 0; i < messages;) {
		double t;

		CHECK(vault_begin(v) == 0);
		for (size_t j = 0; j < batch && i < messages; j++)
			one(v, p, i++, &st);
		t = cpu_us();
		CHECK(vault_commit(v) == 0);
		st.commit += cpu_us() - t;
		st.commits++;
	}
	printf("\n%zu messages, %d pairs, %zu in a transaction; a look at the clock, %.2f us, is taken off\n", messages, PAIRS, batch,
	       clock_cost);
	report("archive: body and two owners", st.add - clock_cost * (double)st.n, st.n);
	report("receiver's queue", st.push - clock_cost * (double)st.n, st.n);
	report("acknowledgement", st.trim - clock_cost * (double)st.n, st.n);
	report("sender's count", st.put - clock_cost * (double)st.n, st.n);
	report("commit, a message", st.commit, st.n);
	report("commit, a transaction", st.commit, st.commits);
	report("the whole message (with making it)", cpu_us() - start - 5 * clock_cost * (double)st.n, st.n);
	free(p);
}

static void bench_audit(struct vault *v)
{
	size_t n = 10000;
	double t = cpu_us();

	for (size_t i = 0; i < n; i += 50) {
		CHECK(vault_begin(v) == 0);
		for (size_t j = 0; j < 50; j++)
			CHECK(vault_audit_add(v, clock_wall_ms(), STR("login"), STR("{\"who\":\"person@bench.example.test\",\"how\":"
				"\"SCRAM-SHA-256-PLUS\",\"from\":\"192.0.2.1\"}")) == 0);
		CHECK(vault_commit(v) == 0);
	}
	report("\naudit entry, 50 in a transaction", cpu_us() - t, n);
}

static void bench_pages(struct vault *v)
{
	struct arena *a = arena_new(64 * 1024 * 1024);
	size_t n = 200;
	double t = cpu_us();

	for (size_t i = 0; i < n; i++) {
		struct vault_query q = { .owner = STR("person7@bench.example.test"), .backward = true, .max = 50 };
		struct vault_page page;

		arena_clear(a);
		CHECK(vault_archive_page(v, &q, a, &page) == 0 && page.n > 0);
	}
	report("last page of 50", cpu_us() - t, n);
	arena_free(&a);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/bench-vault-XXXXXX", data[64], keys[64], cmd[64];
	size_t messages = argc > 1 ? (size_t)atol(argv[1]) : 20000, batch = argc > 2 ? (size_t)atol(argv[2]) : 100;
	struct arena *a = arena_new(1 << 20);
	struct str why = STR_NONE;
	struct vault *v;
	double t;

	CHECK(a && batch > 0 && mkdtemp(dir));
	snprintf(data, sizeof(data), "%s/data", dir);
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	if (vault_key_create(keys, a, &why) < 0 || vault_open(data, keys, true, a, &v, &why) < 0) {
		fprintf(stderr, "%.*s\n", STR_FMT(why));
		return 1;
	}
	bench_seal();
	bench_messages(v, messages, batch);
	bench_pages(v);
	bench_audit(v);
	vault_close(&v);
	t = cpu_us();
	CHECK(vault_open(data, keys, false, a, &v, &why) == 0);
	report("open", cpu_us() - t, 1);
	vault_close(&v);
	arena_free(&a);
	return system(cmd);
}
