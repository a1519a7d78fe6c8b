/* s2s_trust.h - does the certificate of the other side speak for this domain (RFC 6125, RFC 7590, RFC 6120 13.7)?
 *
 * The chain must end at an authority that is trusted, now; the name must stand in the certificate as dNSName,
 * SRVName or xmppAddr. A common name says nothing.
 *
 * Ownership  s2s_trust_new/free.
 * Threads    The loop's.
 * Errors     ret_why: a sentence for the operator, or of a peer's certificate, in plain words, constant.
 */
#ifndef S2S_S2S_TRUST_H
#define S2S_S2S_TRUST_H

#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/err.h"

struct s2s_trust;

/* ca: a file of certificates (PEM); "": those of the system. */
MUST_CHECK int s2s_trust_new(const char *ca, struct arena *a, struct s2s_trust **ret, struct str *ret_why);
void s2s_trust_free(struct s2s_trust **t);
/* domain: normalised. */
bool s2s_trust_holds(const struct s2s_trust *t, SSL *ssl, struct str domain, const char **ret_why);
/* The same of a certificate at hand; chain may be NULL. For tests. */
bool s2s_trust_certificate(const struct s2s_trust *t, X509 *x, STACK_OF(X509) *chain, struct str domain, const char **ret_why);

#endif
