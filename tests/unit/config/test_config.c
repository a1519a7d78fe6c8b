/* test_config.c - wardroom.yaml: what is read, what is refused and how that is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "config/config.h"
#include "config/option.h"

#define GOOD "domain: a.test\n"

static struct arena *arena;

static int arena_up(void **st)
{
	(void)st;
	arena = arena_new(1024 * 1024);
	return arena ? 0 : -1;
}

static int arena_down(void **st)
{
	(void)st;
	arena_free(&arena);
	return 0;
}

static struct config *good(const char *text)
{
	struct config *c = NULL;
	struct str why = STR_NONE;

	if (config_parse(str_of(text), "w.yaml", arena, &c, &why) < 0)
		fail_msg("refused: %.*s", STR_FMT(why));
	return c;
}

static void everything_but_the_domain_has_a_default(void **st)
{
	struct config *c = good(GOOD);

	assert_string_equal(c->domain, "a.test");
	assert_string_equal(c->listen.address, "0.0.0.0");
	assert_int_equal(c->listen.c2s, 5222);
	assert_int_equal(c->listen.c2s_tls, 5223);
	assert_int_equal(c->listen.s2s, 5269);
	assert_int_equal(c->listen.component, 5347);
	assert_int_equal(c->listen.https, 5443);
	assert_int_equal(c->threads, 0);
	assert_int_equal(c->limits.messages_per_s, 20);
	assert_int_equal(c->limits.bytes_per_s, 65536);
	assert_int_equal(c->limits.stanza_bytes, 262144);
	assert_int_equal(c->limits.connections_per_address, 64);
	assert_int_equal(c->limits.failed_logins_per_minute, 10);
	assert_int_equal(c->archive.def, CONFIG_ARCHIVE_ALWAYS);
	assert_int_equal(c->registration, CONFIG_REGISTRATION_CLOSED);
	assert_string_equal(c->rooms.domain, "");
	assert_int_equal(c->upload.max_bytes, 100ull << 20);
	assert_int_equal(c->upload.per_day, 1ull << 30);
	assert_int_equal(c->upload.keep_s, 30 * 86400);
	assert_true(c->scanner.required);
	assert_false(c->auth.plain);
	assert_int_equal(c->auth.mechanisms, 7);
	assert_int_equal(c->auth.channel_binding, CONFIG_BINDING_OFFER);
	assert_int_equal(c->auth.scram_iterations, 10000);
	assert_int_equal(c->tls.min_version, CONFIG_TLS_1_2);
	assert_int_equal(c->log.level, CONFIG_LOG_INFO);
	assert_int_equal(c->log.format, CONFIG_LOG_TEXT);
	config_unref(&c);
	assert_null(c);
	(void)st;
}

static void the_example_of_the_manual_is_read(void **st)
{
	struct config *c = good(
		"domain: example.test\n"
		"listen: { address: 127.0.0.1, c2s: 5222, c2s_tls: 5223, s2s: 5269, component: 5347, https: 5443 }\n"
		"threads: auto            # shards\n"
		"limits:\n  messages_per_s: off\n  bytes_per_s: 65536\n  stanza_bytes: 262144\n"
		"  connections_per_address: 64    # not yet signed in\n  failed_logins_per_minute: off\n"
		"archive: { default: always }\nregistration: closed     # closed | invite | open\n"
		"rooms: { domain: rooms.example.test, create: staff }\n"
		"upload: { max_bytes: 100MiB, per_day: 1GiB, keep: 30d }\n"
		"scanner: { clamd: /run/clamav/clamd.ctl, required: true }\n"
		"auth: { plain: on, mechanisms: [SCRAM-SHA-256], channel_binding: require }\ntls: { min_version: 1.3 }\n");

	assert_string_equal(c->listen.address, "127.0.0.1");
	assert_int_equal(c->limits.messages_per_s, 0);
	assert_int_equal(c->limits.failed_logins_per_minute, 0);
	assert_string_equal(c->rooms.domain, "rooms.example.test");
	assert_true(c->auth.plain);
	assert_int_equal(c->auth.mechanisms, 2);
	assert_int_equal(c->auth.channel_binding, CONFIG_BINDING_REQUIRE);
	assert_int_equal(c->tls.min_version, CONFIG_TLS_1_3);
	config_unref(&c);
	(void)st;
}

static void values_are_normalised(void **st)
{
	struct config *c = good("domain: EXAMPLE.Test\nlisten: {address: '::1', c2s: 0, c2s_tls: 0}\n"
				"upload: {max_bytes: 3KiB, keep: 2w}\nlimits: {bytes_per_s: 1MiB}\nthreads: 4\n");

	assert_string_equal(c->domain, "example.test");
	assert_string_equal(c->listen.address, "::1");
	assert_int_equal(c->listen.c2s, 0);
	assert_int_equal(c->upload.max_bytes, 3072);
	assert_int_equal(c->upload.keep_s, 14 * 86400);
	assert_int_equal(c->limits.bytes_per_s, 1 << 20);
	assert_int_equal(c->threads, 4);
	config_unref(&c);
	(void)st;
}

static const struct { const char *text, *why; } bad[] = {
	{ "", "w.yaml:1:1: key 'domain': expected a domain name, found no such key in the file" },
	{ "# nothing\n", "w.yaml:1:1: key 'domain': expected a domain name, found no such key in the file" },
	{ "threads: 2\n", "w.yaml:1:1: key 'domain': expected a domain name, found no such key in the file" },
	{ "hello\n", "w.yaml:1:1: expected keys and values, as in 'domain: example.test', found 'hello'" },
	{ "- a\n", "w.yaml:1:1: expected keys and values, as in 'domain: example.test', found a list" },
	{ "domain: a b\n", "w.yaml:1:9: key 'domain': expected a domain name, found 'a b'" },
	{ "domain: \"\"\n", "w.yaml:1:9: key 'domain': expected a domain name, found ''" },
	{ "domain: -a.test\n", "w.yaml:1:9: key 'domain': expected a domain name, found '-a.test'" },
	{ "domain: a..test\n", "w.yaml:1:9: key 'domain': expected a domain name, found 'a..test'" },
	{ "domain: a.test.\n", "w.yaml:1:9: key 'domain': expected a domain name, found 'a.test.'" },
	{ "domain: a/b\n", "w.yaml:1:9: key 'domain': expected a domain name, found 'a/b'" },
	{ "domain: [a]\n", "w.yaml:1:9: key 'domain': expected a domain name, found a list" },
	{ "domain: {a: b}\n", "w.yaml:1:9: key 'domain': expected a domain name, found a group of keys" },
	{ "domain: \"a\\u202Eb\"\n", "w.yaml:1:9: key 'domain': expected a domain name, found 'a\\x202Eb'" },
	{ "domain: \"a\\0b\"\n", "w.yaml:1:9: key 'domain': expected a domain name, found 'a\\x0b'" },
	{ GOOD "domain: b.test\n", "w.yaml:2:1: key 'domain': expected each key once, found it again (first in line 1)" },
	{ GOOD "limits:\n  messages_per_s: 1\n  messages_per_s: 2\n",
	  "w.yaml:4:3: key 'limits.messages_per_s': expected each key once, found it again (first in line 3)" },
	{ GOOD "limits: {}\nlimits: {}\n", "w.yaml:3:1: key 'limits': expected each key once, found it again" },
	{ GOOD "colour: red\n", "w.yaml:2:1: key 'colour': expected the name of an option ('wardroom.yaml' in the "
				"documentation lists all), found 'colour'" },
	{ GOOD "limits:\n  speed: 3\n", "w.yaml:3:3: key 'limits.speed': expected the name of an option ('wardroom.yaml' "
					"in the documentation lists all), found 'speed'" },
	{ GOOD "limits.messages_per_s: 3\n",
	  "w.yaml:2:1: expected the name of an option, found 'limits.messages_per_s'" },
	{ GOOD "<<: {threads: 2}\n", NULL },
	{ GOOD "? [a]\n: b\n", "w.yaml:2:3: expected the name of an option, found a list" },
	{ GOOD "limits:\n", "w.yaml:2:8: key 'limits': expected a group of keys, found ''" },
	{ GOOD "limits: 3\n", "w.yaml:2:9: key 'limits': expected a group of keys, found '3'" },
	{ GOOD "limits: [3]\n", "w.yaml:2:9: key 'limits': expected a group of keys, found a list" },
	{ GOOD "limits:\n  messages_per_s: many\n", "w.yaml:3:19: key 'limits.messages_per_s': expected a whole number "
						    "from 1 to 1000000, or 'off', found 'many'" },
	{ GOOD "limits: {messages_per_s: 0}\n", NULL },
	{ GOOD "limits: {messages_per_s: -1}\n", NULL },
	{ GOOD "limits: {messages_per_s: 1.5}\n", NULL },
	{ GOOD "limits: {messages_per_s: 1000001}\n", NULL },
	{ GOOD "limits: {messages_per_s: 99999999999999999999}\n", NULL },
	{ GOOD "limits: {stanza_bytes: off}\n", "w.yaml:2:24: key 'limits.stanza_bytes': expected a size from 10000 to 1MiB, "
						"found 'off'" },
	{ GOOD "limits: {stanza_bytes: 9999}\n", NULL },
	{ GOOD "limits: {stanza_bytes: 2MiB}\n", NULL },
	{ GOOD "limits: {bytes_per_s: 10MB}\n", NULL },
	{ GOOD "limits: {bytes_per_s: MiB}\n", NULL },
	{ GOOD "upload: {per_day: 99999999999999TiB}\n", NULL },
	{ GOOD "upload: {keep: 30}\n", "w.yaml:2:16: key 'upload.keep': expected a time like 90s, 10m, 12h, 30d or 8w from 1m "
				       "to 36500d, or 'off', found '30'" },
	{ GOOD "upload: {keep: 5s}\n", NULL },
	{ GOOD "listen: {c2s: 65536}\n", "w.yaml:2:15: key 'listen.c2s': expected a port from 1 to 65535, or 0 for none, "
					 "found '65536'" },
	{ GOOD "listen: {c2s: off}\n", NULL },
	{ GOOD "listen: {address: localhost}\n", "w.yaml:2:19: key 'listen.address': expected an IPv4 or IPv6 address in "
						 "figures, found 'localhost'" },
	{ GOOD "listen: {address: \"\"}\n", NULL },
	{ GOOD "listen: {address: 1.2.3.4.5}\n", NULL },
	{ GOOD "listen: {c2s: 7000, s2s: 7000}\n", "w.yaml:2:21: key 'listen.s2s': expected a port of its own, found 7000, "
						   "which is also that of 'listen.c2s'" },
	{ GOOD "listen: {c2s: 5223}\n", "w.yaml:2:10: key 'listen.c2s': expected a port of its own, found 5223, which is also "
					"that of 'listen.c2s_tls'" },
	{ GOOD "threads: 0\n", NULL },
	{ GOOD "threads: 65\n", NULL },
	{ GOOD "registration: maybe\n", "w.yaml:2:15: key 'registration': expected 'closed', 'invite' or 'open', found 'maybe'" },
	{ GOOD "archive: {default: sometimes}\n", "w.yaml:2:20: key 'archive.default': expected 'always', 'roster' or 'never', "
						  "found 'sometimes'" },
	{ GOOD "archive: {default: Always}\n", NULL },
	{ GOOD "scanner: {required: maybe}\n", "w.yaml:2:21: key 'scanner.required': expected on or off, found 'maybe'" },
	{ GOOD "scanner: {signatures: run/x}\n", "w.yaml:2:23: key 'scanner.signatures': expected a path that begins with /, or \"\", "
					    "found 'run/x'" },
	{ GOOD "scanner: {clamd: \"/run\\n/x\"}\n", NULL },
	{ GOOD "auth: {mechanisms: []}\n", "w.yaml:2:21: key 'auth.mechanisms': expected at least one word in the list, "
					   "found none" },
	{ GOOD "auth: {mechanisms: SCRAM-SHA-1}\n", NULL },
	{ GOOD "auth: {mechanisms: [SCRAM-SHA-1, SCRAM-SHA-1]}\n", NULL },
	{ GOOD "auth: {mechanisms: [CRAM-MD5]}\n", "w.yaml:2:21: key 'auth.mechanisms': expected a list in brackets, each once, "
						   "of 'SCRAM-SHA-1', 'SCRAM-SHA-256' or 'SCRAM-SHA-512', found 'CRAM-MD5'" },
	{ GOOD "auth: {mechanisms: [[SCRAM-SHA-1]]}\n", NULL },
	{ GOOD "auth: {scram_iterations: 4095}\n", NULL },
	{ GOOD "tls: {min_version: 1.1}\n", "w.yaml:2:20: key 'tls.min_version': expected '1.2' or '1.3', found '1.1'" },
	{ "domain: &x a.test\n", "w.yaml:1:9: key 'domain': expected a domain name, found an anchor (&), which is not allowed "
				 "here" },
	{ "domain: *x\n", "w.yaml:1:9: key 'domain': expected a domain name, found an alias (*), which is not allowed here" },
	{ "domain: !!str a.test\n", "w.yaml:1:9: key 'domain': expected a domain name, found a tag (!), which is not allowed "
				    "here" },
	{ "!!map\ndomain: a.test\n", NULL },
	{ "&all\ndomain: a.test\n", NULL },
	{ "*all\n", NULL },
	{ "&a domain: a.test\n", NULL },
	{ GOOD "limits: &l {}\n", NULL },
	{ GOOD "auth: {mechanisms: &m [SCRAM-SHA-1]}\n", NULL },
	{ "%TAG ! tag:x.test,2000:\n---\n" GOOD, NULL },
	{ GOOD "---\n" GOOD, NULL },
	{ GOOD "...\nthreads: 2\n", NULL },
	{ "domain: a.test\n\tthreads: 2\n", NULL },
	{ "domain: \"a.test\n", NULL },
	{ "domain: {a\n", NULL },
	{ "domain: a.test\xff\n", NULL },
	{ "domain: a.test\nthreads: \x01\n", NULL },
	{ "\xff\xfe" "d\0o\0", NULL },
};

static void what_is_wrong_is_refused_with_line_and_column(void **st)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config *c = NULL;
		struct str why = STR_NONE;
		int r = config_parse(str_of(bad[i].text), "w.yaml", arena, &c, &why);

		if (r != ERR_BAD_FORMAT || c || !str_starts(why, STR("w.yaml:")))
			fail_msg("case %zu (%s): %d, %.*s", i, bad[i].text, r, STR_FMT(why));
		if (bad[i].why && !str_is(why, bad[i].why))
			fail_msg("case %zu:\n  want %s\n  got  %.*s", i, bad[i].why, STR_FMT(why));
		/* It may be printed: no byte of the file can move the cursor. */
		for (size_t k = 0; k < why.n; k++)
			assert_true((uint8_t)why.p[k] >= 0x20 && why.p[k] != 0x7f);
	}
	(void)st;
}

