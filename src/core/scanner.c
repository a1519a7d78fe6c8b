/* scanner.c - see scanner.h. The queue, the thread, who waits for what; a single job is scanner_job.c's.
 *
 * RULE: one mutex guards the queue and what `status` shows, as in jobs.c; nothing is done under it.
 */
#include "core/scanner.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"
#include "core/scanner_parts.h"
#include "ipc/scan_dial.h"
#include "ipc/scan_pool.h"

#define SCANNER_MAGIC 0x5ca40001u
#define CRASHES 2			/* of a process over one file: the first may be somebody else's doing */
#define REFUSALS 6			/* of a clamd that is there: then it is the file */
#define REFUSED_FIRST_MS 250		/* then again; doubled by each further one */
#define NICE 10				/* conversations go first */
#define POLLED (2 + HERITAGE_SCANDS_MOST + 1)
#define BUILTIN "1"			/* to be raised when the built-in checks see more than before: then all files are looked at again */

/* --- the loop's side --------------------------------------------------------------------------------------------------- */

static void wake(struct scanner *s)
{
	const uint64_t one = 1;

	if (write(s->wake, &one, sizeof(one)) < 0)
		CHECK(errno == EAGAIN);		/* it is awake already */
}

int scanner_submit(struct scanner *s, struct scan_job *j)
{
	int r = 0;

	CHECK_OBJ(s, SCANNER_MAGIC);
	j->crashes = j->refusals = 0;
	j->not_before_ms = 0;
	j->out = (struct scan_result){ 0 };
	list_init(&j->node);
	pthread_mutex_lock(&s->lock);
	if (s->stopping || s->queued[j->low] == LIMIT_SCAN_QUEUE) {
		r = ERR_BUSY;
	} else {
		list_append(&s->queue[j->low], &j->node);
		s->queued[j->low]++;
	}
	pthread_mutex_unlock(&s->lock);
	if (r == 0)
		wake(s);
	return r;
}

bool scanner_recall(struct scanner *s, struct scan_job *j)
{
	bool waits = false;

	CHECK_OBJ(s, SCANNER_MAGIC);
	pthread_mutex_lock(&s->lock);
	LIST_EACH(it, &s->queue[j->low])
		waits = waits || it == &j->node;
	if (waits) {
		list_remove(&j->node);
		s->queued[j->low]--;
	}
	pthread_mutex_unlock(&s->lock);
	return waits;
}

uint64_t scanner_version(const struct scanner *s)
{
	struct scanner *w = (struct scanner *)(uintptr_t)s;
	uint64_t v;

	CHECK_OBJ(s, SCANNER_MAGIC);
	pthread_mutex_lock(&w->lock);
	v = s->version;
	pthread_mutex_unlock(&w->lock);
	return v;
}

void scanner_on_version(struct scanner *s, void (*fn)(void *ctx), void *ctx)
{
	s->on_version = fn;
	s->on_version_ctx = ctx;
}

void scanner_state_of(struct scanner *s, struct scanner_state *ret)
{
	CHECK_OBJ(s, SCANNER_MAGIC);
	pthread_mutex_lock(&s->lock);
	*ret = s->state;
	ret->queued = s->queued[0];
	ret->queued_low = s->queued[1];
	ret->version = s->version;
	pthread_mutex_unlock(&s->lock);
}

static void on_posted(struct loop_item *item)
{
	struct scanner *s = LIST_ITEM(item, struct scanner, item);
	struct list batch;
	bool version_new, ended;

	list_init(&batch);
	pthread_mutex_lock(&s->lock);
	s->posted = false;
	while (!list_empty(&s->finished)) {
		struct list *it = s->finished.next;

		list_remove(it);
		list_append(&batch, it);
	}
	version_new = s->version_new;
	s->version_new = false;
	ended = s->ended;
	pthread_mutex_unlock(&s->lock);
	LIST_EACH(it, &batch) {
		struct scan_job *j = LIST_ITEM(it, struct scan_job, node);

		list_remove(it);
		secret_wipe(j->key, sizeof(j->key));
		secret_wipe(&j->unlock, sizeof(j->unlock));
		j->done(j, j->err);
	}
	if (version_new && !ended && s->on_version)
		s->on_version(s->on_version_ctx);
	if (ended) {
		pthread_join(s->thread, NULL);
		s->stopped(s->stopped_ctx);
	}
}

