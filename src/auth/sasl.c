/* sasl.c - see sasl.h. SCRAM (RFC 5802), its channel bindings (RFC 5929, RFC 9266) and PLAIN (RFC 4616).
 *
 * What a guesser could tell accounts apart by is kept equal for those that exist and those that do not: the
 * same messages, a salt that is stable, the same work. Syntax and addresses are judged before the account is
 * looked up, so those answers say nothing about it.
 * Deliberately not here: tries and delays (throttle.c, core/stream.c), storage, threads.
 */
#include "auth/sasl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

#define SASL_MAGIC 0x5a510001u
#define SASL_ARENA_BYTES (48 * 1024)		/* two messages, what they decode to and their concatenation */
#define SASL_TEXT_BYTES 768			/* server-first at its longest: 483 bytes, 644 in Base64 */
#define NONCE_BYTES 24				/* ours: 5 bits each, 120 in all */
#define NONCE_MIN 8				/* the client's: shorter ones are not random */
#define NONCE_MAX 256

static const struct {
	const char *name;
	enum sasl_mechanism bit;
} mechanisms[] = {				/* strongest first: clients that do not rank take the first */
	{ .name = "SCRAM-SHA-512-PLUS", .bit = SASL_SCRAM_SHA_512_PLUS },
	{ .name = "SCRAM-SHA-256-PLUS", .bit = SASL_SCRAM_SHA_256_PLUS },
	{ .name = "SCRAM-SHA-1-PLUS", .bit = SASL_SCRAM_SHA_1_PLUS },
	{ .name = "SCRAM-SHA-512", .bit = SASL_SCRAM_SHA_512 },
	{ .name = "SCRAM-SHA-256", .bit = SASL_SCRAM_SHA_256 },
	{ .name = "SCRAM-SHA-1", .bit = SASL_SCRAM_SHA_1 },
	{ .name = "PLAIN", .bit = SASL_PLAIN },
};

/* Places in mechanisms[], their names sorted (XEP-0474 4.1). */
static const uint8_t in_octet_order[] = { 6, 5, 2, 4, 1, 3, 0 };

enum state { IDLE, WANT_FIRST, WAIT_ACCOUNT, WANT_FINAL, WAIT_WORK, OVER };

struct sasl {
	CHECK_MAGIC;
	const struct sasl_conf *conf;
	struct sasl_binding binding;
	enum state state;
	const char *name;			/* of the mechanism */
	enum sasl_mechanism mechanism;
	enum scram_hash hash;
	const char *condition;
	const char *spoiled;			/* the peer spoke while we waited: fail with this afterwards */
	bool wrong_proof, downgrade;
	bool tells_offer;
	bool knows_unique_only;			/* asked for tls-unique on this stream: decision 0003 */
	char *user;
	size_t user_n;
	struct arena *a;			/* of one exchange; wiped */

	enum sasl_account account;
	struct credentials creds;		/* real or fake */
	struct str gs2_header, first_bare, server_first, nonce;
	const uint8_t *binding_data;
	size_t binding_n;
	struct str password;
	bool work_right;
	int work_err;

	char text[SASL_TEXT_BYTES];
	size_t text_n;
};

struct sasl *sasl_new(const struct sasl_conf *conf, const struct sasl_binding *binding)
{
	struct sasl *s = calloc(1, sizeof(*s));

	CHECK(conf->tools && conf->iterations > 0 && conf->domain.n > 0);
	CHECK(binding->exporter_n <= SASL_BINDING_BYTES && binding->endpoint_n <= SASL_BINDING_BYTES);
	if (!s)
		return NULL;
	s->magic = SASL_MAGIC;
	s->conf = conf;
	s->binding = *binding;
	s->condition = "not-authorized";
	return s;
}

/* Forgets the exchange; what the getters show stays. */
static void exchange_wipe(struct sasl *s)
{
	if (s->a)
		arena_free(&s->a);
	secret_wipe(&s->creds, sizeof(s->creds));
	s->gs2_header = s->first_bare = s->server_first = s->nonce = s->password = STR_NONE;
	s->binding_data = NULL;
	s->binding_n = 0;
	s->work_right = false;
	s->spoiled = NULL;
}

