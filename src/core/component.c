#include "core/component.h"

#include "core/state.h"

const struct config_component *component_of(const struct server *srv, struct str domain)
{
	for (unsigned i = 0; i < srv->config->n_components; i++)
		if (str_is(domain, srv->config->components[i].domain))
			return &srv->config->components[i];
	return NULL;
}
