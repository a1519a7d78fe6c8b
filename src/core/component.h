/* component.h - which domains belong to components (XEP-0114), and what wardroom.yaml says of each. */
#ifndef CORE_COMPONENT_H
#define CORE_COMPONENT_H

#include "base/str.h"
#include "config/config.h"

struct server;

/* NULL: no component's. Good until the configuration is replaced. */
const struct config_component *component_of(const struct server *srv, struct str domain);

struct trip;

/* Is the sender a component itself (not somebody behind it), and may it do that (CONFIG_MAY_*, any of them)? */
bool component_may(const struct trip *t, unsigned may);

#endif