void sasl_free(struct sasl **ref)
{
	struct sasl *s = *ref;

	if (!s)
		return;
	CHECK_OBJ(s, SASL_MAGIC);
	exchange_wipe(s);
	free(s->user);
	secret_wipe(s, sizeof(*s));
	free(s);
	*ref = NULL;
}

/* --- how an exchange ends ------------------------------------------------------------------------------ */

static enum sasl_step fail(struct sasl *s, const char *condition)
{
	s->condition = condition;
	s->text_n = 0;
	exchange_wipe(s);
	if (s->state != OVER)			/* who has logged in does not log in again */
		s->state = IDLE;
	return SASL_FAIL;
}

static enum sasl_step fail_syntax(struct sasl *s)
{
	return fail(s, "malformed-request");
}

static enum sasl_step fail_memory(struct sasl *s)
{
	return fail(s, "temporary-auth-failure");
}

/* Text for the peer, in Base64. */
static void set_text(struct sasl *s, const char *p, size_t n)
{
	CHECK(B64_LEN(n) < sizeof(s->text));
	b64_encode(p, n, s->text);
	s->text_n = B64_LEN(n);
}

/* The one place where an exchange is won or lost by its proof. */
static enum sasl_step judge(struct sasl *s, bool right)
{
	bool known = s->account == SASL_ACCOUNT_OK || s->account == SASL_ACCOUNT_DISABLED;

	if (!right || !known) {
		s->wrong_proof = true;
		return fail(s, "not-authorized");
	}
	if (s->account == SASL_ACCOUNT_DISABLED)
		return fail(s, "account-disabled");
	exchange_wipe(s);
	s->state = OVER;
	return SASL_SUCCESS;
}

/* --- who it is --------------------------------------------------------------------------------------------- */

/* Sets the user, or fails. authzid must be the bare JID to the byte: nobody acts for another (RFC 6120 6.3.8). */
static enum sasl_step claim(struct sasl *s, struct str name, struct str authzid)
{
	struct str local;
	int r = jid_prep_local(s->a, name, &local);
	size_t n;

	if (r < 0)
		return r == ERR_JID ? fail(s, "not-authorized") : fail_memory(s);
	n = local.n + 1 + s->conf->domain.n;
	s->user = malloc(n + 1);
	if (!s->user)
		return fail_memory(s);
	memcpy(s->user, local.p, local.n);
	s->user[local.n] = '@';
	memcpy(s->user + local.n + 1, s->conf->domain.p, s->conf->domain.n);
	s->user[n] = 0;
	s->user_n = n;
	if (authzid.n > 0 && !str_eq(authzid, str_make(s->user, n)))
		return fail(s, "invalid-authzid");
	s->state = WAIT_ACCOUNT;
	return SASL_LOOKUP;
}

/* --- SCRAM: the client's first message ------------------------------------------------------------------------ */

/* Takes "x=value" and the comma after it off the front. False: not of that form. */
static bool take_attr(struct str *rest, char *ret_name, struct str *ret_value)
{
	ptrdiff_t comma = str_find_char(*rest, ',');
	size_t n = comma < 0 ? rest->n : (size_t)comma;
	char c = rest->n > 0 ? rest->p[0] : 0;

	if (n < 2 || rest->p[1] != '=' || !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
		return false;
	if (comma >= 0 && n + 1 == rest->n)
		return false;				/* a comma with nothing after it */
	*ret_name = c;
	*ret_value = str_make(rest->p + 2, n - 2);
	*rest = str_cut(*rest, comma < 0 ? n : n + 1);
	return true;
}

static bool take_named(struct str *rest, char name, struct str *ret_value)
{
	char c;

	return take_attr(rest, &c, ret_value) && c == name;
}

/* Extensions we do not know are let be (RFC 5802 5.1), but not known names out of their place, nor 'm'. */
static bool extension_fits(char name, uint64_t *seen)
{
	uint64_t bit = 1ull << (name - 'A');

	if (strchr("anmrcsipve", name) || (*seen & bit))
		return false;
	*seen |= bit;
	return true;
}

static bool nonce_fits(struct str nonce)
{
	if (nonce.n < NONCE_MIN || nonce.n > NONCE_MAX)
		return false;
	for (size_t i = 0; i < nonce.n; i++)
		if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e || nonce.p[i] == ',')
			return false;
	return true;
}