static void a_syntax_error_names_its_line(void **st)
{
	struct config *c = NULL;
	struct str why = STR_NONE;

	assert_int_equal(config_parse(STR(GOOD "threads: \"2\n"), "w.yaml", arena, &c, &why), ERR_BAD_FORMAT);
	assert_true(str_starts(why, STR("w.yaml:3:1: not YAML: ")));
	assert_int_equal(config_parse(STR(GOOD "threads: \xc3\x28\n"), "w.yaml", arena, &c, &why), ERR_BAD_FORMAT);
	assert_true(str_starts(why, STR("w.yaml:2:11: not YAML: ")));
	(void)st;
}

static void a_file_beyond_the_limit_is_refused(void **st)
{
	char *big = malloc(CONFIG_FILE_BYTES + 1);
	struct config *c = NULL;
	struct str why;

	memset(big, '#', CONFIG_FILE_BYTES + 1);
	assert_int_equal(config_parse(str_make(big, CONFIG_FILE_BYTES + 1), "w.yaml", arena, &c, &why), ERR_BAD_FORMAT);
	free(big);
	(void)st;
}

static void a_missing_file_is_named(void **st)
{
	struct config *c = NULL;
	struct str why;

	assert_int_equal(config_load("/nowhere/wardroom.yaml", arena, &c, &why), ERR_NOT_FOUND);
	assert_true(str_starts(why, STR("/nowhere/wardroom.yaml: ")));
	(void)st;
}

