/* dns.c - see dns.h. A query is two look-ups of SRV records at once, then two of addresses for each host. */
#include "net/dns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>
#include <unistd.h>

#include "base/check.h"
#include "base/rand.h"

#define DNS_MAGIC 0xd0500001u
#define QUERY_MAGIC 0xd0500002u
#define TYPE_A 1
#define TYPE_AAAA 28
#define TYPE_SRV 33
#define CLASS_IN 1
#define NAME_BYTES 320			/* "_xmpps-server._tcp." and 253 */
#define RECORDS 64			/* of one look-up that are looked at */

struct dns {
	CHECK_MAGIC;
	struct loop *loop;
	struct loop_io *io;
	struct ub_ctx *ub;
	struct list queries;
	unsigned n_queries;
	bool private_addresses;
};

/* One look-up of libunbound's. */
struct look {
	struct dns_query *q;
	int id;
	bool busy;
};

struct dns_query {
	CHECK_MAGIC;
	struct dns *d;
	struct list all;
	dns_fn *fn;
	void *ctx;
	struct loop_item end;
	char domain[256];
	struct dns_srv srv[2 * LIMIT_DNS_TARGETS];
	unsigned n_srv;
	struct look looks[2 * LIMIT_DNS_TARGETS];	/* first the SRV records, then AAAA and A of each host */
	struct sockaddr_storage found[2 * LIMIT_DNS_TARGETS][2];
	unsigned n_found[2 * LIMIT_DNS_TARGETS];
	unsigned waiting;
	bool none_here, failed, forged, insecure, hidden, starting;
	struct dns_answer answer;
};

/* --- records --------------------------------------------------------------------------------------------- */

bool dns_srv_parse(const uint8_t *p, size_t n, struct dns_srv *ret)
{
	size_t at = 6, to = 0;

	if (n < 7)
		return false;
	ret->priority = (unsigned)p[0] << 8 | p[1];
	ret->weight = (unsigned)p[2] << 8 | p[3];
	ret->port = (unsigned)p[4] << 8 | p[5];
	while (at < n && p[at]) {
		size_t len = p[at++];

		if (len > 63 || at + len >= n || to + len + 1 >= sizeof(ret->host))
			return false;
		if (to)
			ret->host[to++] = '.';
		for (size_t i = 0; i < len; i++) {
			char c = (char)p[at + i];

			/* What is no host name is not asked for. */
			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
				return false;
			ret->host[to++] = c;
		}
		at += len;
	}
	ret->host[to] = 0;
	return at + 1 == n;
}

static int by_priority(const void *x, const void *y)
{
	const struct dns_srv *a = x, *b = y;

	return a->priority < b->priority ? -1 : a->priority > b->priority;
}

/* Which of n records of one priority comes first. */
static size_t draw(const struct dns_srv *v, size_t n)
{
	uint64_t sum = 0, at;

	for (size_t i = 0; i < n; i++)
		sum += v[i].weight + 1;			/* a weight of 0: rarely, not never */
	at = rand_below(sum);
	for (size_t i = 0; i < n; i++) {
		if (at < v[i].weight + 1)
			return i;
		at -= v[i].weight + 1;
	}
	return 0;
}

void dns_srv_order(struct dns_srv *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_priority);
	for (size_t i = 0; i < n; i++) {
		size_t same = i, first;
		struct dns_srv tmp;

		while (same < n && v[same].priority == v[i].priority)
			same++;
		first = i + draw(v + i, same - i);
		tmp = v[i];
		v[i] = v[first];
		v[first] = tmp;
	}
}