/* Under lock. */
static void post(struct scanner *s)
{
	if (!s->posted)
		loop_post(s->loop, &s->item);
	s->posted = true;
}

/* --- results ------------------------------------------------------------------------------------------------------------- */

static void finish(struct scanner *s, struct scan_job *j, int err)
{
	char id[33];

	for (unsigned i = 0; i < 16; i++)
		snprintf(id + 2 * i, 3, "%02x", j->id[i]);
	s->count.done++;
	if (err < 0 && err != ERR_FORBIDDEN)
		log_event(LOG_ERROR, "scan.unreadable", LOG_Z("file", id), LOG_Z("why", err_text(err)));
	if (err == 0 && j->out.facts & (FACT_BIT(FACT_MALWARE) | FACT_BIT(FACT_YARA) | FACT_BIT(FACT_DIGEST_LISTED) | FACT_BIT(FACT_TEST_VIRUS))) {
		s->count.found++;
		log_event(LOG_NOTE, "scan.found", LOG_Z("file", id), LOG_Z("what", j->out.n_found ? j->out.found[0].evidence : ""));
	}
	if (err == 0 && j->out.facts & FACT_BIT(FACT_SCAN_FAILED)) {
		s->count.failed++;
		log_event(LOG_WARN, "scan.failed", LOG_Z("file", id), LOG_Z("why", j->out.found[0].evidence));
	}
	if (err == 0 && j->out.facts & FACT_BIT(FACT_SCAN_TIMEOUT)) {
		s->count.timed_out++;
		log_event(LOG_WARN, "scan.timeout", LOG_Z("file", id));
	}
	if (err == 0 && j->low && j->out.facts & (FACT_BIT(FACT_SCAN_FAILED) | FACT_BIT(FACT_SCAN_TIMEOUT)))
		err = ERR_UNAVAILABLE;
	j->err = err;
	pthread_mutex_lock(&s->lock);
	list_append(&s->finished, &j->node);
	post(s);
	pthread_mutex_unlock(&s->lock);
}

/* To the front of its queue: it has waited. */
static void put_back(struct scanner *s, struct scan_job *j)
{
	pthread_mutex_lock(&s->lock);
	list_append(s->queue[j->low].next, &j->node);
	s->queued[j->low]++;
	pthread_mutex_unlock(&s->lock);
}

static void end_process(struct scanner_slot *slot)
{
	scan_pool_kill(slot->pidfd);
	if (slot->pidfd >= 0)
		close(slot->pidfd);
	close(slot->sock);
	slot->sock = slot->pidfd = -1;
}

/* The process has died, said nonsense or taken too long. */
static void broken(struct scanner *s, struct scanner_slot *slot, enum file_fact fact, const char *why)
{
	struct scan_job *j = slot->job;
	uint64_t version = slot->version;
	uint8_t sha256[32];

	memcpy(sha256, slot->sha256, sizeof(sha256));
	end_process(slot);
	if (slot->busy && !j)
		(void)scanner_yara_compiled(&s->yara, -1, NULL, fact == FACT_SCAN_TIMEOUT ? ERR_REMOTE_TIMEOUT : ERR_EOF);
	scanner_job_release(s, slot);
	if (!j)
		return;
	if (fact == FACT_SCAN_FAILED && ++j->crashes < CRASHES) {
		put_back(s, j);
		return;
	}
	scanner_job_fail(s, j, fact, why, sha256);
	j->out.version = version;
	finish(s, j, 0);
}

/* clamd has not looked at the file. Unless it must not be missing, what else was seen has to do; a clamd that is there and does not want this file again and
 * again is the file's fault. */