static void references_keep_a_config_alive(void **st)
{
	struct config *a = good(GOOD), *b = config_ref(a);

	config_unref(&a);
	assert_string_equal(b->domain, "a.test");
	config_unref(&b);
	config_unref(&b);			/* NULL inside is fine */
	(void)st;
}

#define COMPONENT "components:\n  - { domain: Irc.A.test, secret: 0123456789abcdef"

static void lists_hold_groups_of_keys(void **st)
{
	struct config *c = good(GOOD COMPONENT ", trust: low, may: [roster-get, message], delegate: ['urn:x', 'urn:y'] }\n"
				"  - domain: mail.test\n    secret_file: mail.secret\n"
				"services: [{ type: turn, host: turn.a.test, secret: 0123456789abcdef, expires: 1h }]\n");

	assert_int_equal(c->n_components, 2);
	assert_string_equal(c->components[0].domain, "irc.a.test");
	assert_int_equal(c->components[0].trust, CONFIG_TRUST_LOW);
	assert_int_equal(c->components[0].may, CONFIG_MAY_ROSTER_GET | CONFIG_MAY_MESSAGE);
	assert_int_equal(c->components[0].delegate.n, 2);
	assert_string_equal(c->components[0].delegate.v[1], "urn:y");
	assert_int_equal(c->components[1].trust, CONFIG_TRUST_NORMAL);
	assert_string_equal(c->components[1].secret_file, "mail.secret");
	assert_int_equal(c->components[1].may, 0);
	assert_int_equal(c->n_services, 1);
	assert_int_equal(c->services[0].type, CONFIG_SERVICE_TURN);
	assert_int_equal(c->services[0].port, 3478);
	assert_int_equal(c->services[0].expires_s, 3600);
	config_unref(&c);
	c = good(GOOD "components: []\n");
	assert_int_equal(c->n_components, 0);
	config_unref(&c);
	(void)st;
}

