/* pubsub_call.c - see pubsub_call.h. */
#include "pubsub/pubsub_call.h"

#include "base/clock.h"
#include "base/limits.h"
#include "core/hooks.h"
#include "core/state.h"
#include "pubsub/pubsub_notify.h"
#include "pubsub/pubsub_ops.h"
#include "vault/vault_pubsub.h"
#include "xmpp/wire.h"

/* --- nodes and items, on the store thread ----------------------------------------------------------------------------- */

int pubsub_call_load(struct vault *v, struct pubsub_call *c, struct str name, struct pubsub_node **ret)
{
	struct str bytes;
	int r = vault_item_get(v, c->owner, ITEM_PUBSUB_NODE, name, c->arena, &bytes);

	return r < 0 ? r : pubsub_node_decode(c->arena, c->owner, name, bytes, ret);
}

int pubsub_call_save(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n)
{
	struct buf b;
	int r;

	buf_init(&b, LIMIT_VALUE_BYTES / 2);
	r = pubsub_node_encode(n, &b);
	if (r == 0)
		r = vault_item_put(v, c->owner, ITEM_PUBSUB_NODE, n->name, buf_str(&b));
	buf_release(&b);
	return r;
}

int pubsub_call_each(struct vault *v, struct str owner, pubsub_node_fn *fn, void *ctx)
{
	struct arena *a = arena_new(LIMIT_VALUE_BYTES * 3);
	struct vault_item_at at = { 0 };
	int r = a ? 0 : ERR_NOMEM;

	while (r == 0) {
		struct vault_item item;
		struct pubsub_node *n;

		arena_clear(a);
		r = vault_item_next(v, owner, ITEM_PUBSUB_NODE, &at, a, &item);
		if (r == ERR_NOT_FOUND) {
			r = 0;
			break;
		}
		if (r == 0)
			r = pubsub_node_decode(a, owner, item.key, item.value, &n);
		if (r == 0)
			r = fn(ctx, n);
	}
	arena_free(&a);
	return r;
}

int pubsub_call_create(struct vault *v, struct pubsub_call *c, struct str name, struct pubsub_node **ret)
{
	uint64_t n;
	int r = vault_item_count(v, c->owner, ITEM_PUBSUB_NODE, &n);

	if (r < 0)
		return r;
	if (n >= (c->viewer.service ? PUBSUB_SERVICE_NODES - 1 : PUBSUB_NODES))
		return pubsub_ops_fail(c, ERR_LIMIT, "max-nodes-exceeded");
	r = pubsub_node_new(c->arena, c->owner, !c->viewer.service, name, ret);
	if (r < 0)
		return r;
	(*ret)->created_ms = c->now_ms;
	(*ret)->creator = c->viewer.bare;
	return c->viewer.service ? pubsub_node_affiliate(c->arena, *ret, c->viewer.bare, AFFILIATION_OWNER) : 0;
}

int pubsub_call_change(struct pubsub_call *c, const struct pubsub_change *change)
{
	struct pubsub_change *copy = arena_alloc(c->arena, sizeof(*copy));

	if (!copy)
		return ERR_LIMIT;
	*copy = *change;
	copy->next = NULL;
	*c->last = copy;
	c->last = &copy->next;
	return 0;
}

static int keep_item(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct str id, const struct node *payload)
{
	struct vault_pub item = { .seq = vault_next_id(v, c->now_ms), .id = id, .publisher = c->viewer.bare };
	uint32_t expire = n->config.n[PUBSUB_EXPIRE_S];
	uint64_t age = (uint64_t)expire * 1000;
	uint64_t used = 0;
	struct buf b;
	int r = vault_pubsub_used(v, c->owner, &used);

	buf_init(&b, PUBSUB_ITEM_BYTES);
	if (r == 0 && payload)
		r = wire_write(&b, payload, STR(NS_CLIENT));
	item.payload = buf_str(&b);
	if (r == ERR_LIMIT)
		r = pubsub_ops_fail(c, ERR_NOT_ACCEPTABLE, "payload-too-big");
	if (r == 0 && used + b.n + id.n > (c->viewer.service ? PUBSUB_SERVICE_BYTES : PUBSUB_BYTES))
		r = ERR_LIMIT;
	if (r == 0)
		r = vault_pubsub_put(v, c->owner, n->name, &item);
	buf_release(&b);
	if (r < 0)
		return r;
	return vault_pubsub_trim(v, c->owner, n->name, pubsub_node_keeps(n), expire && c->now_ms > age ? (c->now_ms - age) << 20 : 0);
}

int pubsub_call_publish(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct str id,
			const struct node *payload)
{
	struct pubsub_change ch = { .kind = CHANGE_ITEM, .node = n, .id = id, .payload = payload,
				    .tell = n->config.n[PUBSUB_NOTIFY] != 0 };
	int r = pubsub_node_keeps(n) ? keep_item(v, c, n, id, payload) : 0;

	return r < 0 ? r : pubsub_call_change(c, &ch);
}

