/* url.h - finds the links in a text and says what they really are.
 *
 * Ownership  Strings of a struct url live in the arena.
 * Limits     URLS links a text, URL_TEXT bytes of it looked at; time is linear.
 * Pure.
 */
#ifndef INSPECT_URL_H
#define INSPECT_URL_H

#include "base/arena.h"

#define URLS 16
#define URL_TEXT (64 * 1024)

struct url {
	struct str scheme;	/* "http", "https", "ftp", "aesgcm" in lower case; empty: none was written */
	struct str host;	/* ASCII (A-labels), lower case, no final dot; IPv4 as a.b.c.d, IPv6 without brackets */
	struct str unicode;	/* the host as a reader sees it (U-labels) */
	struct str site;	/* registrable domain by the public suffix list; the host itself when there is none */
	struct str path;	/* from '/', '?' or '#' on; may be empty */
	struct str shown;	/* the text a reader sees instead, when it differs; empty: none */
	size_t from, to;	/* of url_find(): where it stands in the text as given */
	uint16_t port;		/* 0: none was written */
	bool ip, userinfo, obfuscated, mixed_script, bare;	/* bare: without a scheme */
};

/* Links in running text: with a scheme, with www., or bare names under a common suffix; defanged, spaced with
 * invisible characters, percent-encoded or in full width all the same. Returns how many (<= URLS). */
unsigned url_find(struct str text, struct arena *a, struct url *ret, bool *ret_more);
/* One target, as markup names it (href): false when it is no link to a host. */
bool url_parse(struct str target, struct arena *a, struct url *ret);
/* %6f and the like, in place: true when there was one. */
bool url_percent_decode(char *p, size_t *n);
/* Does the path end like a program, script or disguised document? */
bool url_is_program(const struct url *u);

#endif
