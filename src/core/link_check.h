/* link_check.h - links of our own in place of links that are not trusted: made when a message is rewritten, judged anew at the click.
 *
 * A token is Base64url of: version, id of the stanza, hour of expiry, target, and 16 bytes of HMAC-SHA256 under a key of this instance.
 * It says what to show and where to go, so nothing is stored for it; without the key nobody can make one that leads elsewhere.
 *
 * The web role asks over ipc/chan.h (CHAN_LINK): "l" or "g" and the token; "g": the reader has seen the page and goes on. The answer is
 * lines: state (ok, careful, denied), target, host, host in letters, a sentence for each reason; or empty: no token of ours, or
 * too old. A click is written down beside the copies of its message (vault_spread, outcome "clicked").
 *
 * Ownership  link_check_answer() takes the descriptor over.
 * Threads    The loop's.
 * Limits     LINK_CHECK_TARGET bytes, LINK_CHECK_ASKING questions at a time, LINK_CHECK_MS each.
 */
#ifndef CORE_LINK_CHECK_H
#define CORE_LINK_CHECK_H

#include "base/buf.h"
#include "inspect/url.h"

#define LINK_CHECK_TARGET 1200
#define LINK_CHECK_TOKEN ((13 + LINK_CHECK_TARGET + 16 + 2) / 3 * 4)
#define LINK_CHECK_ASKING 64
#define LINK_CHECK_MS 5000
#define LINK_CHECK_DAYS 90

struct server;

struct link_check_token {
	uint64_t id;			/* of the stanza */
	uint32_t hour;			/* since 1970, until which it is good */
	struct str target;		/* in the buffer given */
};

void link_check_init(struct server *srv);
/* Can links lead over a page of ours: is there an https port? */
bool link_check_possible(const struct server *srv);
/* "https://HOST/link/TOKEN" for what somebody wrote; ERR_UNSUPPORTED: of another kind than http and https, or too long. */
MUST_CHECK int link_check_url(const struct server *srv, uint64_t id, uint64_t now_ms, const struct url *u, struct buf *b);
/* ERR_BAD_FORMAT: not ours; ERR_NOT_FOUND: too old. */
MUST_CHECK int link_check_open(const uint8_t key[32], struct str token, uint64_t now_ms, uint8_t room[LINK_CHECK_TOKEN], struct link_check_token *ret);
void link_check_answer(struct server *srv, int fd);

#endif
