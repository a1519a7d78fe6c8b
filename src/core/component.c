#include "core/component.h"

#include "core/state.h"
#include "core/trip.h"

const struct config_component *component_of(const struct server *srv, struct str domain)
{
	for (unsigned i = 0; i < srv->config->n_components; i++)
		if (str_is(domain, srv->config->components[i].domain))
			return &srv->config->components[i];
	return NULL;
}

bool component_may(const struct trip *t, unsigned may)
{
	const struct config_component *c;

	if (t->origin != TRIP_COMPONENT || t->from.local.n)
		return false;
	c = component_of(t->server, t->from.domain);
	return c && (c->may & may);
}
