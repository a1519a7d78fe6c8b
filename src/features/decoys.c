/* decoys.c - what clients see of decoys (core/decoys.h): they are there, as the people of their group are. */
#include "core/decoys.h"

#include <stdio.h>

#include "core/mod.h"
#include "core/shared.h"
#include "core/state.h"

/* A resource that stays the same for one decoy, as clients make them. */
static void resource_of(struct str decoy, char ret[32])
{
	unsigned long long h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < decoy.n; i++)
		h = (h ^ (uint8_t)decoy.p[i]) * 0x100000001b3u;
	h ^= h >> 31;
	switch (h % 3) {
	case 0:
		snprintf(ret, 32, "Conversations.%05llx", h >> 8 & 0xfffff);
		break;
	case 1:
		snprintf(ret, 32, "gajim.%08llX", h >> 8 & 0xffffffff);
		break;
	default:
		snprintf(ret, 32, "dino.%08llx", h >> 8 & 0xffffffff);
		break;
	}
}

static void show(struct session *s, struct str decoy, bool away)
{
	struct arena *a = arena_new(65536);
	struct node *p = a ? node_new(a, NS_CLIENT, "presence") : NULL;
	char resource[32];
	struct str from;

	resource_of(decoy, resource);
	from = p ? arena_printf(a, "%.*s/%s", STR_FMT(decoy), resource) : STR_NONE;
	if (from.n && node_set_attr(a, p, "from", from) == 0 && node_set_attr(a, p, "to", s->user->bare) == 0 &&
	    (!away || node_set_attr(a, p, "type", STR("unavailable")) == 0))
		session_send(s, p);
	arena_free(&a);
}

static void show_one(void *ctx, struct str decoy)
{
	struct session *s = ctx;

	if (!user_blocks(s->user, decoy))
		show(s, decoy, false);
}

static void presence_out(struct session *s, struct trip *t, bool initial)
{
	(void)t;
	if (initial && s->available)
		shared_decoys(s->user, show_one, s);
}

static void roster_shared(struct user *u, struct str contact, bool ended)
{
	if (!ended && !shared_is_decoy(u->server, contact))
		return;
	if (ended && user_cached(u->server, contact))
		return;			/* a person who may be there */
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (s->available && !s->ending)
			show(s, contact, ended);
	}
}

static void account_removed(struct server *srv, struct str bare)
{
	shared_gone(srv, bare);
}

static const struct mod_hooks hooks = {
	.presence_out = presence_out,
	.roster_shared = roster_shared,
	.account_removed = account_removed,
	.message_done = decoys_written,
};

const struct mod_def mod_decoys = { .name = "decoys", .hooks = &hooks };