static bool refused(struct scanner *s, struct scanner_slot *slot, const struct scan_job_answer *a)
{
	struct scan_job *j = slot->job;
	uint64_t now = clock_mono_ms();
	uint8_t sha256[32];

	if (a->err < 0 || (a->clamd != SCAN_JOB_CLAMD_BROKEN && a->clamd != SCAN_JOB_CLAMD_ERROR))
		return false;
	if (a->clamd == SCAN_JOB_CLAMD_BROKEN)
		scanner_clamd_doubt(&s->clamd, now);
	if (!s->now.required)
		return false;
	memcpy(sha256, slot->sha256, sizeof(sha256));
	end_process(slot);
	scanner_job_release(s, slot);
	if (++j->refusals < REFUSALS) {
		j->not_before_ms = now + ((uint64_t)REFUSED_FIRST_MS << j->refusals);
		put_back(s, j);
	} else {
		scanner_job_fail(s, j, FACT_SCAN_FAILED, "clamd breaks off over it", sha256);
		j->out.version = slot->version;
		finish(s, j, 0);
	}
	return true;
}

static void answered(struct scanner *s, struct scanner_slot *slot, const struct scan_job_answer *a)
{
	struct scan_job *j = slot->job;
	bool with_clamd = a->clamd == SCAN_JOB_CLAMD_OK || a->clamd == SCAN_JOB_CLAMD_FOUND || a->clamd == SCAN_JOB_CLAMD_TOO_BIG;
	int r;

	if (refused(s, slot, a))
		return;
	r = a->err < 0 ? a->err : scanner_job_end(s, slot, a);
	if (r == ERR_BAD_FORMAT || a->err < 0) {
		broken(s, slot, FACT_SCAN_FAILED, a->err < 0 ? err_text(a->err) : "its check contradicted itself");
		return;
	}
	end_process(slot);
	scanner_job_release(s, slot);
	if (r == 0 && (with_clamd || !*s->now.clamd))
		j->out.version = slot->version;
	finish(s, j, r);
}

static void hear(struct scanner *s, struct scanner_slot *slot)
{
	struct scan_job_answer a;
	int r = scan_job_hear(slot->sock, &slot->q, &a);

	if (r == ERR_AGAIN)
		return;
	if (!slot->busy) {
		end_process(slot);	/* it has died waiting, or speaks without being asked */
	} else if (r < 0) {
		broken(s, slot, FACT_SCAN_FAILED, r == ERR_BAD_FORMAT ? "its check said what makes no sense" : "the process that looked at it died");
	} else if (!slot->job) {
		(void)scanner_yara_compiled(&s->yara, slot->out, &a, 0);
		end_process(slot);
		scanner_job_release(s, slot);
	} else {
		answered(s, slot, &a);
	}
}

/* --- starting ------------------------------------------------------------------------------------------------------------ */

static void take_processes(struct scanner *s)
{
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++) {
		struct scanner_slot *slot = &s->slots[i];

		if (slot->sock >= 0)
			continue;
		if (scan_pool_take(s->pool, &slot->sock, &slot->pidfd) < 0) {
			slot->sock = slot->pidfd = -1;
			return;
		}
		slot->in = slot->out = -1;
		slot->busy = false;
		slot->job = NULL;
	}
}

static struct scanner_slot *idle_slot(struct scanner *s, unsigned *ret_idle)
{
	struct scanner_slot *found = NULL;

	*ret_idle = 0;
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++) {
		if (s->slots[i].sock < 0 || s->slots[i].busy)
			continue;
		found = &s->slots[i];
		++*ret_idle;
	}
	return found;
}