/* saslname: '=2C' and '=3D' stand for ',' and '='. False: another '=', or empty. */
static bool saslname_decode(struct arena *a, struct str text, struct str *ret)
{
	char *p = arena_alloc(a, text.n + 1);
	size_t n = 0;

	if (!p || text.n == 0)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		struct str at = str_cut(text, i);

		if (text.p[i] != '=') {
			p[n++] = text.p[i];
			continue;
		}
		if (!str_starts(at, STR("=2C")) && !str_starts(at, STR("=3D")))
			return false;
		p[n++] = at.p[1] == '2' ? ',' : '=';
		i += 2;
	}
	*ret = str_make(p, n);
	return true;
}

struct first {
	char flag;				/* 'n', 'y' or 'p' */
	struct str binding, authzid, user;
};

/* Splits the message; keeps in s what the proof will be over. */
static bool first_parse(struct sasl *s, struct str msg, struct first *f)
{
	struct str rest = msg, value;
	ptrdiff_t comma = str_find_char(rest, ',');
	uint64_t seen = 0;
	char name;

	if (comma < 1)
		return false;
	f->flag = rest.p[0];
	if (f->flag == 'p' && comma > 2 && rest.p[1] == '=')
		f->binding = str_make(rest.p + 2, (size_t)comma - 2);
	else if (comma != 1 || (f->flag != 'n' && f->flag != 'y'))
		return false;
	rest = str_cut(rest, (size_t)comma + 1);

	if (str_starts(rest, STR(","))) {
		rest = str_cut(rest, 1);
	} else if (!take_named(&rest, 'a', &value) || !saslname_decode(s->a, value, &f->authzid)) {
		return false;
	}
	s->gs2_header = str_make(msg.p, msg.n - rest.n);
	s->first_bare = rest;

	if (!take_named(&rest, 'n', &value) || !saslname_decode(s->a, value, &f->user))
		return false;
	if (!take_named(&rest, 'r', &s->nonce) || !nonce_fits(s->nonce))
		return false;
	while (rest.n > 0)
		if (!take_attr(&rest, &name, &value) || !extension_fits(name, &seen))
			return false;
	return true;
}

/* RFC 5802 6: what the client says about channel binding against what we know. NULL: fine. */
static const char *binding_problem(struct sasl *s, const struct first *f)
{
	bool plus = (s->mechanism & SASL_PLUS) != 0;

	if (plus != (f->flag == 'p'))
		return "malformed-request";
	/* A client that has just tried tls-unique here saw what we offer: its 'y' is a habit, not a sign (decision 0003). */
	if (f->flag == 'y' && !s->knows_unique_only && (sasl_offered(s->conf, &s->binding) & SASL_PLUS)) {
		s->downgrade = true;
		return "not-authorized";
	}
	if (f->flag != 'p')
		return NULL;
	/* tls-unique does not exist in TLS 1.3 and is broken without the extended master secret (triple handshake). It is not
	 * offered; clients that know nothing else may use it where it is sound (decision 0003). */
	if (str_is(f->binding, "tls-exporter") && s->binding.exporter_n > 0) {
		s->binding_data = s->binding.exporter;
		s->binding_n = s->binding.exporter_n;
	} else if (str_is(f->binding, "tls-server-end-point") && s->binding.endpoint_n > 0) {
		s->binding_data = s->binding.endpoint;
		s->binding_n = s->binding.endpoint_n;
	} else if (str_is(f->binding, "tls-unique") && s->binding.unique_n > 0) {
		s->binding_data = s->binding.unique;
		s->binding_n = s->binding.unique_n;
	} else {
		s->knows_unique_only = str_is(f->binding, "tls-unique");
		return "not-authorized";
	}
	return NULL;
}

