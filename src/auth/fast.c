/* fast.c - see fast.h. */
#include "auth/fast.h"

#include "base/b64.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "xmpp/ns.h"

static const struct {
	const char *name;
	enum fast_mechanism m;
} mechanisms[] = {				/* strongest first */
	{ .name = "HT-SHA-256-EXPR", .m = FAST_EXPORTER },
	{ .name = "HT-SHA-256-ENDP", .m = FAST_END_POINT },
	{ .name = "HT-SHA-256-NONE", .m = FAST_UNBOUND },
};

static bool is_offered(const struct sasl_conf *conf, const struct sasl_binding *b, enum fast_mechanism m)
{
	bool bound = (conf->mechanisms & SASL_PLUS) != 0;

	if (!conf->tokens || sasl_offered(conf, b) == 0)
		return false;
	switch (m) {
	case FAST_EXPORTER:
		return bound && b->exporter_n > 0;
	case FAST_END_POINT:
		return bound && b->endpoint_n > 0;
	case FAST_UNBOUND:
		return !conf->binding_required;
	case FAST_NO_MECHANISM:
		break;
	}
	return false;
}

bool fast_is_name(struct str mechanism)
{
	return str_starts(mechanism, STR("HT-"));
}

enum fast_mechanism fast_find(const struct sasl_conf *conf, const struct sasl_binding *binding, struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (str_is(name, mechanisms[i].name) && is_offered(conf, binding, mechanisms[i].m))
			return mechanisms[i].m;
	return FAST_NO_MECHANISM;
}

const char *fast_name(enum fast_mechanism m)
{
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (mechanisms[i].m == m)
			return mechanisms[i].name;
	return "";
}

void fast_offer(const struct sasl_conf *conf, const struct sasl_binding *binding, struct buf *b)
{
	if (!conf->tokens)
		return;
	buf_printf(b, "<fast xmlns='" NS_FAST "'>");
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (is_offered(conf, binding, mechanisms[i].m))
			buf_printf(b, "<mechanism>%s</mechanism>", mechanisms[i].name);
	buf_printf(b, "</fast>");
}

/* authcid NUL HMAC: the HMAC is any bytes, so its length finds the NUL. */
int fast_parse(struct arena *a, struct str base64, struct fast_message *ret)
{
	size_t cap = base64.n / 4 * 3, n;
	uint8_t *p;

	if (base64.n > LIMIT_SASL_TEXT)
		return ERR_BAD_REQUEST;
	p = arena_alloc(a, cap + 1);
	if (!p)
		return ERR_LIMIT;
	if (b64_decode(base64, p, cap, &n) < 0)
		return ERR_BAD_FORMAT;
	if (n < FAST_PROOF + 2 || p[n - FAST_PROOF - 1] != 0)
		return ERR_BAD_REQUEST;
	ret->name = str_make((const char *)p, n - FAST_PROOF - 1);
	if (memchr(p, 0, ret->name.n) || !utf8_valid(ret->name))
		return ERR_BAD_REQUEST;
	memcpy(ret->proof, p + n - FAST_PROOF, FAST_PROOF);
	return 0;
}

/* HMAC(token, side || cb-data) */
static int sign(const struct scram_tools *tools, const struct sasl_binding *b, enum fast_mechanism m, const struct vault_token *t,
		const char *side, uint8_t ret[FAST_PROOF])
{
	char text[16 + SASL_BINDING_BYTES];
	size_t n = strlen(side), data_n = m == FAST_EXPORTER ? b->exporter_n : m == FAST_END_POINT ? b->endpoint_n : 0;

	CHECK(n <= 16 && data_n <= SASL_BINDING_BYTES);
	memcpy(text, side, n);
	memcpy(text + n, m == FAST_EXPORTER ? b->exporter : b->endpoint, data_n);
	return scram_hmac(tools, SCRAM_SHA_256, str_make(t->secret, VAULT_TOKEN), str_make(text, n + data_n), ret);
}

static int compare(const struct scram_tools *tools, const struct sasl_binding *b, enum fast_mechanism m, const struct vault_token *t,
		   const uint8_t proof[FAST_PROOF], bool *ret)
{
	uint8_t own[FAST_PROOF];
	int r = sign(tools, b, m, t, "Initiator", own);

	if (r == 0)
		*ret = secret_eq(own, proof, FAST_PROOF) && t->mechanism == (uint32_t)m;
	secret_wipe(own, sizeof(own));
	return r;
}

int fast_check(const struct scram_tools *tools, const struct sasl_binding *binding, enum fast_mechanism m,
	       const uint8_t proof[FAST_PROOF], uint64_t count, uint64_t now_ms, struct vault_device *d, enum fast_verdict *ret,
	       uint8_t ret_answer[FAST_PROOF])
{
	bool is_next = false, is_current = false;
	struct vault_token *t;
	int r = compare(tools, binding, m, &d->next, proof, &is_next);

	if (r == 0)
		r = compare(tools, binding, m, &d->current, proof, &is_current);
	if (r < 0)
		return r;
	t = is_next ? &d->next : &d->current;
	*ret = FAST_WRONG;
	if (m == FAST_NO_MECHANISM || (!is_next && !is_current) || (count > 0 && count <= t->count))
		return 0;
	*ret = FAST_EXPIRED;
	if (now_ms >= t->expires_ms)
		return 0;
	r = sign(tools, binding, m, t, "Responder", ret_answer);
	if (r < 0)
		return r;
	if (count > 0)
		t->count = count;
	if (is_next) {
		d->current = d->next;
		secret_wipe(&d->next, sizeof(d->next));
	}
	*ret = FAST_RIGHT;
	return 0;
}

bool fast_is_due(const struct vault_device *d, uint64_t rotate_ms, uint64_t now_ms)
{
	return d->current.mechanism != FAST_NO_MECHANISM && now_ms >= d->current.issued_ms + rotate_ms;
}

void fast_issue(struct vault_device *d, enum fast_mechanism m, uint64_t lifetime_ms, uint64_t now_ms)
{
	char secret[VAULT_TOKEN + 1];

	rand_text(secret, VAULT_TOKEN);
	d->next = (struct vault_token){ .mechanism = (uint32_t)m, .issued_ms = now_ms, .expires_ms = now_ms + lifetime_ms };
	memcpy(d->next.secret, secret, VAULT_TOKEN);
	secret_wipe(secret, sizeof(secret));
}

void fast_invalidate(struct vault_device *d)
{
	secret_wipe(&d->current, sizeof(d->current));
	secret_wipe(&d->next, sizeof(d->next));
}

bool fast_has_token(const struct vault_device *d, uint64_t now_ms)
{
	return (d->current.mechanism != FAST_NO_MECHANISM && now_ms < d->current.expires_ms) ||
	       (d->next.mechanism != FAST_NO_MECHANISM && now_ms < d->next.expires_ms);
}
