/* device.c - see device.h. */
#include "core/device.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/session.h"
#include "core/state.h"
#include "core/stream.h"
#include "core/user.h"
#include "xmpp/ns.h"

#define REVOKED "<text xmlns='" NS_STREAMS "' xml:lang='en'>The access of this device was revoked.</text>"

void device_session_id(const struct session *s, char ret[DEVICE_SESSION_ID])
{
	snprintf(ret, DEVICE_SESSION_ID, "session-%llu", (unsigned long long)s->id);
}

static bool is_of(const struct session *s, struct str id)
{
	char own[DEVICE_SESSION_ID];

	device_session_id(s, own);
	return str_is(id, own) || (s->device[0] && str_is(id, s->device));
}

bool device_is_connected(struct server *srv, struct str bare, struct str id)
{
	struct user *u = user_cached(srv, bare);

	if (!u)
		return false;
	LIST_EACH(it, &u->sessions)
		if (is_of(LIST_ITEM(it, struct session, of_user), id))
			return true;
	return false;
}

static void end_session(struct session *s)
{
	struct stream *st = s->stream;

	s->stream = NULL;
	if (st)
		stream_end_with(st, "not-authorized", REVOKED);
	session_end(s, NULL);
}

unsigned device_end(struct server *srv, struct str bare, struct str id)
{
	struct user *u = user_cached(srv, bare);
	unsigned n = 0;

	LIST_EACH(it, &srv->streams) {
		struct stream *st = stream_of(it);

		if (stream_is_signing_in(st, bare, id))
			stream_end_with(st, "not-authorized", REVOKED);
		else if (id.n == 0)
			stream_outdate(st, bare);
	}
	if (!u || id.n == 0)
		return n;
	user_ref(u);
	for (bool found = true; found;) {	/* what ends may take others with it */
		found = false;
		LIST_EACH(it, &u->sessions) {
			struct session *s = LIST_ITEM(it, struct session, of_user);

			if (!s->ending && is_of(s, id)) {
				end_session(s);
				found = true;
				n++;
				break;
			}
		}
	}
	user_unref(&u);
	return n;
}

struct later {
	struct loop_item item;
	struct server *srv;
	struct str bare, id;
	char text[];
};

static void on_later(struct loop_item *item)
{
	struct later *l = LIST_ITEM(item, struct later, item);

	device_end(l->srv, l->bare, l->id);
	free(l);
}

bool device_end_later(struct server *srv, struct str bare, struct str id)
{
	struct later *l = malloc(sizeof(*l) + bare.n + id.n);

	if (!l)
		return false;
	memcpy(l->text, bare.p, bare.n);
	memcpy(l->text + bare.n, id.p, id.n);
	l->srv = srv;
	l->bare = str_make(l->text, bare.n);
	l->id = str_make(l->text + bare.n, id.n);
	l->item.fn = on_later;
	list_init(&l->item.node);
	loop_defer(srv->loop, &l->item);
	return true;
}