static enum sasl_step scram_first(struct sasl *s, struct str msg)
{
	struct first f = { .authzid = STR_NONE };
	const char *problem;

	if (!first_parse(s, msg, &f))
		return fail_syntax(s);
	problem = binding_problem(s, &f);
	if (problem)
		return fail(s, problem);
	return claim(s, f.user, f.authzid);
}

#define OFFER_TEXT (3 + B64_LEN(SCRAM_MAX_BYTES) + 7 + 1)

/* XEP-0474 4.1: a hash over what was offered, so that a client sees whether somebody has taken the better ones out. */
static int offer_text(const struct sasl *s, char ret[OFFER_TEXT])
{
	char hash[B64_LEN(SCRAM_MAX_BYTES) + 1], tls[8] = "";
	uint8_t digest[SCRAM_MAX_BYTES];
	unsigned mask = sasl_offered(s->conf, &s->binding);
	struct str all = STR_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(in_octet_order) && all.p; i++)
		if (mask & mechanisms[in_octet_order[i]].bit)
			all = arena_printf(s->a, "%.*s%s%s", STR_FMT(all), all.n ? "\x1e" : "", mechanisms[in_octet_order[i]].name);
	if (all.p && (mask & SASL_PLUS))
		all = arena_printf(s->a, "%.*s\x1f%s%s%s", STR_FMT(all), s->binding.exporter_n ? "tls-exporter" : "",
				   s->binding.exporter_n && s->binding.endpoint_n ? "\x1e" : "",
				   s->binding.endpoint_n ? "tls-server-end-point" : "");
	if (!all.p || scram_digest(s->conf->tools, s->hash, all, digest) < 0)
		return ERR_NOMEM;
	b64_encode(digest, scram_bytes(s->hash), hash);
	if (s->binding.tls_version)		/* XEP-0515 4.1 */
		snprintf(tls, sizeof(tls), ",t=%04x", s->binding.tls_version);
	snprintf(ret, OFFER_TEXT, ",h=%s%s", hash, tls);
	return 0;
}

/* The account is known, or known to be missing: our first message. */
static enum sasl_step scram_challenge(struct sasl *s)
{
	const struct scram_verifier *v = &s->creds.v[s->hash];
	char nonce[NONCE_BYTES + 1], salt[B64_LEN(SCRAM_SALT_MAX) + 1], more[OFFER_TEXT] = "";

	rand_text(nonce, NONCE_BYTES);
	b64_encode(v->salt, v->salt_n, salt);
	if (s->tells_offer && offer_text(s, more) < 0)
		return fail_memory(s);
	s->server_first = arena_printf(s->a, "r=%.*s%s,s=%s,i=%u%s", STR_FMT(s->nonce), nonce, salt, v->iterations, more);
	if (!s->server_first.p)
		return fail_memory(s);
	s->nonce = str_make(s->server_first.p + 2, s->nonce.n + NONCE_BYTES);
	set_text(s, s->server_first.p, s->server_first.n);
	s->state = WANT_FINAL;
	return SASL_CHALLENGE;
}

/* --- SCRAM: the client's final message --------------------------------------------------------------------------- */

struct final {
	struct str binding, nonce, without_proof;
	uint8_t proof[SCRAM_MAX_BYTES];
};

static bool final_parse(const struct sasl *s, struct str msg, struct final *f)
{
	struct str rest = msg, value;
	uint64_t seen = 0;
	size_t n;
	char name;

	if (!take_named(&rest, 'c', &f->binding) || !take_named(&rest, 'r', &f->nonce))
		return false;
	for (;;) {
		struct str before = rest;

		if (!take_attr(&rest, &name, &value))
			return false;
		if (name == 'p') {
			f->without_proof = str_make(msg.p, msg.n - before.n - 1);
			break;
		}
		if (!extension_fits(name, &seen))
			return false;
	}
	return rest.n == 0 && b64_decode(value, f->proof, sizeof(f->proof), &n) == 0 && n == scram_bytes(s->hash);
}

