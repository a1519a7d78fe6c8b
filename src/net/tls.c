/* tls.c - see tls.h. */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define HANDSHAKES_PER_MINUTE 20	/* security-tests 38: after the handshake itself */

struct tls_ctx {
	unsigned refs;
	SSL_CTX *ssl;
	int64_t not_after;
};

/* What is counted for one connection; the SSL object carries it. */
struct flood {
	uint64_t since_ms;
	unsigned n;
	bool done;		/* the first handshake is over */
	bool over;
};

static void flood_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	free(ptr);
}

static int flood_index(void)
{
	static int index = -1;	/* RULE: OpenSSL's registry of extra data is process-wide; asked once */

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, flood_free);
	return index;
}

static void on_info(const SSL *ssl, int where, int ret)
{
	struct flood *f = SSL_get_ex_data(ssl, flood_index());

	(void)ret;
	if (f && (where & SSL_CB_HANDSHAKE_DONE))
		f->done = true;
}

/* Every message as it passes. The info callback is silent about KeyUpdate in TLS 1.3. */
static void on_message(int is_out, int version, int type, const void *p, size_t n, SSL *ssl, void *arg)
{
	struct flood *f = SSL_get_ex_data(ssl, flood_index());
	uint64_t now;

	(void)version;
	(void)p;
	(void)n;
	(void)arg;
	if (is_out || type != SSL3_RT_HANDSHAKE || !f || !f->done)
		return;
	now = clock_mono_ms();
	if (now - f->since_ms > 60000) {
		f->since_ms = now;
		f->n = 0;
	}
	if (++f->n > HANDSHAKES_PER_MINUTE)
		f->over = true;
}

bool tls_is_flooding(SSL *ssl)
{
	const struct flood *f = SSL_get_ex_data(ssl, flood_index());

	return f && f->over;
}

static const unsigned char alpn_clients[] = "\x0bxmpp-client", alpn_servers[] = "\x0bxmpp-server";	/* XEP-0368 */
static const unsigned char alpn_web[] = "\x08http/1.1";

enum audience { FOR_CLIENTS, FOR_PEERS, FOR_WEB };

/* RFC 7301: whoever offers protocols must offer ours. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n,
		   void *arg)
{
	const unsigned char *ours = arg;

	(void)ssl;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_n, ours, ours[0] + 1u, in, in_n) ==
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

#define FAIL(a, ret_why, err, ...) (*(ret_why) = arena_printf(a, __VA_ARGS__), (err))

static int check_key_file(const char *path, struct arena *a, struct str *ret_why)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return FAIL(a, ret_why, ERR_NOT_FOUND, "cannot read the TLS key %s; 'wardroom init' makes one", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return FAIL(a, ret_why, ERR_FORBIDDEN, "the TLS key %s can be read by others; run: chmod 600 on it", path);
	return 0;
}

/* s2s_trust.h judges when it is known whose it has to be. */
static int take_any(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static const unsigned char *alpn_of(enum audience who)
{
	return who == FOR_PEERS ? alpn_servers : who == FOR_WEB ? alpn_web : alpn_clients;
}

static bool configure(SSL_CTX *c, enum audience who)
{
	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
			       SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_early_data(c, 0);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c, 0);
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
	SSL_CTX_set_alpn_select_cb(c, on_alpn, (void *)(uintptr_t)alpn_of(who));
	if (who == FOR_PEERS) {
		SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(c, take_any, NULL);
	}
	SSL_CTX_set_info_callback(c, on_info);
	SSL_CTX_set_msg_callback(c, on_message);
	return SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
	       SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384") == 1;
}

