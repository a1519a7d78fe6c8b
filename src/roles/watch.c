/* watch.c - see watch.h. */
#include "roles/watch.h"

#include "config/config.h"
#include "config/instance.h"
#include "inspect/spim.h"
#include "outbreak/guard.h"
#include "policy/feed_file.h"
#include "policy/policy.h"

/* A file that is not there has its defaults: an instance made before the file existed goes on. */
static int read_file(const char *path, size_t max, struct arena *a, struct str *ret, struct str *ret_why)
{
	int r = instance_read(path, max, a, ret, ret_why);

	if (r != ERR_NOT_FOUND)
		return r;
	*ret = STR_NONE;
	return 0;
}

static int read_deny(const struct instance *in, struct policy *p, struct str *ret_why)
{
	struct arena *a = arena_new(POLICY_DENY_BYTES + 65536);
	struct str path, text, why = STR_NONE;
	int r = a ? 0 : ERR_NOMEM;

	if (r == 0 && !str_empty(p->deny_file)) {
		path = arena_printf(a, "%s/%.*s", in->dir, STR_FMT(p->deny_file));
		r = path.p ? read_file(path.p, POLICY_DENY_BYTES, a, &text, &why) : ERR_NOMEM;
		if (r == 0)
			r = policy_deny(p, text);
	}
	if (r < 0)
		*ret_why = STR("the deny list of policy.yaml cannot be read");
	arena_free(&a);
	return r;
}

static int read_spim(const struct instance *in, struct policy *p, struct arena *a, struct str *ret_why)
{
	struct arena *file = arena_new(2 * SPIM_FILE_BYTES + 65536);
	struct str path = file ? arena_printf(file, "%s/%.*s", in->dir, STR_FMT(p->spim_file)) : STR_NONE, model, why = STR_NONE;
	int r = file && path.p ? read_file(path.p, SPIM_FILE_BYTES, file, &model, &why) : ERR_NOMEM;

	if (r == 0)
		r = policy_spim(p, model);
	if (r < 0)
		*ret_why = arena_printf(a, "%s/%.*s is no model of this version: make it anew with `wardroom train`, or take it away", in->dir, STR_FMT(p->spim_file));
	arena_free(&file);
	return r;
}

/* A policy that is judged beside the one in force, with its weights and its deny list; it does nothing. */
static int read_trial(const struct instance *in, const char *domain, struct arena *a, struct policy *p, struct str *ret_why)
{
	struct str text;
	int r = instance_read(in->trial, POLICY_FILE_BYTES, a, &text, ret_why);

	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == 0)
		r = policy_parse(text, in->trial, domain, a, &p->trial, ret_why);
	if (r < 0)
		return r;
	memcpy(p->trial->weights, p->weights, sizeof(p->weights));
	p->trial->links.denied = p->denied;
	p->trial->links.feeds = p->links.feeds;
	p->trial->links.n_feeds = p->links.n_feeds;
	return 0;
}

int watch_policy(const struct instance *in, const char *domain, struct arena *a, struct policy **ret, struct str *ret_why)
{
	struct policy *p = NULL;
	struct str text;
	int r = read_file(in->policy, POLICY_FILE_BYTES, a, &text, ret_why);

	if (r == 0)
		r = policy_parse(text, in->policy, domain, a, &p, ret_why);
	if (r == 0)
		r = read_file(in->weights, POLICY_FILE_BYTES, a, &text, ret_why);
	if (r == 0)
		r = policy_weights(p, text, in->weights, a, ret_why);
	if (r == 0)
		r = read_deny(in, p, ret_why);
	if (r == 0)
		r = read_spim(in, p, a, ret_why);
	if (r == 0)
		r = feed_file_open(p, in->data);
	if (r == 0 && p->shadow) {
		*ret_why = arena_printf(a, "%s: 'shadow: on' is for a policy on trial: `wardroom policy apply FILE --shadow`", in->policy);
		r = ERR_BAD_FORMAT;
	}
	if (r == 0)
		r = read_trial(in, domain, a, p, ret_why);
	if (r < 0) {
		policy_free(&p);
		return r;
	}
	*ret = p;
	return 0;
}

int watch_open(const struct instance *in, const struct config *c, struct arena *a, struct guard **ret, struct str *ret_why)
{
	struct policy *p;
	int r = watch_policy(in, c->domain, a, &p, ret_why);

	return r < 0 ? r : guard_new(p, ret);
}

bool watch_changed(const struct instance *in, const struct guard *g)
{
	return feed_file_changed(guard_policy(g), in->data);
}

void watch_close(struct guard **g)
{
	guard_free(g);
}
