/* stream_upgrade.c - XEP-0480: a verifier that the account lacks, or that has fewer rounds than today's, made at login.
 *
 * Only the client has the password, so it derives the new SaltedPassword. Only after the password itself was proven: a
 * token is no reason to take a new way in. What comes is a way in for this very password's account until the next
 * password, so the account's devices stay.
 */
#include <stdlib.h>

#include "auth/scram.h"
#include "base/b64.h"
#include "base/limits.h"
#include "base/rand.h"
#include "base/secret.h"
#include "core/state.h"
#include "core/stream_parts.h"
#include "xmpp/ns.h"

/* SCRAM-SHA-1 is served, but nobody is led to it. */
static const enum scram_hash upgrades[] = { SCRAM_SHA_256, SCRAM_SHA_512 };

static bool is_task(struct str name, enum scram_hash hash)
{
	return str_starts(name, STR("UPGR-")) && str_is(str_cut(name, 5), scram_name(hash));
}

/* Of the hashes that are served. The same for every account (XEP-0388 4). */
void stream_upgrade_offer(const struct stream *st, struct buf *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(upgrades); i++)
		if (st->srv->sasl.mechanisms & 1u << upgrades[i])
			buf_printf(b, "<upgrade xmlns='" NS_UPGRADE "'>UPGR-%s</upgrade>", scram_name(upgrades[i]));
}

void stream_upgrade_parse(struct stream *st, struct sasl2 *x, const struct node *n)
{
	for (const struct node *u = node_child(n, NS_UPGRADE, "upgrade"); u; u = node_child_next(u, NS_UPGRADE, "upgrade")) {
		struct str name = node_text(x->a, u);

		for (size_t i = 0; i < ARRAY_SIZE(upgrades); i++)
			if (is_task(name, upgrades[i]) && (st->srv->sasl.mechanisms & 1u << upgrades[i]))
				x->upgrades |= 1u << upgrades[i];
	}
}

bool stream_upgrade_next(struct stream *st)
{
	struct sasl2 *x = st->sasl2;
	struct buf b;

	x->task = TASK_NONE;
	x->upgrades &= st->lacking;
	for (size_t i = 0; i < ARRAY_SIZE(upgrades) && !x->task; i++)
		if (x->upgrades & 1u << upgrades[i]) {
			x->task = TASK_OFFERED;
			x->task_hash = upgrades[i];
		}
	if (!x->task)
		return false;
	buf_init(&b, 2048);
	buf_printf(&b, "<continue xmlns='" NS_SASL2 "'>");
	if (x->text.n)
		buf_printf(&b, "<additional-data>%.*s</additional-data>", STR_FMT(x->text));
	buf_printf(&b, "<tasks><task>UPGR-%s</task></tasks></continue>", scram_name(x->task_hash));
	stream_send(st, buf_str(&b));
	buf_release(&b);
	x->text = STR_NONE;			/* said; <success/> will answer a task (XEP-0388 2.6.1) */
	return true;
}

/* <next/>: salt and rounds. */
static bool begin(struct stream *st, const struct node *n)
{
	struct sasl2 *x = st->sasl2;
	struct scram_verifier *v = &x->upgraded.v[x->task_hash];
	char salt[B64_LEN(SCRAM_SALT_BYTES) + 1];
	struct buf b;

	if (x->task != TASK_OFFERED || !is_task(node_attr(n, "task"), x->task_hash))
		return false;
	x->task = TASK_SALTED;
	v->iterations = st->srv->sasl.iterations;
	v->salt_n = SCRAM_SALT_BYTES;
	rand_bytes(v->salt, v->salt_n);
	b64_encode(v->salt, v->salt_n, salt);
	buf_init(&b, 1024);
	buf_printf(&b, "<task-data xmlns='" NS_SASL2 "'><salt xmlns='" NS_SCRAM_UPGRADE "' iterations='%u'>%s</salt></task-data>",
		   v->iterations, salt);
	stream_send(st, buf_str(&b));
	buf_release(&b);
	return true;
}

/* <task-data/>: the SaltedPassword. */
static bool finish(struct stream *st, struct arena *a, const struct node *n)
{
	struct sasl2 *x = st->sasl2;
	const struct node *hash = node_child(n, NS_SCRAM_UPGRADE, "hash");
	uint8_t salted[SCRAM_MAX_BYTES];
	size_t bytes = 0;
	bool ok = x->task == TASK_SALTED && hash && b64_decode(node_text(a, hash), salted, sizeof(salted), &bytes) == 0 &&
		  bytes == scram_bytes(x->task_hash) &&
		  scram_from_salted(st->srv->scram, x->task_hash, salted, &x->upgraded.v[x->task_hash]) == 0;

	secret_wipe(salted, sizeof(salted));
	if (!ok)
		return false;
	x->upgrades &= ~(1u << x->task_hash);
	x->done |= 1u << x->task_hash;
	return true;
}

void stream_upgrade_in(struct stream *st, struct arena *a, const struct node *n)
{
	const char *why = "malformed-request";

	if (node_is(n, NS_SASL2, "next") && begin(st, n))
		return;
	if (node_is(n, NS_SASL2, "task-data") && finish(st, a, n)) {
		if (!stream_upgrade_next(st))
			stream_device_record(st);
		return;
	}
	if (node_is(n, NS_SASL2, "abort"))
		why = "aborted";
	sasl_free(&st->sasl);			/* the stream is as before the request */
	stream_login_fail(st, why);
}

int stream_upgrade_store(struct vault *v, const struct sasl2 *x, struct str credentials)
{
	struct credentials c = { 0 };
	uint8_t blob[SCRAM_BLOB_BYTES];
	size_t n;
	int r;

	if (!x->done)
		return 0;
	r = scram_decode(credentials, &c);
	for (unsigned h = 0; r == 0 && h < SCRAM_HASHES; h++)
		if (x->done & 1u << h)
			c.v[h] = x->upgraded.v[h];
	if (r == 0) {
		n = scram_encode(&c, blob);
		r = vault_account_rehash(v, x->user, str_make((const char *)blob, n));
	}
	secret_wipe(&c, sizeof(c));
	secret_wipe(blob, sizeof(blob));
	return r;
}
