/* pubsub_world.h - what the tests of this folder share. */
#ifndef TEST_PUBSUB_WORLD_H
#define TEST_PUBSUB_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/check.h"
#include "pubsub/pubsub_node.h"
#include "xmpp/wire.h"

#define ANNA STR("anna@corp.example")
#define BERT STR("bert@corp.example")

static inline int arena_make(void **st)
{
	*st = arena_new(32u << 20);
	return *st ? 0 : -1;
}

static inline int arena_drop(void **st)
{
	struct arena *a = *st;

	arena_free(&a);
	return 0;
}

static inline struct pubsub_node *node_named(struct arena *a, const char *name)
{
	struct pubsub_node *n;

	assert_int_equal(pubsub_node_new(a, ANNA, true, str_of(name), &n), 0);
	return n;
}

static inline struct node *xml(struct arena *a, const char *text)
{
	struct node *n;

	assert_int_equal(wire_parse(a, str_of(text), &n), 0);
	return n;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, arena_make, arena_drop)

#endif
