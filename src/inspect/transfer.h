/* transfer.h - the ways on which a file gets past the upload: which of them a stanza takes, and what it carries there. Pure.
 *
 * Jingle (XEP-0166, 0234, 0353; over 0260, 0261), stream initiation (0095), in-band bytes (0047), SOCKS5 (0065), out-of-band addresses
 * (0066), shared files (0385, 0447, 0448), thumbnails (0264), bits of binary (0231), data: URIs, Base64 in what people read, pictures of
 * people (0054, 0084, 0292). Bytes that a stanza itself carries are looked at: shown as a picture must be what is one (inspect/picture.h).
 *
 * Ownership  Parts point into the stanza and the arena.
 * Limits     TRANSFER_PARTS a stanza (more: it is to be refused); the stanza's own.
 * Errors     ERR_NOMEM.
 */
#ifndef INSPECT_TRANSFER_H
#define INSPECT_TRANSFER_H

#include "inspect/inspect.h"
#include "xmpp/node.h"

#define TRANSFER_PARTS 32

enum transfer_road { TRANSFER_JINGLE, TRANSFER_SI, TRANSFER_IBB, TRANSFER_SOCKS5, TRANSFER_OOB, TRANSFER_SHARING, TRANSFER_THUMBNAIL, TRANSFER_BOB,
		     TRANSFER_DATA_URI, TRANSFER_BASE64, TRANSFER_AVATAR, TRANSFER_CIPHER /* encrypted, and lies elsewhere */, TRANSFER_ROADS };

struct transfer_part {
	enum transfer_road road;
	struct node *node;		/* what is taken out: an element, or a piece of text */
	const char *attr;		/* of the element this attribute alone; NULL: all of it */
	size_t from, to;		/* of the text */
	const char *wrong;		/* it cannot stay, whatever policy says: "it is too big"; NULL: it can */
	struct str what;		/* for the evidence: a name, a type, an address; printable */
};

struct transfer_conf {
	size_t inline_bytes;		/* of a picture inside of a stanza */
	/* Is this address one of a file that was uploaded here? It is judged elsewhere. */
	bool (*own)(void *ctx, struct str url);
	void *ctx;
};

struct transfer {
	struct transfer_part v[TRANSFER_PARTS];
	unsigned n;
	bool more;
};

MUST_CHECK int transfer_find(struct node *stanza, const struct transfer_conf *conf, struct arena *a, struct transfer *ret);
/* Takes the part out of its stanza. In a text a note remains. */
MUST_CHECK int transfer_strip(struct transfer_part *part, struct arena *a);
/* Is nothing left that is worth to be sent on? */
bool transfer_is_empty(const struct node *stanza);
/* The finding for a part of this road. */
enum rule transfer_rule(const struct transfer_part *part);

/* Takes network addresses out of what two clients offer each other, so that relays and proxies remain; of files (also SOCKS5), of calls.
 * Returns how many. */
unsigned transfer_hide(struct node *stanza, bool files, bool calls);

/* The key that a link tells in the clear (XEP-0454: AES-256-GCM). */
struct transfer_key { uint8_t key[32], iv[16]; size_t n_iv; };
bool transfer_key_of(struct str link, struct transfer_key *ret);		/* "aesgcm://...#IVKEY" */

#endif
