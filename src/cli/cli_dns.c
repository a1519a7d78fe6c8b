/* cli_dns.c - `wardroom dns`: the records with which others find this server, ready for a zone file. */
#include "cli/cli.h"

#include <stdio.h>

#include "xmpp/jid.h"

#define TTL 3600

/* Ports of 0 are not opened, so nobody is sent there. */
static void add(json_t *records, const char *service, const char *domain, unsigned priority, unsigned port, const char *target)
{
	json_t *text;

	if (!port)
		return;
	text = json_sprintf("_%s._tcp.%s. %d IN SRV %u 0 %u %s.", service, domain, TTL, priority, port, target);
	json_array_append_new(records, text);
}

/* As the DNS writes it. NULL: it cannot stand there. */
static const char *ascii(struct cli *c, struct str name)
{
	struct str prepared, ret;

	if (jid_prep_domain(c->arena, name, &prepared) < 0 || jid_domain_ascii(c->arena, prepared, &ret) < 0)
		return NULL;
	return arena_dup(c->arena, ret.p, ret.n);
}

int cli_dns(struct cli *c)
{
	const char *domain, *rooms_domain;
	json_t *reply, *records;
	const struct config *config;
	struct str rooms;
	int r = cli_instance(c);

	if (r != CLI_OK)
		return r;
	config = c->config;
	rooms = *config->rooms.domain ? str_of(config->rooms.domain) : arena_printf(c->arena, "rooms.%s", config->domain);
	domain = ascii(c, str_of(config->domain));
	rooms_domain = rooms.p ? ascii(c, rooms) : NULL;
	if (!domain || !rooms_domain)
		return cli_fail(CLI_NOT, "the domain cannot stand in the DNS");
	records = json_array();
	reply = json_pack("{s:o}", "records", records);
	if (!reply)
		return cli_fail(CLI_NOT, "out of memory");
	/* XEP-0368: what is encrypted from the first byte comes first. One port serves other servers both ways. */
	add(records, "xmpps-client", domain, 1, config->listen.c2s_tls, domain);
	add(records, "xmpp-client", domain, 5, config->listen.c2s, domain);
	if (config->s2s.enabled) {
		add(records, "xmpps-server", domain, 1, config->listen.s2s, domain);
		add(records, "xmpp-server", domain, 5, config->listen.s2s, domain);
		add(records, "xmpps-server", rooms_domain, 1, config->listen.s2s, domain);
		add(records, "xmpp-server", rooms_domain, 5, config->listen.s2s, domain);
	}
	if (c->json) {
		cli_print(c, "dns", reply);
	} else {
		for (size_t i = 0; i < json_array_size(records); i++)
			printf("%s\n", json_string_value(json_array_get(records, i)));
	}
	json_decref(reply);
	return CLI_OK;
}
