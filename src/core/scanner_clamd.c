/* scanner_clamd.c - is clamd there, and with which signatures? See scanner_parts.h.
 *
 * It is asked every few seconds for its version, on a connection of its own that nothing waits for. The version names the signatures only where
 * they are ClamAV's own: signatures of the company's own change nothing in it. So the folder of its databases is looked at as well, where the
 * operator names it. When clamd takes a change up it does not say either: a changed folder counts soon afterwards, and once more when clamd must have
 * looked for itself (SelfCheck, ten minutes).
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "core/scanner_parts.h"
#include "ipc/scan_dial.h"

#define ASK_MS 10000
#define PATIENCE_MS 5000
#define DIAL_MS 1000
#define RETRY_FIRST_MS 500
#define RETRY_DOUBLED 5			/* times: 16 s */
#define SOON_MS 10000
#define SURELY_MS 660000

void scanner_clamd_init(struct scanner_clamd *c, const char *where, bool required, int signatures)
{
	*c = (struct scanner_clamd){ .required = required, .fd = -1, .signatures = signatures };
	snprintf(c->where, sizeof(c->where), "%s", where);
	snprintf(c->says, sizeof(c->says), "%s", *where ? "not heard yet" : "");
}

static void hang_up(struct scanner_clamd *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void is_away(struct scanner_clamd *c, uint64_t now_ms, const char *why)
{
	unsigned n = c->failures < RETRY_DOUBLED ? c->failures : RETRY_DOUBLED;

	hang_up(c);
	if (c->there || c->failures == 0)
		log_event(c->required ? LOG_ERROR : LOG_WARN, "clamd.away", LOG_Z("at", c->where), LOG_Z("why", why), LOG_N("files_wait", c->required));
	c->there = false;
	c->failures++;
	snprintf(c->says, sizeof(c->says), "%s", why);
	c->due_ms = now_ms + ((uint64_t)RETRY_FIRST_MS << n);
}

static void ask(struct scanner_clamd *c, uint64_t now_ms)
{
	static const char question[] = "zVERSION";	/* with its NUL */
	int r = scan_dial(c->where, DIAL_MS, 0, &c->fd);

	c->n = 0;
	c->deadline_ms = now_ms + PATIENCE_MS;
	if (r < 0) {
		c->fd = -1;
		is_away(c, now_ms, "it cannot be reached");
	} else if (send(c->fd, question, sizeof(question), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(question)) {
		is_away(c, now_ms, "it takes no question");
	}
}

static bool databases_changed(struct scanner_clamd *c, uint64_t now_ms)
{
	static const char *const any[] = { "", NULL };
	struct scanner_folder f;
	bool is_new = false;

	if (c->signatures >= 0 && now_ms >= c->folder_due_ms) {
		c->folder_due_ms = now_ms + SCANNER_LOOK_MS;
		if (scanner_folder_list(c->signatures, any, &f) == 0) {
			if (c->folder_seen && memcmp(f.sign, c->folder, sizeof(f.sign)) != 0) {
				c->settle_ms[0] = now_ms + SOON_MS;
				c->settle_ms[1] = now_ms + SURELY_MS;
			}
			memcpy(c->folder, f.sign, sizeof(f.sign));
			if (!c->folder_seen)
				memcpy(c->in_force, f.sign, sizeof(f.sign));
			c->folder_seen = true;
			scanner_folder_free(&f);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		if (c->settle_ms[i] && now_ms >= c->settle_ms[i]) {
			c->settle_ms[i] = 0;
			c->soon = i == 0;
			memcpy(c->in_force, c->folder, sizeof(c->folder));
			is_new = true;
		}
	}
	return is_new;
}

bool scanner_clamd_tend(struct scanner_clamd *c, uint64_t now_ms)
{
	if (!*c->where)
		return false;
	if (c->fd >= 0 && now_ms >= c->deadline_ms)
		is_away(c, now_ms, "it does not answer");
	else if (c->fd < 0 && now_ms >= c->due_ms)
		ask(c, now_ms);
	return databases_changed(c, now_ms);
}

static bool is_new(struct scanner_clamd *c, uint64_t now_ms, struct str version)
{
	uint8_t sign[SCANNER_SIGN];
	bool changed;

	CHECK(EVP_Digest(version.p, version.n, sign, NULL, EVP_sha256(), NULL));
	changed = !c->known || memcmp(sign, c->sign, sizeof(sign)) != 0;
	memcpy(c->sign, sign, sizeof(sign));
	if (!c->there)
		log_event(LOG_NOTE, "clamd.there", LOG_Z("at", c->where), LOG_S("version", version));
	c->there = c->known = true;
	c->failures = 0;
	c->due_ms = now_ms + ASK_MS;
	snprintf(c->says, sizeof(c->says), "%.*s", STR_FMT(version));
	for (char *p = c->says; *p; p++)
		*p = *p >= 0x20 && *p < 0x7f ? *p : '?';
	hang_up(c);
	return changed;
}

bool scanner_clamd_hear(struct scanner_clamd *c, uint64_t now_ms)
{
	ssize_t n = recv(c->fd, c->in + c->n, sizeof(c->in) - c->n, MSG_DONTWAIT);
	const char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	c->n += n > 0 ? (size_t)n : 0;
	end = memchr(c->in, '\0', c->n);
	if (end && str_starts(str_make(c->in, c->n), STR("ClamAV ")))
		return is_new(c, now_ms, str_make(c->in, (size_t)(end - c->in)));
	if (end || n <= 0 || c->n == sizeof(c->in))
		is_away(c, now_ms, n <= 0 && !end ? "it hangs up" : "it says what clamd would not");
	return false;
}

uint64_t scanner_clamd_due_ms(const struct scanner_clamd *c)
{
	uint64_t due = c->fd >= 0 ? c->deadline_ms : c->due_ms;

	if (!*c->where)
		return UINT64_MAX;
	if (c->signatures >= 0 && c->folder_due_ms < due)
		due = c->folder_due_ms;
	return due;
}

void scanner_clamd_doubt(struct scanner_clamd *c, uint64_t now_ms)
{
	if (!c->there)
		return;
	c->there = false;
	snprintf(c->says, sizeof(c->says), "a conversation with it broke off");
	c->due_ms = now_ms;
}

void scanner_clamd_release(struct scanner_clamd *c)
{
	hang_up(c);
	c->where[0] = '\0';
}