static void compile(struct scanner *s)
{
	unsigned idle;
	struct scanner_slot *slot;
	int fds[SCAN_JOB_FDS] = { s->yara.source, -1, -1, -1 };

	if (s->yara.source < 0)
		return;
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++)
		if (s->slots[i].busy && !s->slots[i].job)
			return;		/* under way */
	slot = idle_slot(s, &idle);
	if (!slot)
		return;
	slot->q = (struct scan_job_question){ .kind = SCAN_JOB_RULES, .n = s->yara.source_n, .out_most = LIMIT_SCAN_OUT };
	slot->out = fds[SCAN_JOB_OUT] = scanner_job_memfd("rules");
	slot->busy = true;
	slot->deadline_ms = clock_mono_ms() + s->now.timeout_ms;
	if (slot->out < 0 || scan_job_ask(slot->sock, &slot->q, fds) < 0) {
		end_process(slot);	/* another one will do it */
		scanner_job_release(s, slot);
	}
}

/* The next job that may begin. One process is left for the urgent ones, if there is more than one. */
static struct scan_job *next_job(struct scanner *s, uint64_t now, unsigned idle)
{
	struct scan_job *found = NULL;

	pthread_mutex_lock(&s->lock);
	for (unsigned low = 0; low < 2 && !found; low++) {
		if (low && idle < 2 && s->now.processes > 1)
			break;
		LIST_EACH(it, &s->queue[low]) {
			struct scan_job *j = LIST_ITEM(it, struct scan_job, node);

			if (j->not_before_ms > now)
				continue;
			if (s->bytes && s->bytes + j->size > LIMIT_SCAN_BYTES)
				break;
			found = j;
			list_remove(it);
			s->queued[low]--;
			break;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* Is all there that a file is to be looked at with? */
static bool may_begin(const struct scanner *s)
{
	return s->yara.settled && (!*s->now.clamd || s->clamd.there || !s->now.required);
}

/* Whether another may be begun. */
static bool begin(struct scanner *s, struct scanner_slot *slot, struct scan_job *j)
{
	static const uint8_t no_digest[32];
	int clamd = -1, r;

	if (j->size > LIMIT_SCAN_FILE) {
		scanner_job_fail(s, j, FACT_TOO_BIG, "nothing of this size is looked at", no_digest);
		j->out.version = s->version;
		finish(s, j, 0);
		return true;
	}
	if (*s->now.clamd && s->clamd.there && scan_dial(s->now.clamd, 1000, (unsigned)(s->now.timeout_ms / 2), &clamd) < 0) {
		scanner_clamd_doubt(&s->clamd, clock_mono_ms());
		clamd = -1;
		if (s->now.required) {
			put_back(s, j);
			return false;
		}
	}
	r = scanner_job_begin(s, slot, j, clamd);
	if (clamd >= 0)
		close(clamd);
	if (r == 0) {
		slot->deadline_ms = clock_mono_ms() + s->now.timeout_ms;
		slot->version = s->version;
	} else if (r == ERR_EOF || r == ERR_NOMEM) {
		if (r == ERR_EOF)
			end_process(slot);
		j->not_before_ms = r == ERR_NOMEM ? clock_mono_ms() + 1000 : 0;
		put_back(s, j);
	} else {
		finish(s, j, r);
	}
	return true;
}

static void begin_all(struct scanner *s)
{
	for (unsigned i = 0; i < LIMIT_SCAN_QUEUE && may_begin(s); i++) {
		unsigned idle;
		struct scanner_slot *slot = idle_slot(s, &idle);
		struct scan_job *j = slot ? next_job(s, clock_mono_ms(), idle) : NULL;

		if (!j || !begin(s, slot, j))
			return;
	}
}

/* --- the thread ------------------------------------------------------------------------------------------------------------ */

static uint64_t version_of(const struct scanner *s)
{
	uint8_t soon = s->clamd.soon, digest[32];
	EVP_MD_CTX *md;
	uint64_t v;

	if (!s->yara.settled || (*s->now.clamd && !s->clamd.known))
		return 0;
	md = EVP_MD_CTX_new();
	CHECK(md && EVP_DigestInit_ex(md, EVP_sha256(), NULL));
	EVP_DigestUpdate(md, BUILTIN, sizeof(BUILTIN));
	EVP_DigestUpdate(md, s->clamd.sign, SCANNER_SIGN);
	EVP_DigestUpdate(md, s->clamd.in_force, SCANNER_SIGN);
	EVP_DigestUpdate(md, &soon, 1);
	EVP_DigestUpdate(md, s->yara.sign, SCANNER_SIGN);
	EVP_DigestUpdate(md, s->digests.sign, SCANNER_SIGN);
	CHECK(EVP_DigestFinal_ex(md, digest, NULL));
	EVP_MD_CTX_free(md);
	memcpy(&v, digest, sizeof(v));
	return v ? v : 1;
}

/* What `status` shows, and the version. */
static void publish(struct scanner *s)
{
	struct scanner_state st = {
		.processes = s->now.processes, .done = s->count.done, .failed = s->count.failed, .timed_out = s->count.timed_out, .found = s->count.found,
		.clamd_wanted = *s->now.clamd, .clamd_required = s->now.required,
		.clamd_there = s->clamd.there, .yara_files = s->yara.files, .digests = (unsigned)s->digests.n,
	};
	uint64_t version = version_of(s);

	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++) {
		st.idle += s->slots[i].sock >= 0 && !s->slots[i].busy;
		st.running += s->slots[i].busy;
	}
	memcpy(st.clamd_says, s->clamd.says, sizeof(st.clamd_says));
	memcpy(st.yara_says, s->yara.says, sizeof(st.yara_says));
	memcpy(st.digests_says, s->digests.says, sizeof(st.digests_says));
	pthread_mutex_lock(&s->lock);
	s->state = st;
	if (version != s->version || (s->clamd.there && !s->was_there)) {	/* what was looked at without it is looked at again */
		s->version_new = version != 0;
		s->version = version;
		if (version)
			post(s);
	}
	s->was_there = s->clamd.there;
	pthread_mutex_unlock(&s->lock);
}

static void take_conf(struct scanner *s, bool first)
{
	struct scanner_conf before = s->now;

	pthread_mutex_lock(&s->lock);
	s->now = s->conf;
	s->reload = false;
	pthread_mutex_unlock(&s->lock);
	if (first || strcmp(before.clamd, s->now.clamd) != 0) {
		int signatures = s->clamd.signatures;

		scanner_clamd_release(&s->clamd);
		scanner_clamd_init(&s->clamd, s->now.clamd, s->now.required, signatures);
	}
	s->clamd.required = s->now.required;
}

static int wait_ms(struct scanner *s)
{
	uint64_t now = clock_mono_ms(), due = s->digests.due_ms < s->yara.due_ms ? s->digests.due_ms : s->yara.due_ms, other = scanner_clamd_due_ms(&s->clamd);

	due = other < due ? other : due;
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++)
		if (s->slots[i].busy && s->slots[i].deadline_ms < due)
			due = s->slots[i].deadline_ms;
	pthread_mutex_lock(&s->lock);
	for (unsigned low = 0; low < 2; low++)
		LIST_EACH(it, &s->queue[low]) {
			uint64_t at = LIST_ITEM(it, struct scan_job, node)->not_before_ms;

			due = at > now && at < due ? at : due;
		}
	pthread_mutex_unlock(&s->lock);
	return due <= now ? 0 : (int)(due - now);
}

static void wait_and_hear(struct scanner *s)
{
	struct pollfd p[POLLED] = { { .fd = s->wake, .events = POLLIN }, { .fd = s->pool, .events = POLLIN }, { .fd = s->clamd.fd, .events = POLLIN } };
	uint64_t now, count;

	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++)
		p[3 + i] = (struct pollfd){ .fd = s->slots[i].sock, .events = POLLIN };
	if (poll(p, POLLED, wait_ms(s)) < 0)
		return;
	if (p[0].revents && read(s->wake, &count, sizeof(count)) < 0)
		CHECK(errno == EAGAIN);
	if (p[1].revents & (POLLHUP | POLLERR))
		s->pool = -1;		/* the supervisor is gone, and so are we in a moment */
	now = clock_mono_ms();
	if (p[2].revents && s->clamd.fd == p[2].fd)
		(void)scanner_clamd_hear(&s->clamd, now);
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++) {
		if (p[3 + i].revents)
			hear(s, &s->slots[i]);
		if (s->slots[i].sock >= 0 && s->slots[i].busy && now >= s->slots[i].deadline_ms)
			broken(s, &s->slots[i], FACT_SCAN_TIMEOUT, "it took too long");
	}
}