/* 0 when c= is the GS2 header of the first message and the data of this very connection; ERR_FORBIDDEN when not. */
static int binding_right(struct sasl *s, struct str text)
{
	size_t cap = text.n / 4 * 3 + 3, n;
	uint8_t *got = arena_alloc(s->a, cap);

	if (!got)
		return ERR_NOMEM;
	if (b64_decode(text, got, cap, &n) < 0)
		return ERR_BAD_FORMAT;
	if (n != s->gs2_header.n + s->binding_n || memcmp(got, s->gs2_header.p, s->gs2_header.n) != 0)
		return ERR_FORBIDDEN;
	if (s->binding_n > 0 && !secret_eq(got + s->gs2_header.n, s->binding_data, s->binding_n))
		return ERR_FORBIDDEN;
	return 0;
}

static enum sasl_step scram_final(struct sasl *s, struct str msg)
{
	char reply[2 + B64_LEN(SCRAM_MAX_BYTES) + 1] = "v=";
	uint8_t signature[SCRAM_MAX_BYTES];
	struct final f = { .binding = STR_NONE };
	struct str signed_text;
	bool right;
	int r;

	if (!final_parse(s, msg, &f))
		return fail_syntax(s);
	r = binding_right(s, f.binding);
	if (r == ERR_BAD_FORMAT)
		return fail_syntax(s);
	if (r == ERR_FORBIDDEN || (r == 0 && !str_eq(f.nonce, s->nonce)))
		return fail(s, "not-authorized");
	if (r < 0)
		return fail_memory(s);
	signed_text = arena_printf(s->a, "%.*s,%.*s,%.*s", STR_FMT(s->first_bare), STR_FMT(s->server_first),
				   STR_FMT(f.without_proof));
	if (!signed_text.p)
		return fail_memory(s);
	r = scram_verify(s->conf->tools, s->hash, &s->creds.v[s->hash], signed_text, f.proof, &right, signature);
	if (r < 0)
		return fail_memory(s);
	b64_encode(signature, scram_bytes(s->hash), reply + 2);
	set_text(s, reply, 2 + B64_LEN(scram_bytes(s->hash)));	/* forgotten again unless the proof is right */
	return judge(s, right);
}

/* --- PLAIN ---------------------------------------------------------------------------------------------------------- */

static enum sasl_step plain_message(struct sasl *s, struct str msg)
{
	ptrdiff_t one = str_find_char(msg, 0), two;
	struct str rest, name;

	if (one < 0)
		return fail_syntax(s);
	rest = str_cut(msg, (size_t)one + 1);
	two = str_find_char(rest, 0);
	if (two < 1)
		return fail_syntax(s);
	name = str_make(rest.p, (size_t)two);
	s->password = str_cut(rest, (size_t)two + 1);
	if (s->password.n == 0 || str_find_char(s->password, 0) >= 0)
		return fail_syntax(s);
	return claim(s, name, str_make(msg.p, (size_t)one));
}

void sasl_work(struct sasl *s)
{
	CHECK_OBJ(s, SASL_MAGIC);
	CHECK(s->state == WAIT_WORK);
	s->work_err = scram_check_password(s->conf->tools, s->password, &s->creds, &s->work_right);
}

enum sasl_step sasl_worked(struct sasl *s)
{
	CHECK_OBJ(s, SASL_MAGIC);
	CHECK(s->state == WAIT_WORK);
	if (s->spoiled)
		return fail(s, s->spoiled);
	if (s->work_err < 0 && s->work_err != ERR_BAD_FORMAT)
		return fail_memory(s);
	return judge(s, s->work_err == 0 && s->work_right);	/* ERR_BAD_FORMAT: nobody can have that password */
}

