/* test_access.c - who may what: every model, affiliation and kind of viewer (pubsub/pubsub_access.h). */
#include "pubsub_world.h"

#include "pubsub/pubsub_access.h"

static const struct str crew = STR("Crew");

static const struct pubsub_viewer owner = { .bare = ANNA, .owner = true, .staff = true };
static const struct pubsub_viewer contact = { .bare = BERT, .contact = true, .staff = true };
static const struct pubsub_viewer grouped = { .bare = BERT, .contact = true, .groups = &crew, .n_groups = 1 };
/* In the group, but he may not see the presence. */
static const struct pubsub_viewer listed = { .bare = BERT, .groups = &crew, .n_groups = 1 };
static const struct pubsub_viewer stranger = { .bare = BERT, .staff = true };
static const struct pubsub_viewer at_service = { .bare = BERT, .service = true };

static void models_let_in_whom_they_name(void **st)
{
	static const struct { enum pubsub_access model; const struct pubsub_viewer *w; bool reads; } rows[] = {
		{ ACCESS_OPEN, &stranger, true }, { ACCESS_OPEN, &at_service, true }, { ACCESS_OPEN, &contact, true },
		{ ACCESS_PRESENCE, &stranger, false }, { ACCESS_PRESENCE, &listed, false }, { ACCESS_PRESENCE, &contact, true },
		{ ACCESS_PRESENCE, &at_service, false }, { ACCESS_ROSTER, &grouped, true }, { ACCESS_ROSTER, &contact, false },
		{ ACCESS_ROSTER, &listed, false }, { ACCESS_ROSTER, &at_service, false }, { ACCESS_WHITELIST, &grouped, false },
		{ ACCESS_WHITELIST, &stranger, false }, { ACCESS_WHITELIST, &at_service, false }, { ACCESS_WHITELIST, &owner, true },
		{ ACCESS_PRESENCE, &owner, true }, { ACCESS_ROSTER, &owner, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pubsub_node *n = node_named(*st, "urn:x");

		n->config.n[PUBSUB_ACCESS] = rows[i].model;
		n->config.text[PUBSUB_GROUPS] = STR("Other\nCrew");
		assert_int_equal(pubsub_access_read(n, rows[i].w), rows[i].reads);
	}
}

static void affiliations_outrank_the_model(void **st)
{
	static const struct { enum pubsub_affiliation is; bool reads, publishes, owns; } rows[] = {
		{ AFFILIATION_NONE, false, false, false }, { AFFILIATION_OUTCAST, false, false, false }, { AFFILIATION_MEMBER, true, false, false },
		{ AFFILIATION_PUBLISH_ONLY, false, true, false }, { AFFILIATION_PUBLISHER, true, true, false }, { AFFILIATION_OWNER, true, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pubsub_node *n = node_named(*st, "urn:x");

		n->config.n[PUBSUB_ACCESS] = ACCESS_WHITELIST;
		assert_int_equal(pubsub_node_affiliate(*st, n, BERT, rows[i].is), 0);
		assert_int_equal(pubsub_access_read(n, &at_service), rows[i].reads);
		assert_int_equal(pubsub_access_publish(n, &at_service), rows[i].publishes);
		assert_int_equal(pubsub_access_own(n, &at_service), rows[i].owns);
		n->config.n[PUBSUB_ACCESS] = ACCESS_OPEN;
		n->config.n[PUBSUB_PUBLISH_MODEL] = PUBLISH_OPEN;
		assert_int_equal(pubsub_access_publish(n, &at_service), rows[i].is != AFFILIATION_OUTCAST);
		n->config.n[PUBSUB_ACCESS] = ACCESS_WHITELIST;
		assert_int_equal(pubsub_access_publish(n, &at_service), rows[i].publishes || rows[i].is == AFFILIATION_MEMBER);
	}
}

static void who_may_not_read_learns_nothing(void **st)
{
	struct pubsub_node *n = node_named(*st, "urn:x");

	n->config.n[PUBSUB_ACCESS] = ACCESS_WHITELIST;
	assert_int_equal(pubsub_access_denied(n, &stranger), pubsub_access_denied(NULL, &stranger));
	assert_int_equal(pubsub_access_denied(n, &stranger), ERR_UNAVAILABLE);
	assert_int_equal(pubsub_access_denied(n, &contact), pubsub_access_denied(NULL, &contact));
	assert_int_equal(pubsub_access_denied(n, &contact), ERR_NOT_FOUND);
	assert_int_equal(pubsub_access_denied(n, &at_service), pubsub_access_denied(NULL, &at_service));
	n->config.n[PUBSUB_ACCESS] = ACCESS_OPEN;
	assert_int_equal(pubsub_access_denied(n, &stranger), ERR_FORBIDDEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(models_let_in_whom_they_name),
		CASE(affiliations_outrank_the_model),
		CASE(who_may_not_read_learns_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
