/* outward.c - see outward.h. */
#include "core/outward.h"

#include "base/check.h"
#include "base/log.h"
#include "core/state.h"

void outward_register(struct server *srv, const struct outward_ops *ops, void *ctx)
{
	CHECK(srv->n_outward < OUTWARD_LINKS);
	srv->outward[srv->n_outward].ops = ops;
	srv->outward[srv->n_outward].ctx = ctx;
	srv->n_outward++;
}

static const struct outward *find(const struct server *srv, struct str domain)
{
	for (unsigned i = 0; i < srv->n_outward; i++)
		if (srv->outward[i].ops->serves(srv->outward[i].ctx, domain))
			return &srv->outward[i];
	return NULL;
}

bool outward_serves(const struct server *srv, struct str domain)
{
	return find(srv, domain) != NULL;
}

int outward_send(struct server *srv, const struct jid *from, const struct jid *to, const struct node *stanza)
{
	const struct outward *o = find(srv, to->domain);

	return o ? o->ops->send(o->ctx, from, to, stanza) : ERR_REMOTE;
}

bool outward_reserve(struct server *srv, const struct jid *from, const struct jid *to, struct outward_place *ret)
{
	const struct outward *o = find(srv, to->domain);

	return o && o->ops->reserve && o->ops->reserve(o->ctx, from, to, ret);
}

int outward_send_kept(struct server *srv, const struct jid *from, const struct jid *to, const struct node *stanza, uint32_t seq)
{
	const struct outward *o = find(srv, to->domain);

	if (o && seq && o->ops->send_kept)
		return o->ops->send_kept(o->ctx, from, to, stanza, seq);
	return o ? o->ops->send(o->ctx, from, to, stanza) : ERR_REMOTE;
}

void outward_recall(struct server *srv, const struct outward_recall *what)
{
	for (unsigned i = 0; i < srv->n_outward; i++)
		if (srv->outward[i].ops->recall)
			srv->outward[i].ops->recall(srv->outward[i].ctx, what);
}

void outward_status(struct server *srv, json_t *reply)
{
	for (unsigned i = 0; i < srv->n_outward; i++)
		if (srv->outward[i].ops->status)
			srv->outward[i].ops->status(srv->outward[i].ctx, reply);
}

void outward_answer(struct server *srv, struct arena *a, const struct node *reply)
{
	struct jid from, to;
	int r = jid_parse(a, node_attr(reply, "from"), &from);

	if (r == 0)
		r = jid_parse(a, node_attr(reply, "to"), &to);
	if (r == 0)
		r = outward_send(srv, &from, &to, reply);
	if (r < 0) {
		srv->metrics.dropped++;
		log_event(LOG_DEBUG, "outward.answer_dropped", LOG_Z("why", err_text(r)));
	}
}