/* --- what the caller hands in -------------------------------------------------------------------------------------------- */

/* The account's verifiers, or false ones of the same looks. Both cost the same. */
static void creds_set(struct sasl *s, const struct credentials *creds)
{
	const struct sasl_conf *c = s->conf;
	enum scram_hash hash = s->mechanism == SASL_PLAIN ? SCRAM_SHA_256 : s->hash;

	s->creds = (struct credentials){ 0 };
	scram_fake(c->tools, c->fake_key, sasl_user(s), c->iterations, hash, &s->creds.v[hash]);
	if (s->account != SASL_ACCOUNT_OK && s->account != SASL_ACCOUNT_DISABLED)
		return;
	CHECK(creds);
	if (s->mechanism == SASL_PLAIN)
		s->creds = *creds;
	else if (creds->v[hash].iterations > 0)
		s->creds.v[hash] = creds->v[hash];
	else
		s->account = SASL_ACCOUNT_UNKNOWN;	/* no verifier for this hash: cannot be proven */
}

enum sasl_step sasl_account(struct sasl *s, const struct credentials *creds, enum sasl_account what)
{
	CHECK_OBJ(s, SASL_MAGIC);
	CHECK(s->state == WAIT_ACCOUNT);
	if (s->spoiled)
		return fail(s, s->spoiled);
	if (what == SASL_ACCOUNT_THROTTLED || what == SASL_ACCOUNT_ERROR)
		return fail(s, "temporary-auth-failure");
	if (what == SASL_ACCOUNT_OTHER)
		return fail(s, "invalid-authzid");
	s->account = what;
	creds_set(s, creds);
	if (s->mechanism != SASL_PLAIN)
		return scram_challenge(s);
	s->state = WAIT_WORK;
	return SASL_WORK;
}

static enum sasl_step message(struct sasl *s, struct str text)
{
	size_t cap = text.n / 4 * 3, n = 0;
	uint8_t *p;

	if (text.n > LIMIT_SASL_TEXT)
		return fail_syntax(s);
	/* "=" would be an empty message (RFC 6120 6.4.2); no mechanism here has one, and it is not Base64. */
	p = arena_alloc(s->a, cap + 1);
	if (!p)
		return fail_memory(s);
	if (b64_decode(text, p, cap, &n) < 0)
		return fail(s, "incorrect-encoding");
	if (!utf8_valid(str_make((char *)p, n)))
		return fail_syntax(s);
	if (s->mechanism == SASL_PLAIN)
		return plain_message(s, str_make((char *)p, n));
	if (memchr(p, 0, n))
		return fail_syntax(s);
	return s->state == WANT_FINAL ? scram_final(s, str_make((char *)p, n)) : scram_first(s, str_make((char *)p, n));
}

/* A name from the peer: its entry, or the condition to fail with. */
static const char *mechanism_find(struct sasl *s, struct str name)
{
	struct sasl_conf loose = *s->conf;

	if (!s->binding.tls)
		return "encryption-required";
	loose.binding_required = false;
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++) {
		unsigned bit = mechanisms[i].bit;

		if (!str_is(name, mechanisms[i].name))
			continue;
		if (!(sasl_offered(s->conf, &s->binding) & bit))
			return sasl_offered(&loose, &s->binding) & bit ? "mechanism-too-weak" : "invalid-mechanism";
		s->mechanism = mechanisms[i].bit;
		s->name = mechanisms[i].name;
		for (unsigned h = 0; h < SCRAM_HASHES; h++)
			if (bit & (1u << h | 1u << (h + 3)))
				s->hash = (enum scram_hash)h;
		return NULL;
	}
	return "invalid-mechanism";
}

void sasl_tell_offer(struct sasl *s, bool on)
{
	CHECK_OBJ(s, SASL_MAGIC);
	s->tells_offer = on;
}

enum sasl_step sasl_begin(struct sasl *s, struct str mechanism, struct str text)
{
	const char *problem;

