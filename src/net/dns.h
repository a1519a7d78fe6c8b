/* dns.h - where a domain's server is: SRV records (RFC 6120 3.2, XEP-0368), then addresses; through libunbound.
 *
 * What comes back is a list of addresses in the order in which they are to be tried: by priority, by weight, IPv6
 * before IPv4. Without SRV records: the domain itself at DNS_PORT.
 *
 * Ownership  The query is the caller's until fn was called or dns_cancel(); the answer is good during the call.
 * Threads    The loop's; libunbound works in a thread of its own, which answers through a descriptor.
 * Limits     LIMIT_DNS_QUERIES under way: ERR_BUSY. LIMIT_DNS_TARGETS hosts, LIMIT_DNS_ADDRESSES addresses.
 * Errors     In the answer: ERR_REMOTE: no such domain, or it says that it has no such service. ERR_FORBIDDEN: forged
 *            (DNSSEC). ERR_POLICY: private addresses only. ERR_AGAIN: no answer now.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "net/loop.h"

#define DNS_PORT 5269

struct dns;
struct dns_query;

struct dns_conf {
	const char *resolver;		/* "": the system's; ADDRESS or ADDRESS@PORT */
	const char *trust_anchor;	/* "": answers are not validated */
	bool private_addresses;		/* give those out, too */
};

struct dns_address {
	struct sockaddr_storage sa;
	bool direct_tls;		/* of an _xmpps-server record */
};

struct dns_answer {
	int err;
	bool secure;			/* every step was signed and validated */
	unsigned n;
	struct dns_address v[LIMIT_DNS_ADDRESSES];
};

typedef void dns_fn(void *ctx, const struct dns_answer *answer);

MUST_CHECK int dns_new(struct loop *loop, const struct dns_conf *conf, struct arena *a, struct dns **ret, struct str *ret_why);
void dns_free(struct dns **d);
/* domain: A-labels. fn is not called from within. */
MUST_CHECK int dns_find(struct dns *d, const char *domain, dns_fn *fn, void *ctx, struct dns_query **ret);
void dns_cancel(struct dns_query **q);		/* NULL inside is fine */
/* Loopback, private, link-local, shared, multicast, unspecified. */
bool dns_is_private(const struct sockaddr_storage *sa);
/* A numeric address; false: it is none. */
bool dns_numeric(const char *address, unsigned port, struct sockaddr_storage *ret);

/* Inside, for tests: one SRV record of the wire. host: at least 256 bytes. */
struct dns_srv { unsigned priority, weight, port; bool direct_tls; char host[256]; };
bool dns_srv_parse(const uint8_t *p, size_t n, struct dns_srv *ret);
/* RFC 2782: by priority, then by chance in the proportion of the weights. */
void dns_srv_order(struct dns_srv *v, size_t n);

#endif