int pubsub_call_retract(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct str id, bool tell)
{
	struct pubsub_change ch = { .kind = CHANGE_RETRACT, .node = n, .id = id, .tell = tell };
	int r = vault_pubsub_remove(v, c->owner, n->name, id);

	return r < 0 ? r : pubsub_call_change(c, &ch);
}

/* --- the call ------------------------------------------------------------------------------------------------------------ */

/* What features make of it, in the same transaction: of the changes that were asked for, not of what they add. */
static int convert(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_change **end = c->last;
	int r = 0;

	c->converting = true;
	for (struct pubsub_change **at = &c->changes; at != end && *at && r == 0; at = &(*at)->next)
		r = hooks_pubsub_changed(v, c, *at);
	return r;
}

static int work(struct vault *v, struct iq *iq)
{
	struct pubsub_call *c = iq->data;
	int r;

	c->reply = NULL;
	c->condition = NULL;
	c->feature = NULL;
	c->changes = NULL;
	c->last = &c->changes;
	c->converting = false;
	c->photo_changed = false;
	c->new_keys = STR_NONE;
	r = c->row ? c->row->fn(v, c) : c->work(v, c);
	return r < 0 ? r : convert(v, c);
}

static int refuse(struct pubsub_call *c, int err)
{
	struct node *extra = c->condition ? node_new(c->arena, NS_PUBSUB_ERRORS, c->condition) : NULL;

	if (!extra)
		return err;
	if (c->feature && node_set_attr(c->arena, extra, "feature", str_of(c->feature)) < 0)
		return err;
	trip_refuse_cond(c->iq->trip, err_stanza_type(err), err_stanza_condition(err), extra);
	return IQ_LATER;		/* the trip has ended */
}

static int done(struct iq *iq, int err)
{
	struct pubsub_call *c = iq->data;

	if (err < 0)
		return refuse(c, err);
	err = iq_reply(iq, c->reply);
	pubsub_notify(c);
	hooks_pubsub_done(c);
	return err;
}

static struct pubsub_call *call_new(struct iq *iq)
{
	struct pubsub_call *c = arena_alloc(iq->arena, sizeof(*c));

	if (!c)
		return NULL;
	c->iq = iq;
	c->arena = iq->arena;
	c->now_ms = clock_wall_ms();
	c->name = STR_NONE;
	c->last = &c->changes;
	iq->data = c;
	return c;
}

static int set_viewer(struct pubsub_call *c, const struct user *owner)
{
	const struct trip *t = c->iq->trip;
	bool staff = server_is_local(c->iq->server, t->from.domain) && t->from.local.n && !trip_is_foreign(t);

	return pubsub_access_viewer(c->arena, owner, t->from.full, t->from.bare, staff, &c->viewer);
}

int pubsub_call_begin(struct iq *iq, struct str service, int (*fn)(struct vault *v, struct pubsub_call *c), void *data)
{
	struct pubsub_call *c = call_new(iq);
	int r;

	if (!c)
		return ERR_LIMIT;
	c->owner = service.n ? service : iq->user->bare;
	c->work = fn;
	c->data = data;
	c->name = node_attr(iq->payload, "node");
	r = set_viewer(c, service.n ? NULL : iq->user);
	return r < 0 ? r : iq_store(iq, work, done);
}

/* The first element says what is wanted; the others go with it. */
static int read_request(struct pubsub_call *c)
{
	const struct node *el = node_first_element(c->iq->payload);

	if (!el)
		return ERR_BAD_REQUEST;
	c->op = el;
	c->row = pubsub_ops_find(c->iq->type, el);
	if (!c->row) {
		c->feature = str_is(el->name, "options") ? "subscription-options" : NULL;
		return c->feature ? pubsub_ops_fail(c, ERR_UNSUPPORTED, "unsupported") : ERR_BAD_REQUEST;
	}
	c->name = node_attr(el, "node");
	if (c->row->named && c->name.n == 0)
		return pubsub_ops_fail(c, ERR_BAD_REQUEST, "nodeid-required");
	return c->name.n > PUBSUB_NAME ? ERR_NOT_ACCEPTABLE : 0;
}

int pubsub_call_run(struct iq *iq, struct str service)
{
	struct pubsub_call *c = call_new(iq);
	int r;

	if (!c)
		return ERR_LIMIT;
	c->owner = service.n ? service : iq->user->bare;
	r = set_viewer(c, service.n ? NULL : iq->user);
	if (r == 0)
		r = read_request(c);
	if (r < 0)
		return refuse(c, r);
	return iq_store(iq, work, done);
}