static bool private_4(uint32_t a)
{
	static const struct { uint32_t net, mask; } nets[] = {
		{ 0x00000000, 0xff000000 }, { 0x0a000000, 0xff000000 }, { 0x64400000, 0xffc00000 }, { 0x7f000000, 0xff000000 },
		{ 0xa9fe0000, 0xffff0000 }, { 0xac100000, 0xfff00000 }, { 0xc0000000, 0xffffff00 }, { 0xc0a80000, 0xffff0000 },
		{ 0xc6120000, 0xfffe0000 }, { 0xe0000000, 0xe0000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		if ((a & nets[i].mask) == nets[i].net)
			return true;
	return false;
}

bool dns_is_private(const struct sockaddr_storage *sa)
{
	const uint8_t *p;
	uint32_t last;

	if (sa->ss_family == AF_INET)
		return private_4(ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr));
	if (sa->ss_family != AF_INET6)
		return true;
	p = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr;
	last = (uint32_t)p[12] << 24 | (uint32_t)p[13] << 16 | (uint32_t)p[14] << 8 | p[15];
	if (p[0] == 0xff || (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80))
		return true;		/* multicast, unique local, link-local */
	if (p[0] == 0x00 && p[1] == 0x64 && p[2] == 0xff && p[3] == 0x9b)
		return private_4(last);	/* NAT64 */
	if (p[0] == 0x20 && p[1] == 0x02)
		return private_4((uint32_t)p[2] << 24 | (uint32_t)p[3] << 16 | (uint32_t)p[4] << 8 | p[5]);	/* 6to4 */
	return p[0] == 0;		/* unspecified, loopback, mapped and compatible IPv4 */
}

bool dns_numeric(const char *address, unsigned port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	return true;
}

/* --- one query ----------------------------------------------------------------------------------------------- */

static void query_free(struct dns_query *q)
{
	for (size_t i = 0; i < ARRAY_SIZE(q->looks); i++)
		if (q->looks[i].busy)
			ub_cancel(q->d->ub, q->looks[i].id);
	list_remove(&q->end.node);
	list_remove(&q->all);
	q->d->n_queries--;
	q->magic = 0;
	free(q);
}

void dns_cancel(struct dns_query **q)
{
	if (!*q)
		return;
	CHECK_OBJ(*q, QUERY_MAGIC);
	query_free(*q);
	*q = NULL;
}

static void on_end(struct loop_item *item)
{
	struct dns_query *q = LIST_ITEM(item, struct dns_query, end);
	struct dns_answer answer = q->answer;
	dns_fn *fn = q->fn;
	void *ctx = q->ctx;

	query_free(q);
	fn(ctx, &answer);
}

static void finish(struct dns_query *q, int err)
{
	q->answer.err = err;
	q->answer.secure = !q->insecure;
	q->end.fn = on_end;
	loop_defer(q->d->loop, &q->end);
}

static bool look(struct dns_query *q, unsigned slot, const char *name, int type, ub_callback_type fn)
{
	struct look *l = &q->looks[slot];

	l->q = q;
	l->busy = ub_resolve_async(q->d->ub, name, type, CLASS_IN, l, fn, &l->id) == 0;
	q->waiting += l->busy;
	q->failed = q->failed || !l->busy;
	return l->busy;
}

/* The look-up is over: what it says of the whole query. True when it has data. */
static bool over(struct look *l, int err, const struct ub_result *r)
{
	struct dns_query *q = l->q;

	CHECK_OBJ(q, QUERY_MAGIC);
	l->busy = false;
	q->waiting--;
	if (err || !r || (r->rcode != 0 && r->rcode != 3)) {
		q->failed = true;
		return false;
	}
	q->forged = q->forged || r->bogus;
	q->insecure = q->insecure || !r->secure;
	return r->havedata && !r->bogus;
}

static void addresses_done(struct dns_query *q)
{
	struct dns_answer *a = &q->answer;

	for (unsigned i = 0; i < q->n_srv; i++)
		for (unsigned k = 0; k < 2; k++) {
			unsigned slot = 2 * i + k;

			for (unsigned j = 0; j < q->n_found[slot] && a->n < LIMIT_DNS_ADDRESSES; j++)
				a->v[a->n++] = (struct dns_address){ q->found[slot][j], q->srv[i].direct_tls };
		}
	if (a->n)
		finish(q, 0);
	else if (q->forged)
		finish(q, ERR_FORBIDDEN);
	else
		finish(q, q->hidden ? ERR_POLICY : q->failed ? ERR_AGAIN : ERR_REMOTE);
}

static void set_address(struct dns_query *q, unsigned slot, const char *data, int n)
{
	struct sockaddr_storage *sa = &q->found[slot][q->n_found[slot]];
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)sa;
	uint16_t port = htons((uint16_t)q->srv[slot / 2].port);

	memset(sa, 0, sizeof(*sa));
	if (slot % 2 == 0 && n == 16) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		memcpy(&v6->sin6_addr, data, 16);
	} else if (slot % 2 == 1 && n == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		memcpy(&v4->sin_addr, data, 4);
	} else {
		return;
	}
	if (dns_is_private(sa) && !q->d->private_addresses)
		q->hidden = true;
	else
		q->n_found[slot]++;
}

