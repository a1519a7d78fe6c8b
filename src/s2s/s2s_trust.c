/* s2s_trust.c - see s2s_trust.h. OpenSSL builds and checks the chain; the names are looked at here. */
#include "s2s/s2s_trust.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "xmpp/jid.h"

#define TRUST_ARENA_BYTES 65536
#define OID_SRV_NAME "1.3.6.1.5.5.7.8.7"	/* id-on-dnsSRV (RFC 4985) */
#define OID_XMPP_ADDR "1.3.6.1.5.5.7.8.5"	/* id-on-xmppAddr (RFC 6120 13.7.1.4) */
#define HOST_FLAGS (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

struct s2s_trust {
	X509_STORE *store;
};

int s2s_trust_new(const char *ca, struct arena *a, struct s2s_trust **ret, struct str *ret_why)
{
	struct s2s_trust *t = calloc(1, sizeof(*t));

	*ret_why = STR("out of memory");
	if (t)
		t->store = X509_STORE_new();
	if (!t || !t->store) {
		free(t);
		return ERR_NOMEM;
	}
	ERR_clear_error();
	if (*ca ? X509_STORE_load_file(t->store, ca) != 1 : X509_STORE_set_default_paths(t->store) != 1) {
		*ret_why = arena_printf(a, "s2s.ca: %s is not a readable file of certificates (PEM)", *ca ? ca : "the system's");
		ERR_clear_error();
		s2s_trust_free(&t);
		return ERR_BAD_FORMAT;
	}
	*ret = t;
	return 0;
}

void s2s_trust_free(struct s2s_trust **t)
{
	if (!*t)
		return;
	X509_STORE_free((*t)->store);
	free(*t);
	*t = NULL;
}

/* --- names ------------------------------------------------------------------------------------------------- */

static struct str asn1(const ASN1_STRING *s)
{
	return str_make((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* "_xmpp-server.example.org" */
static bool srv_name_fits(const ASN1_TYPE *v, struct str ascii)
{
	static const struct str services[] = { { "_xmpp-server.", 13 }, { "_xmpps-server.", 14 } };
	struct str name;

	if (v->type != V_ASN1_IA5STRING)
		return false;
	name = asn1(v->value.ia5string);
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (str_starts(name, services[i]) && str_eq_nocase(str_cut(name, services[i].n), ascii))
			return true;
	return false;
}

static bool xmpp_addr_fits(struct arena *a, const ASN1_TYPE *v, struct str domain)
{
	struct jid jid;

	return v->type == V_ASN1_UTF8STRING && jid_parse(a, asn1(v->value.utf8string), &jid) == 0 && !jid.local.n && !jid.resource.n &&
	       str_eq(jid.domain, domain);
}

static bool other_name_fits(struct arena *a, const OTHERNAME *o, struct str domain, struct str ascii)
{
	char oid[64];

	if (OBJ_obj2txt(oid, sizeof(oid), o->type_id, 1) <= 0)
		return false;
	if (strcmp(oid, OID_SRV_NAME) == 0)
		return srv_name_fits(o->value, ascii);
	return strcmp(oid, OID_XMPP_ADDR) == 0 && xmpp_addr_fits(a, o->value, domain);
}

static bool name_fits(X509 *x, struct str domain)
{
	struct arena *a = arena_new(TRUST_ARENA_BYTES);
	GENERAL_NAMES *names = NULL;
	struct str ascii;
	bool fits = false;

	if (!a || jid_domain_ascii(a, domain, &ascii) < 0) {
		arena_free(&a);
		return false;
	}
	/* With no dNSName at all, only the other names are left: the subject is never looked at. */
	fits = X509_check_host(x, ascii.p, ascii.n, HOST_FLAGS, NULL) == 1;
	if (!fits)
		names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; names && !fits && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		fits = g->type == GEN_OTHERNAME && other_name_fits(a, g->d.otherName, domain, ascii);
	}
	GENERAL_NAMES_free(names);
	arena_free(&a);
	ERR_clear_error();
	return fits;
}

/* --- the chain ---------------------------------------------------------------------------------------------------- */

static const char *chain_why(int e)
{
	switch (e) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "its certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "its certificate is not valid yet";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return "its certificate is signed by nobody we trust (self-signed)";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "its certificate is signed by nobody we trust";
	case X509_V_ERR_INVALID_PURPOSE:
		return "its certificate is for another purpose";
	default:
		return "its certificate does not verify";
	}
}

static int verify(const struct s2s_trust *t, X509 *x, STACK_OF(X509) *chain, int purpose)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	int e = X509_V_ERR_OUT_OF_MEM;

	if (c && X509_STORE_CTX_init(c, t->store, x, chain) == 1 && X509_STORE_CTX_set_purpose(c, purpose) == 1) {
		X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(c), (time_t)(clock_wall_ms() / 1000));
		bool ok = X509_verify_cert(c) == 1;

		e = X509_STORE_CTX_get_error(c);
		if (ok != (e == X509_V_OK))
			e = X509_V_ERR_UNSPECIFIED;
	}
	X509_STORE_CTX_free(c);
	ERR_clear_error();
	return e;
}

bool s2s_trust_certificate(const struct s2s_trust *t, X509 *x, STACK_OF(X509) *chain, struct str domain, const char **ret_why)
{
	/* Both ends of a federated connection are servers, and authorities certify servers. */
	int e = verify(t, x, chain, X509_PURPOSE_SSL_SERVER);

	if (e == X509_V_ERR_INVALID_PURPOSE)
		e = verify(t, x, chain, X509_PURPOSE_SSL_CLIENT);
	*ret_why = e == X509_V_OK ? "its certificate is for another name" : chain_why(e);
	return e == X509_V_OK && name_fits(x, domain);
}

bool s2s_trust_holds(const struct s2s_trust *t, SSL *ssl, struct str domain, const char **ret_why)
{
	X509 *x = SSL_get1_peer_certificate(ssl);
	bool ok;

	*ret_why = "it shows no certificate";
	if (!x)
		return false;
	ok = s2s_trust_certificate(t, x, SSL_get_peer_cert_chain(ssl), domain, ret_why);
	X509_free(x);
	return ok;
}
