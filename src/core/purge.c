/* purge.c - see purge.h. The retraction takes the road of any message: it is archived, waits for who is away, and leaves for other servers. */
#include "core/purge.h"

#include "base/log.h"
#include "base/rand.h"
#include "core/state.h"
#include "core/trip.h"
#include "xmpp/ns.h"

#define ARENA_BYTES 65536

static bool line(struct str *rest, struct str *ret)
{
	ptrdiff_t end = str_find_char(*rest, '\n');

	*ret = end < 0 ? *rest : str_make(rest->p, (size_t)end);
	*rest = end < 0 ? STR_NONE : str_cut(*rest, (size_t)end + 1);
	return ret->n > 0;
}

static int add(struct arena *a, struct node *m, const char *ns, const char *name, const char *attr, struct str value, struct str text)
{
	struct node *n = node_add(a, m, ns, name);

	if (!n || (attr && node_set_attr(a, n, attr, value) < 0))
		return ERR_LIMIT;
	return text.n ? node_add_text(a, n, text) : 0;
}

/* XEP-0424 (4): <retract/> beside a fallback body and a hint that it be kept. */
static int write_message(struct arena *a, struct node *m, struct str from, struct str to, struct str id)
{
	char own[17];
	int r;

	rand_text(own, sizeof(own) - 1);
	r = node_set_attr(a, m, "from", from);
	if (r == 0)
		r = node_set_attr(a, m, "to", to);
	if (r == 0)
		r = node_set_attr(a, m, "type", STR("chat"));
	if (r == 0)
		r = node_set_attr(a, m, "id", arena_str(a, str_of(own)));
	if (r == 0)
		r = add(a, m, NS_RETRACT, "retract", "id", id, STR_NONE);
	if (r == 0)
		r = add(a, m, NS_FALLBACK, "fallback", "for", STR(NS_RETRACT), STR_NONE);
	if (r == 0)
		r = add(a, m, NS_CLIENT, "body", NULL, STR_NONE,
			STR("A dangerous message was removed by this company's server. Do not open its link or file if your client still shows it."));
	return r < 0 ? r : add(a, m, NS_HINTS, "store", NULL, STR_NONE, STR_NONE);
}

void purge_tell(struct server *srv, struct str subject)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct node *m = a ? node_new(a, NS_CLIENT, "message") : NULL;
	struct str from, to, id;
	int r = m ? 0 : ERR_NOMEM;

	if (r == 0 && line(&subject, &from) && line(&subject, &to) && line(&subject, &id)) {
		r = write_message(a, m, from, to, id);
		if (r == 0)
			r = trip_emit(srv, m);
		if (r < 0)
			log_event(LOG_WARN, "purge.not_told", LOG_S("to", to), LOG_Z("why", err_text(r)));
	}
	arena_free(&a);
}
