#include "core/service.h"

#include "core/mod.h"

const struct service_ops *service_of(const struct server *srv, struct str domain)
{
	size_t n;
	const struct mod_def *const *mods = mod_all(&n);

	for (size_t i = 0; i < n; i++)
		if (mods[i]->service && domain.n && str_eq(mods[i]->service->domain(srv), domain))
			return mods[i]->service;
	return NULL;
}
