/* test_sasl_gsasl.c - GNU SASL as the client: somebody else's reading of the RFCs against ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <gsasl.h>

#include "auth/sasl.h"
#include "base/b64.h"
#include "base/check.h"

struct run {
	const char *mechanism, *user, *password, *stored, *authzid;
	bool exporter;				/* the client has channel binding data */
	bool wrong_exporter;
};

static int answer(Gsasl *g, Gsasl_session *session, Gsasl_property p)
{
	const struct run *r = gsasl_session_hook_get(session);
	char data[B64_LEN(32) + 1];

	(void)g;
	if (p == GSASL_AUTHID)
		return gsasl_property_set(session, p, r->user);
	if (p == GSASL_PASSWORD)
		return gsasl_property_set(session, p, r->password);
	if (p == GSASL_AUTHZID && r->authzid)
		return gsasl_property_set(session, p, r->authzid);
#ifdef HAVE_GSASL_CB_TLS_EXPORTER
	if (p == GSASL_CB_TLS_EXPORTER && r->exporter) {
		uint8_t raw[32];

		memset(raw, r->wrong_exporter ? 'y' : 'x', sizeof(raw));
		b64_encode(raw, sizeof(raw), data);
		return gsasl_property_set(session, p, data);
	}
#endif
	(void)data;
	return GSASL_NO_CALLBACK;
}

/* Both sides to the end; the client's last word in *ret_client. */
static enum sasl_step run(struct run *r, int *ret_client, const char **ret_condition)
{
	struct scram_tools *tools = scram_tools_new();
	struct sasl_conf conf = { .tools = tools, .mechanisms = SASL_DEFAULT | SASL_PLAIN, .iterations = 4096,
				  .domain = STR("a.test") };
	struct sasl_binding binding = { .tls = true, .exporter_n = r->exporter || r->wrong_exporter ? 32 : 0 };
	struct sasl *s;
	struct credentials creds;
	Gsasl *g;
	Gsasl_session *c;
	enum sasl_step step = SASL_CHALLENGE;
	bool first = true;
	int rc;

	memset(binding.exporter, 'x', sizeof(binding.exporter));
	s = sasl_new(&conf, &binding);
	assert_int_equal(scram_derive(tools, str_of(r->stored ? r->stored : r->password), 4096, &creds), 0);
	assert_int_equal(gsasl_init(&g), GSASL_OK);
	gsasl_callback_set(g, answer);
	rc = gsasl_client_start(g, r->mechanism, &c);
	if (rc != GSASL_OK)
		fail_msg("%s: %s", r->mechanism, gsasl_strerror(rc));
	gsasl_session_hook_set(c, r);
	for (int i = 0; i < 6 && (step == SASL_CHALLENGE || step == SASL_SUCCESS); i++) {
		char *out = NULL, in[2048];

		snprintf(in, sizeof(in), "%.*s", STR_FMT(sasl_text(s)));
		rc = gsasl_step64(c, in, &out);
		if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
			break;
		if (step == SASL_SUCCESS) {		/* the client has now seen our signature */
			gsasl_free(out);
			break;
		}
		step = first ? sasl_begin(s, str_of(r->mechanism), str_of(out)) : sasl_respond(s, str_of(out));
		first = false;
		if (step == SASL_LOOKUP)
			step = sasl_account(s, &creds, SASL_ACCOUNT_OK);
		if (step == SASL_WORK) {
			sasl_work(s);
			step = sasl_worked(s);
		}
		gsasl_free(out);
		if (step == SASL_SUCCESS && sasl_text(s).n == 0)
			break;
	}
	*ret_client = rc;
	*ret_condition = sasl_condition(s);		/* literals: they outlive it */
	gsasl_finish(c);
	gsasl_done(g);
	sasl_free(&s);
	scram_tools_free(&tools);
	return step;
}

static void assert_run(struct run r, bool in, const char *condition)
{
	int client;
	const char *got;
	enum sasl_step step = run(&r, &client, &got);

	if ((step == SASL_SUCCESS) != in || (in && client != GSASL_OK) || (condition && strcmp(got, condition) != 0))
		fail_msg("%s %s: step %d (%s), client %s", r.mechanism, r.user, step, got, gsasl_strerror(client));
}

static void gsasl_logs_in(void **st)
{
	static const char *const names[] = { "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_run((struct run){ names[i], "juliet", "pencil", NULL, NULL }, true, NULL);
		assert_run((struct run){ names[i], "juliet", "pencil", NULL, "juliet@a.test" }, true, NULL);
		assert_run((struct run){ names[i], "juliet", "sch\xc3\xb6n \xc2\xaa", NULL, NULL }, true, NULL);
		assert_run((struct run){ names[i], "juliet", "wrong", "pencil", NULL }, false, "not-authorized");
		assert_run((struct run){ names[i], "juliet", "pencil", NULL, "romeo@a.test" }, false, "invalid-authzid");
	}
	(void)st;
}

static void gsasl_escapes_names_as_we_read_them(void **st)
{
	assert_run((struct run){ "SCRAM-SHA-1", "a,b=c", "pencil", NULL, "a,b=c@a.test" }, true, NULL);
	assert_run((struct run){ "SCRAM-SHA-1", "j\xc3\xbcli", "pencil", NULL, "j\xc3\xbcli@a.test" }, true, NULL);
	(void)st;
}

static void gsasl_binds_to_the_channel(void **st)
{
#ifdef HAVE_GSASL_CB_TLS_EXPORTER
	static const char *const names[] = { "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_run((struct run){ names[i], "juliet", "pencil", .exporter = true }, true, NULL);
		assert_run((struct run){ names[i], "juliet", "pencil", .exporter = true, .wrong_exporter = true }, false,
			   "not-authorized");
	}
#else
	print_message("this gsasl knows no tls-exporter\n");
	skip();
#endif
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gsasl_logs_in),
		cmocka_unit_test(gsasl_escapes_names_as_we_read_them),
		cmocka_unit_test(gsasl_binds_to_the_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