static void a_group_of_a_list_is_checked_as_the_rest(void **st)
{
	static const char *const wrong[][2] = {
		{ "components: 3\n", "a list of groups" },
		{ "components: [3]\n", "a group of keys for each" },
		{ "components: [{ domain: irc.test }]\n", "'secret' or 'secret_file', found neither" },
		{ COMPONENT ", secret_file: x }\n", "found both" },
		{ COMPONENT ", colour: red }\n", "key 'components.colour': expected the name of an option" },
		{ COMPONENT ", trust: low, trust: low }\n", "it again" },
		{ COMPONENT ", may: [everything] }\n", "key 'components.may'" },
		{ COMPONENT ", may: [roster-push] }\n", "'roster-get' beside" },
		{ COMPONENT " }\n  - { domain: irc.a.test, secret_file: y }\n", "each domain once" },
		{ "components: [{ domain: A.test, secret_file: y }]\n", "not this server's own" },
		{ "components: [{ domain: b.test, secret_file: ../tls/key.pem }]\n", "found a path" },
		{ "components: [{ domain: b.test, secret: short }]\n", "a text of 16 to 1024 bytes" },
		{ "services: [{ host: x.test }]\n", "key 'services.type'" },
		{ "services: []\nservices: []\n", "it again" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct str text = arena_printf(arena, GOOD "%s", wrong[i][0]), why = STR_NONE;
		struct config *c = NULL;

		assert_int_equal(config_parse(text, "w.yaml", arena, &c, &why), ERR_BAD_FORMAT);
		if (str_find(why, str_of(wrong[i][1])) < 0)
			fail_msg("%s: %.*s", wrong[i][0], STR_FMT(why));
	}
	(void)st;
}

static void write_file(const char *path, const char *text, unsigned mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void secrets_are_read_from_private_files_alone(void **st)
{
	char dir[] = "/tmp/test-config-XXXXXX", keys[64], file[80], secret[80];
	struct config *c = NULL;
	struct str why = STR_NONE;

	assert_non_null(mkdtemp(dir));
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	snprintf(file, sizeof(file), "%s/wardroom.yaml", dir);
	snprintf(secret, sizeof(secret), "%s/irc.secret", keys);
	assert_int_equal(mkdir(keys, 0700), 0);
	write_file(file, GOOD "components: [{ domain: irc.test, secret_file: irc.secret }]\n", 0644);
	assert_int_equal(config_load(file, arena, &c, &why), ERR_FORBIDDEN);		/* none there */
	write_file(secret, "0123456789abcdef\n", 0644);
	assert_int_equal(config_load(file, arena, &c, &why), ERR_FORBIDDEN);
	assert_int_equal(chmod(secret, 0600), 0);
	assert_int_equal(config_load(file, arena, &c, &why), 0);
	assert_string_equal(c->components[0].secret, "0123456789abcdef");
	config_unref(&c);
	write_file(secret, "short\n", 0600);
	assert_int_equal(config_load(file, arena, &c, &why), ERR_BAD_FORMAT);
	write_file(file, GOOD COMPONENT " }\n", 0644);
	assert_int_equal(config_load(file, arena, &c, &why), ERR_FORBIDDEN);
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(config_load(file, arena, &c, &why), 0);
	config_unref(&c);
	unlink(file);
	unlink(secret);
	rmdir(keys);
	assert_int_equal(rmdir(dir), 0);
	(void)st;
}

static void default_config_needs_a_domain(void **st)
{
	struct config *c = config_default("Example.Test");

	assert_string_equal(c->domain, "example.test");
	assert_int_equal(c->listen.c2s, 5222);
	config_unref(&c);
	assert_null(config_default(""));
	assert_null(config_default("a b"));
	(void)st;
}

/* Every option of both, by the table: padding and pointers are not compared. */
static void same(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &option_table[i];
		const char *x = (const char *)a + o->offset, *y = (const char *)b + o->offset;

		if (o->type == OPTION_ADDRESS || o->type == OPTION_DOMAIN || o->type == OPTION_PATH ||
		    o->type == OPTION_TEXT)
			assert_string_equal(*(const char *const *)x, *(const char *const *)y);
		else if (o->type == OPTION_BYTES || o->type == OPTION_DURATION)
			assert_int_equal(*(const uint64_t *)x, *(const uint64_t *)y);
		else if (o->type == OPTION_BOOL)
			assert_int_equal(*x, *y);
		else
			assert_int_equal(*(const unsigned *)x, *(const unsigned *)y);
	}
}

static void the_file_of_defaults_is_complete_and_current(void **st)
{
	const char *root = getenv("MESON_SOURCE_ROOT");
	struct str path = arena_printf(arena, "%s/conf/wardroom.yaml", root ? root : ".");
	struct config *read = NULL, *def = config_default("example.test");
	struct str why = STR_NONE;
	char *written = NULL, stored[65536];
	size_t n, m = 0;
	FILE *f = open_memstream(&written, &n);

	assert_int_equal(config_defaults_write(f), 0);
	fclose(f);
	if (getenv("WARDROOM_GOLDEN_WRITE")) {
		f = fopen(path.p, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(written, 1, n, f), n);
		fclose(f);
	}
	if (config_parse(str_make(written, n), "defaults", arena, &read, &why) < 0)
		fail_msg("%.*s", STR_FMT(why));
	same(read, def);
	config_unref(&read);
	config_unref(&def);
	f = fopen(path.p, "r");
	if (f) {
		m = fread(stored, 1, sizeof(stored) - 1, f);
		fclose(f);
	}
	stored[m] = 0;
	/* When this fails after a change of the table: run it once with WARDROOM_GOLDEN_WRITE=1 and look at the difference. */
	assert_string_equal(stored, written);
	free(written);
	(void)st;
}

static void a_new_instance_gets_a_config_that_reads_back(void **st)
{
	char dir[] = "/tmp/test-config-XXXXXX", file[64];
	struct config_values v = { .domain = "Example.test", .address = "127.0.0.1", .c2s = 6222, .c2s_tls = -1, .s2s = 0,
				   .component = 0, .https = 0 };
	struct config *c = NULL;
	struct str why = STR_NONE;

	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/wardroom.yaml", dir);
	assert_int_equal(config_write_new(dir, &v, arena, &why), 0);
	assert_int_equal(config_load(file, arena, &c, &why), 0);
	assert_string_equal(c->domain, "example.test");
	assert_string_equal(c->listen.address, "127.0.0.1");
	assert_int_equal(c->listen.c2s, 6222);
	assert_int_equal(c->listen.c2s_tls, 5223);
	assert_int_equal(c->listen.https, 0);
	config_unref(&c);
	assert_int_equal(config_write_new(dir, &v, arena, &why), ERR_CONFLICT);	/* never over one that is there */
	assert_int_equal(unlink(file), 0);

	v.domain = "x.test\"\nthreads: 2 # \"";
	assert_int_equal(config_write_new(dir, &v, arena, &why), ERR_BAD_FORMAT);
	v.domain = "no domain";
	assert_int_equal(config_write_new(dir, &v, arena, &why), ERR_BAD_FORMAT);
	v.domain = "a.test";
	v.address = "everywhere";
	assert_int_equal(config_write_new(dir, &v, arena, &why), ERR_BAD_FORMAT);
	v.address = NULL;
	v.https = 70000;
	assert_int_equal(config_write_new(dir, &v, arena, &why), ERR_BAD_FORMAT);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(rmdir(dir), 0);		/* no temporary file stays */
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_but_the_domain_has_a_default, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(the_example_of_the_manual_is_read, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(values_are_normalised, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_refused_with_line_and_column, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(a_syntax_error_names_its_line, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(a_file_beyond_the_limit_is_refused, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(a_missing_file_is_named, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(references_keep_a_config_alive, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(lists_hold_groups_of_keys, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(a_group_of_a_list_is_checked_as_the_rest, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(secrets_are_read_from_private_files_alone, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(default_config_needs_a_domain, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(the_file_of_defaults_is_complete_and_current, arena_up, arena_down),
		cmocka_unit_test_setup_teardown(a_new_instance_gets_a_config_that_reads_back, arena_up, arena_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
