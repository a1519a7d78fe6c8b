/* web_meta.c - /.well-known/host-meta: where clients in browsers learn of the WebSocket (XEP-0156), and any client of
 * every way in (XEP-0487).
 *
 * The same for everybody, so it is made once. XEP-0487 wants IP addresses, which a server behind a router or a
 * balancer cannot know: unless the operator names them, 'xmpp' is not there and the file is what XEP-0156 says.
 */
#include <arpa/inet.h>

#include "web/web_parts.h"

#define META_TTL_S 3600

/* Names and URLs of the configuration, in XML and in JSON: only what needs no escaping is taken. */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= 0x20 || s.p[i] == 0x7f || strchr("<>&'\"\\", s.p[i]))
			return false;
	return true;
}

static bool is_address(struct str s)
{
	char z[64];
	struct in6_addr any;

	if (s.n >= sizeof(z))
		return false;
	memcpy(z, s.p, s.n);
	z[s.n] = 0;
	return inet_pton(AF_INET, z, &any) == 1 || inet_pton(AF_INET6, z, &any) == 1;
}

/* What XEP-0487 adds to a link. */
static void more_of_link(const struct web *w, struct buf *b, unsigned priority)
{
	if (w->n_addresses) {
		buf_printf(b, ",\"ips\":[");
		for (unsigned i = 0; i < w->n_addresses; i++)
			buf_printf(b, "%s\"%.*s\"", i ? "," : "", STR_FMT(w->addresses[i]));
		buf_printf(b, "],\"priority\":%u,\"weight\":50,\"sni\":\"%.*s\"", priority, STR_FMT(w->domain));
	}
	buf_printf(b, "}");
}

/* SRV records are not asked any more when there is 'xmpp': so every way in must stand here. */
static void write_json(const struct web *w, struct buf *b, struct str host)
{
	buf_printf(b, "{");
	if (w->n_addresses)
		buf_printf(b, "\"xmpp\":{\"ttl\":%d},", META_TTL_S);
	buf_printf(b, "\"links\":[{\"rel\":\"urn:xmpp:alt-connections:websocket\",\"href\":\"wss://%.*s/ws\"", STR_FMT(host));
	more_of_link(w, b, 20);
	if (w->n_addresses && w->c2s_tls) {
		buf_printf(b, ",{\"rel\":\"urn:xmpp:alt-connections:tls\",\"port\":%u", w->c2s_tls);
		more_of_link(w, b, 10);
	}
	if (w->n_addresses && w->s2s) {
		buf_printf(b, ",{\"rel\":\"urn:xmpp:alt-connections:s2s-tls\",\"port\":%u", w->s2s);
		more_of_link(w, b, 10);
	}
	buf_printf(b, "]}\n");
}

int web_meta_make(struct web *w)
{
	struct str host = str_cut(w->url, 8);	/* behind https:// */
	struct buf b;

	if (!str_starts(w->url, STR("https://")) || !is_plain(w->url) || host.n == 0 || str_find_char(host, '/') >= 0)
		return ERR_BAD_FORMAT;
	for (unsigned i = 0; i < w->n_addresses; i++)
		if (!is_address(w->addresses[i]))
			return ERR_BAD_FORMAT;
	buf_init(&b, 8192);
	write_json(w, &b, host);
	w->jrd = b.failed ? (struct str){ 0 } : arena_str(w->a, buf_str(&b));
	buf_release(&b);
	w->xrd = arena_printf(w->a, "<?xml version='1.0' encoding='utf-8'?>\n"
			      "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n"
			      "  <Link rel='urn:xmpp:alt-connections:websocket' href='wss://%.*s/ws'/>\n</XRD>\n", STR_FMT(host));
	return w->xrd.p && w->jrd.p ? 0 : ERR_NOMEM;
}

/* Public, and for pages of any site (XEP-0156 3.1). */
#define CORS "Access-Control-Allow-Origin: *\r\n"
#define PREFLIGHT CORS "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\nAccess-Control-Allow-Headers: Content-Type, Accept\r\n" \
	"Access-Control-Max-Age: 86400\r\n"

static void serve(struct web_conn *c, const struct http_request *r, const char *type, struct str body)
{
	if (r->method == HTTP_OPTIONS)
		web_answer(c, r, 204, NULL, PREFLIGHT, STR_NONE);
	else
		web_answer(c, r, 200, type, CORS "Cache-Control: max-age=3600\r\n", body);
}

void web_meta_xrd(struct web_conn *c, const struct http_request *r)
{
	serve(c, r, "application/xrd+xml; charset=utf-8", c->web->xrd);
}

void web_meta_jrd(struct web_conn *c, const struct http_request *r)
{
	serve(c, r, "application/json", c->web->jrd);
}