static void on_address(void *ctx, int err, struct ub_result *r)
{
	struct look *l = ctx;
	struct dns_query *q = l->q;
	unsigned slot = (unsigned)(l - q->looks);

	if (over(l, err, r))
		for (int i = 0; r->data[i] && q->n_found[slot] < ARRAY_SIZE(q->found[slot]); i++)
			set_address(q, slot, r->data[i], r->len[i]);
	if (r)
		ub_resolve_free(r);
	if (q->waiting == 0 && !q->starting)
		addresses_done(q);
}

static void find_addresses(struct dns_query *q)
{
	q->failed = false;
	q->starting = true;
	for (unsigned i = 0; i < q->n_srv; i++) {
		look(q, 2 * i, q->srv[i].host, TYPE_AAAA, on_address);
		look(q, 2 * i + 1, q->srv[i].host, TYPE_A, on_address);
	}
	q->starting = false;
	if (q->waiting == 0)
		addresses_done(q);
}

static void records_done(struct dns_query *q)
{
	if (q->forged) {
		finish(q, ERR_FORBIDDEN);
		return;
	}
	if (q->n_srv == 0 && q->failed) {
		finish(q, ERR_AGAIN);		/* there may be records: the fallback would be a guess */
		return;
	}
	if (q->n_srv == 0 && q->none_here) {
		finish(q, ERR_REMOTE);
		return;
	}
	if (q->n_srv == 0) {
		q->srv[0] = (struct dns_srv){ .port = DNS_PORT };
		memcpy(q->srv[0].host, q->domain, sizeof(q->domain));
		q->n_srv = 1;
	}
	dns_srv_order(q->srv, q->n_srv);
	if (q->n_srv > LIMIT_DNS_TARGETS)
		q->n_srv = LIMIT_DNS_TARGETS;
	find_addresses(q);
}

static void on_records(void *ctx, int err, struct ub_result *r)
{
	struct look *l = ctx;
	struct dns_query *q = l->q;
	bool direct = l == &q->looks[0];
	unsigned n = 0;

	if (over(l, err, r))
		for (int i = 0; r->data[i] && i < RECORDS && n < LIMIT_DNS_TARGETS; i++) {
			struct dns_srv *s = &q->srv[q->n_srv];

			if (r->len[i] < 0 || !dns_srv_parse((const uint8_t *)r->data[i], (size_t)r->len[i], s))
				continue;
			q->none_here = q->none_here || !s->host[0];	/* "." (RFC 2782): decidedly not */
			s->direct_tls = direct;
			n += s->host[0] != 0;
			q->n_srv += s->host[0] != 0;
		}
	if (r)
		ub_resolve_free(r);
	if (q->waiting == 0 && !q->starting)
		records_done(q);
}