static bool ends(struct scanner *s)
{
	bool stopping, reload;

	pthread_mutex_lock(&s->lock);
	stopping = s->stopping;
	reload = s->reload;
	pthread_mutex_unlock(&s->lock);
	if (reload)
		take_conf(s, false);
	return stopping;
}

static void *scanner_thread(void *arg)
{
	struct scanner *s = arg;

	pthread_setname_np(pthread_self(), "scanner");
	(void)setpriority(PRIO_PROCESS, 0, NICE);	/* Linux: of this thread alone */
	take_conf(s, true);
	while (!ends(s)) {
		uint64_t now = clock_mono_ms();

		scanner_digests_tend(&s->digests, s->dir, now);
		scanner_yara_tend(&s->yara, s->dir, now);
		(void)scanner_clamd_tend(&s->clamd, now);
		take_processes(s);
		compile(s);
		publish(s);
		begin_all(s);
		wait_and_hear(s);
	}
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++) {
		if (s->slots[i].sock < 0)
			continue;
		if (s->slots[i].job)
			secret_wipe(s->slots[i].job->key, sizeof(s->slots[i].job->key));
		end_process(&s->slots[i]);
		scanner_job_release(s, &s->slots[i]);
	}
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	post(s);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- life ---------------------------------------------------------------------------------------------------------------- */

