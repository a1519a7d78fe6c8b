/* room_wall.c - walls of the company in rooms: no room holds both sides, and who may not come in may not read what was said.
 *
 * A wall that is built while both sides sit in a room puts one of them out: whoever has less to say there, and of equals who came
 * later. Places (affiliations) stay as they are: policy may be taken back, and an owner can tidy up; until then whoever has the
 * higher place, or is there, keeps the others out.
 */
#include <stdlib.h>

#include "base/log.h"
#include "core/policy_step.h"
#include "rooms/room.h"

bool room_wall_bars(const struct room *r, struct str bare)
{
	const struct server *srv = r->rooms->server;
	enum room_affiliation own = room_affiliation_of(r, bare);
	struct map_iter it = { 0 };
	struct str other;
	void *v;

	if (guard_policy(srv->guard)->walls.n == 0)
		return false;
	while (map_next(r->nicks, &it, NULL, &v))
		if (policy_step_apart(srv, bare, ((const struct occupant *)v)->bare))
			return true;
	for (it.at = 0; map_next(r->grants, &it, &other, &v);) {
		enum room_affiliation theirs = ((const struct room_grant *)v)->affiliation;

		if (theirs > ROOM_STRANGER && theirs >= own && policy_step_apart(srv, bare, other))
			return true;
	}
	return false;
}

struct seat {
	struct occupant *occupant;
	enum room_affiliation affiliation;
	uint64_t entry, people;			/* people: the sets he belongs to */
};

static uint64_t first_entry(const struct occupant *o)
{
	uint64_t first = UINT64_MAX;

	LIST_EACH(n, &o->devices) {
		const struct device *d = LIST_ITEM(n, struct device, of_occupant);

		first = d->entry < first ? d->entry : first;
	}
	return first;
}

/* In the order in which they may stay. */
static int before(const void *a, const void *b)
{
	const struct seat *x = a, *y = b;

	if (x->affiliation != y->affiliation)
		return x->affiliation > y->affiliation ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static size_t read_seats(struct room *r, const struct people *people, struct seat *v, size_t most)
{
	struct map_iter it = { 0 };
	size_t n = 0;
	void *o;

	while (n < most && map_next(r->nicks, &it, NULL, &o)) {
		v[n].occupant = o;
		v[n].affiliation = room_affiliation_of(r, v[n].occupant->bare);
		v[n].entry = first_entry(o);
		v[n].people = str_eq(v[n].occupant->bare, r->rooms->server->helpdesk) ? 0 : people_of(people, v[n].occupant->bare);
		n++;
	}
	qsort(v, n, sizeof(*v), before);
	return n;
}

/* kinds: the different sets of those who stay; most people of a room are of few. */
static bool fits(const struct policy *p, uint64_t people, const uint64_t *kinds, size_t n)
{
	const struct clause *trial;

	for (size_t i = 0; i < n; i++)
		if (clause_match(&p->walls, (struct people_pair){ people, kinds[i] }, &trial))
			return false;
	return true;
}

static bool is_among(uint64_t people, const uint64_t *kinds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (kinds[i] == people)
			return true;
	return false;
}

static void part(struct room *r, const struct policy *p)
{
	static const struct room_change why = { .statuses = { 307 }, .n_statuses = 1,
						.reason = { "The company's policy keeps you apart from somebody in this room.", 64 } };
	size_t n = room_occupants(r), n_kinds = 0;
	struct seat *v = calloc(n + 1, sizeof(*v));
	uint64_t *kinds = calloc(n + 1, sizeof(*kinds));

	if (!v || !kinds) {
		log_event(LOG_ERROR, "rooms.not_parted", LOG_S("room", r->jid), LOG_Z("why", err_text(ERR_NOMEM)));
		n = 0;
	}
	n = n ? read_seats(r, &p->people, v, n) : 0;
	for (size_t i = 0; i < n; i++) {
		if (!fits(p, v[i].people, kinds, n_kinds)) {
			room_presence_remove(v[i].occupant, &why);
			continue;
		}
		if (!is_among(v[i].people, kinds, n_kinds))
			kinds[n_kinds++] = v[i].people;
	}
	free(v);
	free(kinds);
}

void room_wall_policy(struct server *srv)
{
	const struct policy *p = guard_policy(srv->guard);
	struct map_iter it = { 0 };
	void *r;

	if (p->walls.n == 0)
		return;
	while (map_next(srv->rooms->all, &it, NULL, &r)) {
		if (room_occupants(r) < 2)
			continue;
		part(r, p);
	}
}