static int64_t expiry_of(SSL_CTX *c)
{
	const X509 *x = SSL_CTX_get0_certificate(c);
	struct tm tm;

	if (!x || ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

static int load(const char *dir, enum audience who, struct arena *a, struct tls_ctx **ret, struct str *ret_why)
{
	char cert[4096], key[4096];
	struct tls_ctx *t;
	int r;

	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	r = check_key_file(key, a, ret_why);
	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (!t)
		return FAIL(a, ret_why, ERR_NOMEM, "%s", "out of memory");
	t->refs = 1;
	t->ssl = SSL_CTX_new(who == FOR_PEERS ? TLS_method() : TLS_server_method());
	r = ERR_INTERNAL;
	if (!t->ssl || !configure(t->ssl, who))
		r = FAIL(a, ret_why, ERR_INTERNAL, "%s", "OpenSSL refused the TLS settings");
	else if (SSL_CTX_use_certificate_chain_file(t->ssl, cert) != 1)
		r = FAIL(a, ret_why, ERR_BAD_FORMAT, "%s is not a readable PEM certificate", cert);
	else if (SSL_CTX_use_PrivateKey_file(t->ssl, key, SSL_FILETYPE_PEM) != 1)
		r = FAIL(a, ret_why, ERR_BAD_FORMAT, "%s is not the private key of cert.pem beside it", key);
	else
		r = 0;
	if (r < 0) {
		tls_ctx_unref(&t);
		return r;
	}
	t->not_after = expiry_of(t->ssl);
	*ret = t;
	return 0;
}

int tls_ctx_load(const char *dir, struct arena *a, struct tls_ctx **ret, struct str *ret_why)
{
	return load(dir, FOR_CLIENTS, a, ret, ret_why);
}

int tls_ctx_load_peers(const char *dir, struct arena *a, struct tls_ctx **ret, struct str *ret_why)
{
	return load(dir, FOR_PEERS, a, ret, ret_why);
}

int tls_ctx_load_web(const char *dir, struct arena *a, struct tls_ctx **ret, struct str *ret_why)
{
	return load(dir, FOR_WEB, a, ret, ret_why);
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *t)
{
	t->refs++;
	return t;
}

void tls_ctx_unref(struct tls_ctx **t)
{
	struct tls_ctx *one = *t;

	*t = NULL;
	if (!one || --one->refs > 0)
		return;
	SSL_CTX_free(one->ssl);
	free(one);
}

SSL *tls_session(struct tls_ctx *t)
{
	SSL *ssl = SSL_new(t->ssl);
	struct flood *f;

	if (!ssl)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f || SSL_set_ex_data(ssl, flood_index(), f) != 1) {
		free(f);
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

SSL *tls_session_to(struct tls_ctx *t, const char *host)
{
	SSL *ssl = tls_session(t);

	if (!ssl)
		return NULL;
	SSL_set_connect_state(ssl);
	if (SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set_alpn_protos(ssl, alpn_servers, sizeof(alpn_servers) - 1) == 0)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

int tls_days_left(const struct tls_ctx *t)
{
	return (int)((t->not_after - (int64_t)(clock_wall_ms() / 1000)) / 86400);
}

int tls_exporter(SSL *ssl, uint8_t ret[32])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	/* RFC 9266 3: TLS 1.2 only with the extended master secret. */
	if (SSL_version(ssl) != TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return ERR_UNSUPPORTED;
	if (SSL_export_keying_material(ssl, ret, 32, label, sizeof(label) - 1, NULL, 0, 0) != 1)
		return ERR_UNSUPPORTED;
	return 32;
}

int tls_unique(SSL *ssl, uint8_t ret[64])
{
	size_t n;

	if (SSL_version(ssl) != TLS1_2_VERSION || SSL_get_extms_support(ssl) != 1 || SSL_session_reused(ssl))
		return ERR_UNSUPPORTED;
	n = SSL_is_server(ssl) ? SSL_get_peer_finished(ssl, ret, 64) : SSL_get_finished(ssl, ret, 64);
	return n > 0 && n <= 64 ? (int)n : ERR_UNSUPPORTED;
}

int tls_server_end_point(SSL *ssl, uint8_t ret[64])
{
	const X509 *cert = SSL_get_certificate(ssl);
	const EVP_MD *md = NULL;
	int nid = NID_undef, digest = NID_undef;
	unsigned n = 0;

	if (!cert)
		return ERR_UNSUPPORTED;
	nid = X509_get_signature_nid(cert);
	if (!OBJ_find_sigid_algs(nid, &digest, NULL) || digest == NID_undef)
		return ERR_UNSUPPORTED;
	if (digest == NID_md5 || digest == NID_sha1)
		digest = NID_sha256;
	md = EVP_get_digestbynid(digest);
	if (!md || X509_digest(cert, md, ret, &n) != 1)
		return ERR_UNSUPPORTED;
	return (int)n;
}

/* --- making one ----------------------------------------------------------------------------------------- */

static bool add_names(X509 *x, const char *const *names, size_t n)
{
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < n; i++) {
		GENERAL_NAME *g = GENERAL_NAME_new();
		ASN1_IA5STRING *s = ASN1_IA5STRING_new();

		ok = g && s && ASN1_STRING_set(s, names[i], -1) == 1;
		if (ok)
			GENERAL_NAME_set0_value(g, GEN_DNS, s);
		else
			ASN1_IA5STRING_free(s);
		ok = ok && sk_GENERAL_NAME_push(list, g) > 0;
	}
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_APPEND) == 1;
	sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
	return ok;
}

static X509 *make_certificate(EVP_PKEY *key, const char *const *names, size_t n)
{
	X509 *x = X509_new();
	X509_NAME *name;
	BIGNUM *serial = BN_new();
	bool ok = x && serial && BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1;

	ok = ok && X509_set_version(x, 2) == 1 && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) != NULL;
	ok = ok && X509_gmtime_adj(X509_getm_notBefore(x), -3600) && X509_time_adj_ex(X509_getm_notAfter(x), 3650, 0, NULL);
	name = ok ? X509_get_subject_name(x) : NULL;
	ok = name && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)names[0], -1, -1, 0) == 1;
	ok = ok && X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 && add_names(x, names, n);
	ok = ok && X509_sign(x, key, EVP_sha256()) > 0;
	BN_free(serial);
	if (!ok) {
		X509_free(x);
		return NULL;
	}
	return x;
}

/* Written beside, then put in place: whoever reads sees the old file or the new one. */
static bool write_pem(const char *dir, const char *file, mode_t mode, X509 *x, EVP_PKEY *key)
{
	char tmp[4096], final[4096];
	FILE *f;
	int fd;
	bool ok;

	snprintf(final, sizeof(final), "%s/%s", dir, file);
	snprintf(tmp, sizeof(tmp), "%s/.%s.new", dir, file);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return false;
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		return false;
	}
	ok = x ? PEM_write_X509(f, x) == 1 : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
	ok = fflush(f) == 0 && fsync(fd) == 0 && ok;
	ok = fclose(f) == 0 && ok;
	return ok && rename(tmp, final) == 0;
}

int tls_certificate_create(const char *dir, const char *const *names, size_t n, struct arena *a, struct str *ret_why)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key && n ? make_certificate(key, names, n) : NULL;
	int r = 0;

	if (!x)
		r = FAIL(a, ret_why, ERR_INTERNAL, "%s", "OpenSSL could not make a certificate");
	else if (!write_pem(dir, "key.pem", 0600, NULL, key) || !write_pem(dir, "cert.pem", 0644, x, NULL))
		r = FAIL(a, ret_why, errno == ENOSPC ? ERR_FULL : ERR_IO, "cannot write the certificate into %s", dir);
	X509_free(x);
	EVP_PKEY_free(key);
	return r;
}