static void set_conf(struct scanner *s, const struct config *c)
{
	pthread_mutex_lock(&s->lock);
	snprintf(s->conf.clamd, sizeof(s->conf.clamd), "%s", c->scanner.clamd);
	s->conf.required = c->scanner.required;
	s->conf.processes = c->scanner.processes;
	s->conf.timeout_ms = c->scanner.timeout_s * 1000;
	s->reload = true;
	pthread_mutex_unlock(&s->lock);
}

int scanner_new(const struct scanner_parts *p, struct scanner **ret)
{
	struct scanner *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return ERR_NOMEM;
	s->magic = SCANNER_MAGIC;
	s->loop = p->loop;
	s->dir = p->dir;
	s->spool = p->spool;
	s->pool = p->pool;
	s->clamd.fd = -1;
	s->clamd.signatures = p->signatures;
	s->item.fn = on_posted;
	list_init(&s->item.node);
	list_init(&s->finished);
	for (unsigned i = 0; i < 2; i++)
		list_init(&s->queue[i]);
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++)
		s->slots[i] = (struct scanner_slot){ .sock = -1, .pidfd = -1, .in = -1, .out = -1 };
	scanner_yara_init(&s->yara);
	pthread_mutex_init(&s->lock, NULL);
	set_conf(s, p->config);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = s->wake < 0 ? ERR_IO : seal_lib_new(&s->lib);
	if (r == 0 && pthread_create(&s->thread, NULL, scanner_thread, s) != 0)
		r = ERR_NOMEM;
	if (r < 0) {
		s->ended = true;
		scanner_free(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void scanner_reload(struct scanner *s, const struct config *c)
{
	CHECK_OBJ(s, SCANNER_MAGIC);
	set_conf(s, c);
	wake(s);
}

void scanner_stop(struct scanner *s, void (*done)(void *ctx), void *ctx)
{
	CHECK_OBJ(s, SCANNER_MAGIC);
	s->stopped = done;
	s->stopped_ctx = ctx;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

void scanner_free(struct scanner **ret)
{
	struct scanner *s = *ret;

	if (!s)
		return;
	CHECK(s->ended);
	scanner_yara_free(&s->yara);
	scanner_digests_free(&s->digests);
	scanner_clamd_release(&s->clamd);
	if (s->clamd.signatures >= 0)
		close(s->clamd.signatures);
	seal_lib_free(&s->lib);
	if (s->wake >= 0)
		close(s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*ret = NULL;
}