int dns_find(struct dns *d, const char *domain, dns_fn *fn, void *ctx, struct dns_query **ret)
{
	struct dns_query *q;
	char name[NAME_BYTES];
	size_t n = strlen(domain);

	CHECK_OBJ(d, DNS_MAGIC);
	if (d->n_queries >= LIMIT_DNS_QUERIES)
		return ERR_BUSY;
	q = n < sizeof(q->domain) ? calloc(1, sizeof(*q)) : NULL;
	if (!q)
		return ERR_NOMEM;
	q->magic = QUERY_MAGIC;
	q->d = d;
	q->fn = fn;
	q->ctx = ctx;
	list_init(&q->end.node);
	list_append(&d->queries, &q->all);
	d->n_queries++;
	memcpy(q->domain, domain, n);
	q->starting = true;
	snprintf(name, sizeof(name), "_xmpps-server._tcp.%s", domain);
	look(q, 0, name, TYPE_SRV, on_records);
	snprintf(name, sizeof(name), "_xmpp-server._tcp.%s", domain);
	look(q, 1, name, TYPE_SRV, on_records);
	q->starting = false;
	if (q->waiting == 0)
		records_done(q);
	*ret = q;
	return 0;
}

/* --- the resolver ------------------------------------------------------------------------------------------------- */

static void on_ready(void *ctx, bool readable, bool writable)
{
	struct dns *d = ctx;

	(void)readable;
	(void)writable;
	CHECK_OBJ(d, DNS_MAGIC);
	ub_process(d->ub);
}

static const char *const own_zones[] = { "test.", "home.arpa." };

static int configure(struct ub_ctx *ub, const struct dns_conf *c)
{
	int e = 0;

	if (*c->resolver)
		e = ub_ctx_set_fwd(ub, c->resolver);
	else
		ub_ctx_resolvconf(ub, NULL);		/* without one it asks the roots itself */
	if (e == 0 && *c->trust_anchor)
		e = ub_ctx_add_ta_file(ub, c->trust_anchor);
	/* On loopback there is a resolver only where an operator has named it. */
	if (e == 0 && *c->resolver)
		e = ub_ctx_set_option(ub, "do-not-query-localhost:", "no");
	if (e == 0)
		e = ub_ctx_async(ub, 1);
	/* Nor does libunbound then know better what that one serves (RFC 6761 names of a company's own network). */
	for (size_t i = 0; e == 0 && *c->resolver && i < ARRAY_SIZE(own_zones); i++)
		e = ub_ctx_zone_remove(ub, own_zones[i]);
	return e;
}

int dns_new(struct loop *loop, const struct dns_conf *conf, struct arena *a, struct dns **ret, struct str *ret_why)
{
	struct dns *d = calloc(1, sizeof(*d));
	int e, fd, r;

	*ret_why = STR("out of memory");
	if (!d)
		return ERR_NOMEM;
	d->magic = DNS_MAGIC;
	d->loop = loop;
	d->private_addresses = conf->private_addresses;
	list_init(&d->queries);
	d->ub = ub_ctx_create();
	if (!d->ub) {
		free(d);
		return ERR_NOMEM;
	}
	e = configure(d->ub, conf);
	if (e) {
		*ret_why = arena_printf(a, "the DNS resolver cannot be set up: %s", ub_strerror(e));
		dns_free(&d);
		return ERR_BAD_FORMAT;
	}
	fd = fcntl(ub_fd(d->ub), F_DUPFD_CLOEXEC, 0);
	r = fd < 0 ? ERR_IO : loop_io_open(loop, fd, on_ready, d, &d->io);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		dns_free(&d);
		return r;
	}
	loop_io_want(d->io, true, false);
	*ret = d;
	return 0;
}

void dns_free(struct dns **ref)
{
	struct dns *d = *ref;

	if (!d)
		return;
	CHECK_OBJ(d, DNS_MAGIC);
	*ref = NULL;
	LIST_EACH(it, &d->queries)
		query_free(LIST_ITEM(it, struct dns_query, all));
	if (d->io)
		loop_io_close(&d->io);
	ub_ctx_delete(d->ub);
	d->magic = 0;
	free(d);
}