	CHECK_OBJ(s, SASL_MAGIC);
	if (s->state == WAIT_ACCOUNT || s->state == WAIT_WORK) {
		s->spoiled = "malformed-request";
		return SASL_WAIT;
	}
	if (s->state != IDLE)
		return fail_syntax(s);
	s->wrong_proof = s->downgrade = false;
	s->name = NULL;
	s->text_n = 0;
	free(s->user);
	s->user = NULL;
	s->user_n = 0;
	problem = mechanism_find(s, mechanism);
	if (problem)
		return fail(s, problem);
	s->a = arena_new(SASL_ARENA_BYTES);
	if (!s->a)
		return fail_memory(s);
	arena_wipe_on_free(s->a);
	s->state = WANT_FIRST;
	return text.n > 0 ? message(s, text) : SASL_CHALLENGE;
}

enum sasl_step sasl_respond(struct sasl *s, struct str text)
{
	CHECK_OBJ(s, SASL_MAGIC);
	if (s->state == WAIT_ACCOUNT || s->state == WAIT_WORK) {
		s->spoiled = "malformed-request";
		return SASL_WAIT;
	}
	if (s->state != WANT_FIRST && s->state != WANT_FINAL)
		return fail_syntax(s);
	s->text_n = 0;
	return message(s, text);
}

enum sasl_step sasl_abort(struct sasl *s)
{
	CHECK_OBJ(s, SASL_MAGIC);
	if (s->state == WAIT_ACCOUNT || s->state == WAIT_WORK) {
		s->spoiled = "aborted";
		return SASL_WAIT;
	}
	return fail(s, "aborted");
}

/* --- what it shows ----------------------------------------------------------------------------------------------------------- */

struct str sasl_text(const struct sasl *s)
{
	return str_make(s->text, s->text_n);
}

const char *sasl_condition(const struct sasl *s)
{
	return s->condition;
}

struct str sasl_user(const struct sasl *s)
{
	return s->user ? str_make(s->user, s->user_n) : STR_NONE;
}

const char *sasl_mechanism_name(const struct sasl *s)
{
	return s->name ? s->name : "";
}

bool sasl_is_wrong_proof(const struct sasl *s)
{
	return s->wrong_proof;
}

bool sasl_is_unbound(const struct sasl *s)
{
	return s->knows_unique_only;
}

bool sasl_is_downgrade(const struct sasl *s)
{
	return s->downgrade;
}

unsigned sasl_offered(const struct sasl_conf *conf, const struct sasl_binding *b)
{
	unsigned mask = conf->mechanisms;

	if (!b->tls)
		return 0;
	if (b->exporter_n == 0 && b->endpoint_n == 0)
		mask &= ~SASL_PLUS;
	return conf->binding_required ? mask & SASL_PLUS : mask;
}

void sasl_offer_mechanisms(const struct sasl_conf *conf, const struct sasl_binding *b, struct buf *out)
{
	unsigned mask = sasl_offered(conf, b);

	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (mask & mechanisms[i].bit)
			buf_printf(out, "<mechanism>%s</mechanism>", mechanisms[i].name);
}

int sasl_offer(const struct sasl_conf *conf, const struct sasl_binding *b, struct buf *out)
{
	unsigned mask = sasl_offered(conf, b);

	if (mask == 0)
		return 0;
	buf_str_add(out, STR("<mechanisms xmlns='" NS_SASL "'>"));
	sasl_offer_mechanisms(conf, b, out);
	buf_str_add(out, STR("</mechanisms>"));
	if (mask & SASL_PLUS) {
		buf_str_add(out, STR("<sasl-channel-binding xmlns='" NS_SASL_CB "'>"));
		if (b->exporter_n > 0)
			buf_str_add(out, STR("<channel-binding type='tls-exporter'/>"));
		if (b->endpoint_n > 0)
			buf_str_add(out, STR("<channel-binding type='tls-server-end-point'/>"));
		buf_str_add(out, STR("</sasl-channel-binding>"));
	}
	return out->failed ? ERR_NOMEM : 0;
}
