/* option.c - see option.h. The table first, then how each type is read. */
#include "config/option.h"

#include <arpa/inet.h>
#include <stddef.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/utf8.h"

#define FIELD(f) .offset = offsetof(struct config, f)
#define WORDS(...) .words = (const char *const[]){ __VA_ARGS__, NULL }
#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define DAY 86400ull

const struct option_section option_sections[] = {
	{ "listen", "Where it listens. A port of 0 switches a listener off; one whose part is not there yet is not opened,\n"
		    "# and 'wardroom status' says so." },
	{ "limits", "For one account unless said otherwise; 'off' lifts one." },
	{ "archive", "What is kept of conversations." },
	{ "rooms", "Group chats." },
	{ "upload", "Files sent through the server." },
	{ "scanner", "The virus scanner." },
	{ "push", "Push notifications (XEP-0357), through services that clients name." },
	{ "contacts", "Whom people and other servers turn to (XEP-0157): lists of addresses like mailto:abuse@example.test,\n"
		      "# xmpp:helpdesk@example.test or https://... Without one for support the help desk is named." },
	{ "data_policy", "What people are told of what happens to their data (XEP-0504), besides what follows from the options." },
	{ "auth", "How clients prove who they are." },
	{ "s2s", "Federation: other servers, when the listener s2s is on." },
	{ "web", "Browsers, when the listener https is on." },
	{ "tls", "Encryption on the wire." },
	{ "log", "What goes to standard error." },
};
const size_t option_section_count = ARRAY_SIZE(option_sections);

/* clang-format off */
const struct option option_table[] = {
	{ .name = "domain", .type = OPTION_DOMAIN, FIELD(domain), .def = "example.test", .required = true,
	  .help = "The domain this server speaks for: what stands behind the @ of its addresses." },
	{ .name = "listen.address", .type = OPTION_ADDRESS, FIELD(listen.address), .def = "0.0.0.0",
	  .help = "The address of all listeners; '::' is every address of IPv6 and IPv4." },
	{ .name = "listen.c2s", .type = OPTION_PORT, FIELD(listen.c2s), .def = "5222",
	  .help = "Clients, encrypted after STARTTLS." },
	{ .name = "listen.c2s_tls", .type = OPTION_PORT, FIELD(listen.c2s_tls), .def = "5223",
	  .help = "Clients, encrypted from the first byte (XEP-0368)." },
	{ .name = "listen.s2s", .type = OPTION_PORT, FIELD(listen.s2s), .def = "5269", .help = "Other servers." },
	{ .name = "listen.component", .type = OPTION_PORT, FIELD(listen.component), .def = "5347",
	  .help = "Gateways (XEP-0114)." },
	{ .name = "listen.component_address", .type = OPTION_ADDRESS, FIELD(listen.component_address), .def = "127.0.0.1",
	  .help = "The address for gateways: they speak without encryption." },
	{ .name = "listen.https", .type = OPTION_PORT, FIELD(listen.https), .def = "5443",
	  .help = "Browsers: WebSocket, uploads, console." },
	{ .name = "threads", .type = OPTION_INT, FIELD(threads), .def = "auto", .zero = "auto", .min = 1, .max = 64,
	  .help = "How many threads serve connections; auto goes by the processors." },
	{ .name = "limits.messages_per_s", .type = OPTION_INT, FIELD(limits.messages_per_s), .def = "20", .zero = "off",
	  .min = 1, .max = 1000000, .help = "Messages a second." },
	{ .name = "limits.bytes_per_s", .type = OPTION_BYTES, FIELD(limits.bytes_per_s), .def = "65536", .zero = "off",
	  .min = 1024, .max = 10 * GIB, .help = "Bytes a second." },
	{ .name = "limits.stanza_bytes", .type = OPTION_BYTES, FIELD(limits.stanza_bytes), .def = "262144",
	  .min = LIMIT_STANZA_PREAUTH, .max = LIMIT_STANZA_BYTES_MAX, .help = "The largest single stanza." },
	{ .name = "limits.connections_per_address", .type = OPTION_INT, FIELD(limits.connections_per_address), .def = "64",
	  .zero = "off", .min = 1, .max = 100000,
	  .help = "Connections of one address that have not signed in yet; signed-in sessions do not count." },
	{ .name = "limits.failed_logins_per_minute", .type = OPTION_INT, FIELD(limits.failed_logins_per_minute),
	  .def = "10", .zero = "off", .min = 1, .max = 100000,
	  .help = "For each account and block of addresses; success never counts." },
	{ .name = "archive.default", .type = OPTION_ENUM, FIELD(archive.def), .def = "always",
	  WORDS("always", "roster", "never"), .help = "Whose messages are archived: all, contacts', nobody's." },
	{ .name = "archive.choice", .type = OPTION_ENUM, FIELD(archive.choice), .def = "company",
	  WORDS("company", "account"),
	  .help = "Who decides: the company alone (archive.default), or each account for itself (XEP-0441), with archive.default until it has chosen." },
	{ .name = "registration", .type = OPTION_ENUM, FIELD(registration), .def = "closed",
	  WORDS("closed", "invite", "open"),
	  .help = "Who may open an account: the operator alone (closed), whom somebody with an account has invited, too (invite), everybody (open)." },
	{ .name = "rooms.domain", .type = OPTION_DOMAIN, FIELD(rooms.domain), .def = "\"\"", .zero = "",
	  .help = "The domain of rooms; empty: rooms. before the server's own." },
	{ .name = "rooms.create", .type = OPTION_ENUM, FIELD(rooms.create), .def = "staff",
	  WORDS("staff", "officer", "admin"), .help = "The least role that may open a room." },
	{ .name = "upload.max_bytes", .type = OPTION_BYTES, FIELD(upload.max_bytes), .def = "100MiB",
	  .min = 1, .max = 64 * GIB, .help = "The largest single file." },
	{ .name = "upload.per_day", .type = OPTION_BYTES, FIELD(upload.per_day), .def = "1GiB", .zero = "off",
	  .min = 1, .max = 1024 * GIB, .help = "Of one account in a day." },
	{ .name = "upload.keep", .type = OPTION_DURATION, FIELD(upload.keep_s), .def = "30d", .zero = "off",
	  .min = 60, .max = 36500 * DAY, .help = "How long a file is kept; off: for ever." },
	{ .name = "upload.wait", .type = OPTION_DURATION, FIELD(upload.wait_s), .def = "2m",
	  .min = 1, .max = DAY, .help = "A message with a file waits until that has been checked; after this long both sides are told why." },
	{ .name = "upload.downloads", .type = OPTION_ENUM, FIELD(upload.downloads), .def = "anybody",
	  WORDS("anybody", "staff", "receivers"),
	  .help = "Who may load a file besides knowing its link: anybody; staff, who are signed in from the same address; of these only who was sent it." },
	{ .name = "scanner.clamd", .type = OPTION_TEXT, FIELD(scanner.clamd), .def = "\"\"", .zero = "", .min = 2, .max = 107,
	  .help = "Where ClamAV's daemon is: its socket, like /run/clamav/clamd.ctl, or an address like 127.0.0.1:3310; empty: the built-in checks alone." },
	{ .name = "scanner.required", .type = OPTION_BOOL, FIELD(scanner.required), .def = "true",
	  .help = "While that daemon is away, files wait until it is back; off: they pass with the other checks alone." },
	{ .name = "scanner.signatures", .type = OPTION_PATH, FIELD(scanner.signatures), .def = "\"\"", .zero = "",
	  .help = "The folder of that daemon's signatures, when it is on this machine: with new ones all files are looked at again; empty: only with those of ClamAV." },
	{ .name = "scanner.processes", .type = OPTION_INT, FIELD(scanner.processes), .def = "2", .min = 1, .max = 16,
	  .help = "How many files are looked at at a time; a change takes a restart." },
	{ .name = "scanner.timeout", .type = OPTION_DURATION, FIELD(scanner.timeout_s), .def = "60s", .min = 1, .max = 240,
	  .help = "How long looking at one file may take; then it is not clean." },
	{ .name = "push.sender", .type = OPTION_BOOL, FIELD(push.sender), .def = "off",
	  .help = "Tell such a service who wrote, besides how many messages wait; what they say is never told." },
	{ .name = "contacts.abuse", .type = OPTION_TEXTS, FIELD(contacts.abuse), .def = "[]", .min = 3, .max = 256,
	  .help = "Where abuse is reported." },
	{ .name = "contacts.admin", .type = OPTION_TEXTS, FIELD(contacts.admin), .def = "[]", .min = 3, .max = 256,
	  .help = "Who runs this server." },
	{ .name = "contacts.feedback", .type = OPTION_TEXTS, FIELD(contacts.feedback), .def = "[]", .min = 3, .max = 256,
	  .help = "Where praise and complaints go." },
	{ .name = "contacts.outage", .type = OPTION_TEXTS, FIELD(contacts.outage), .def = "[]", .min = 8, .max = 256,
	  .help = "Where clients read that this server is away (XEP-0455): https addresses of a JSON file on another machine." },
	{ .name = "contacts.sales", .type = OPTION_TEXTS, FIELD(contacts.sales), .def = "[]", .min = 3, .max = 256,
	  .help = "Who sells it." },
	{ .name = "contacts.security", .type = OPTION_TEXTS, FIELD(contacts.security), .def = "[]", .min = 3, .max = 256,
	  .help = "Where holes are reported." },
	{ .name = "contacts.status", .type = OPTION_TEXTS, FIELD(contacts.status), .def = "[]", .min = 3, .max = 256,
	  .help = "Where outages are announced." },
	{ .name = "contacts.support", .type = OPTION_TEXTS, FIELD(contacts.support), .def = "[]", .min = 3, .max = 256,
	  .help = "Who helps." },
	{ .name = "data_policy.terms", .type = OPTION_TEXT, FIELD(data_policy.terms), .def = "\"\"", .zero = "", .min = 3, .max = 256,
	  .help = "Address of the terms of service." },
	{ .name = "data_policy.notice", .type = OPTION_TEXT, FIELD(data_policy.notice), .def = "\"\"", .zero = "", .min = 1, .max = 1000,
	  .help = "A few sentences in plain words." },
	{ .name = "data_policy.access", .type = OPTION_SET, FIELD(data_policy.access), .def = "[admins, organization_member]",
	  WORDS("admins", "moderators", "organization_member", "government", "advertisers", "partners"),
	  .help = "Who can get at people's data." },
	{ .name = "auth.plain", .type = OPTION_BOOL, FIELD(auth.plain), .def = "off",
	  .help = "Also take the password itself (SASL PLAIN, inside TLS), for old clients." },
	{ .name = "auth.mechanisms", .type = OPTION_SET, FIELD(auth.mechanisms),
	  .def = "[SCRAM-SHA-1, SCRAM-SHA-256, SCRAM-SHA-512]", WORDS("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"),
	  .help = "The hashes of SCRAM; each comes with and without channel binding." },
	{ .name = "auth.channel_binding", .type = OPTION_ENUM, FIELD(auth.channel_binding), .def = "offer",
	  WORDS("offer", "require", "off"),
	  .help = "Binding of the login to the TLS connection (-PLUS), which finds a man in the middle; old clients cannot." },
	{ .name = "auth.scram_iterations", .type = OPTION_INT, FIELD(auth.scram_iterations), .def = "10000",
	  .min = 4096, .max = 1000000, .help = "Work for one guess at a stolen verifier; holds for passwords set from now on." },
	{ .name = "auth.token_lifetime", .type = OPTION_DURATION, FIELD(auth.token_lifetime_s), .def = "21d", .zero = "off",
	  .min = 1, .max = 366 * DAY,
	  .help = "How long a device that signed in once can come back without the password (XEP-0484); 'off': never." },
	{ .name = "auth.token_rotation", .type = OPTION_DURATION, FIELD(auth.token_rotation_s), .def = "1d",
	  .min = 1, .max = 366 * DAY, .help = "The age at which such a token is replaced when it is used." },
	{ .name = "s2s.enabled", .type = OPTION_BOOL, FIELD(s2s.enabled), .def = "on",
	  .help = "Exchange stanzas with other servers." },
	{ .name = "s2s.dialback", .type = OPTION_ENUM, FIELD(s2s.dialback), .def = "never", WORDS("never", "verified", "tls"),
	  .help = "Whether a server without a valid certificate is believed when the server that the DNS names for its "
		  "domain vouches for it (XEP-0220): never, if that one has a valid certificate (verified), or any (tls)." },
	{ .name = "s2s.ca", .type = OPTION_PATH, FIELD(s2s.ca), .def = "\"\"", .zero = "",
	  .help = "A file of certificates (PEM) that vouch for others; empty: those of the system." },
	{ .name = "s2s.allow", .type = OPTION_TEXTS, FIELD(s2s.allow), .def = "[]", .min = 1, .max = 253,
	  .help = "Domains to speak with, or '*.' and a domain for all beneath it; empty: everybody." },
	{ .name = "s2s.deny", .type = OPTION_TEXTS, FIELD(s2s.deny), .def = "[]", .min = 1, .max = 253,
	  .help = "Domains not to speak with, written likewise; goes before allow." },
	{ .name = "s2s.resolver", .type = OPTION_TEXT, FIELD(s2s.resolver), .def = "\"\"", .zero = "", .min = 2, .max = 64,
	  .help = "The address of a DNS resolver, with @PORT behind it when that is not 53; empty: the system's." },
	{ .name = "s2s.trust_anchor", .type = OPTION_PATH, FIELD(s2s.trust_anchor), .def = "\"\"", .zero = "",
	  .help = "A file of DNSSEC keys, like /usr/share/dns/root.key; empty: answers of the DNS are not validated." },
	{ .name = "s2s.private_addresses", .type = OPTION_BOOL, FIELD(s2s.private_addresses), .def = "off",
	  .help = "Also connect to loopback and private networks when the DNS of others leads there." },
	{ .name = "s2s.idle", .type = OPTION_DURATION, FIELD(s2s.idle_s), .def = "15m", .zero = "off", .min = 10, .max = DAY,
	  .help = "A connection that carried nothing for so long is closed." },
	{ .name = "web.url", .type = OPTION_TEXT, FIELD(web.url), .def = "\"\"", .zero = "", .min = 9, .max = 300,
	  .help = "Where browsers find this server, like https://chat.example.test; empty: the domain and the port of listen.https." },
	{ .name = "web.origins", .type = OPTION_TEXTS, FIELD(web.origins), .def = "[]", .min = 1, .max = 300,
	  .help = "Other sites whose pages may connect, like https://www.example.test; '*' for all; those of the same host always may." },
	{ .name = "web.addresses", .type = OPTION_TEXTS, FIELD(web.addresses), .def = "[]", .min = 2, .max = 45,
	  .help = "IP addresses at which the world reaches this server; with them, host-meta.json stands for the DNS (XEP-0487)." },
	{ .name = "web.ping", .type = OPTION_DURATION, FIELD(web.ping_s), .def = "60s", .min = 1, .max = 3600,
	  .help = "A WebSocket that is silent for so long is asked for a sign of life, and closed after as long again." },
	{ .name = "tls.min_version", .type = OPTION_ENUM, FIELD(tls.min_version), .def = "\"1.2\"",
	  WORDS("1.2", "1.3"), .help = "The oldest TLS; 1.2 with authenticated encryption only." },
	{ .name = "log.level", .type = OPTION_ENUM, FIELD(log.level), .def = "info",
	  WORDS("debug", "info", "note", "warn", "error"), .help = "The least important line that is written." },
	{ .name = "log.format", .type = OPTION_ENUM, FIELD(log.format), .def = "text",
	  WORDS("text", "json"), .help = "For people or for programs." },
};
/* clang-format on */
const size_t option_count = ARRAY_SIZE(option_table);

/* clang-format off */
#define RECORD(type, f) .offset = offsetof(struct type, f)

static const struct option component_options[] = {
	{ .name = "components.domain", .type = OPTION_DOMAIN, RECORD(config_component, domain), .def = "irc.example.test",
	  .required = true, .help = "The domain it speaks for: not ours, no other component's." },
	{ .name = "components.name", .type = OPTION_TEXT, RECORD(config_component, name), .def = "\"\"", .zero = "",
	  .max = 200, .help = "What clients show of it." },
	{ .name = "components.secret", .type = OPTION_TEXT, RECORD(config_component, secret), .def = "\"\"", .zero = "",
	  .min = 16, .max = 1024, .help = "What it proves itself with; nobody else may then read this file (mode 0600)." },
	{ .name = "components.secret_file", .type = OPTION_TEXT, RECORD(config_component, secret_file), .def = "\"\"",
	  .zero = "", .min = 1, .max = 200, .help = "Instead of secret: the name of a file in the folder keys (mode 0600)." },
	{ .name = "components.trust", .type = OPTION_ENUM, RECORD(config_component, trust), .def = "normal",
	  WORDS("low", "normal", "high"),
	  .help = "How the inspection takes its people: low: strangers all; normal: strangers but for contacts; high: as colleagues." },
	{ .name = "components.may", .type = OPTION_SET, RECORD(config_component, may), .def = "[]",
	  WORDS("roster-get", "roster-set", "roster-push", "message", "presence", "presence-roster"),
	  .help = "Privileges over accounts here (XEP-0356)." },
	{ .name = "components.iq_get", .type = OPTION_TEXTS, RECORD(config_component, iq_get), .def = "[]", .min = 1, .max = 256,
	  .help = "Namespaces of what it may ask on behalf of accounts here (XEP-0356)." },
	{ .name = "components.iq_set", .type = OPTION_TEXTS, RECORD(config_component, iq_set), .def = "[]", .min = 1, .max = 256,
	  .help = "Namespaces of what it may order on behalf of accounts here (XEP-0356)." },
	{ .name = "components.delegate", .type = OPTION_TEXTS, RECORD(config_component, delegate), .def = "[]", .min = 1,
	  .max = 256, .help = "Namespaces of requests to this server that it answers (XEP-0355)." },
};

static const struct option peer_options[] = {
	{ .name = "peers.domain", .type = OPTION_DOMAIN, RECORD(config_peer, domain), .def = "partner.example.test",
	  .required = true, .help = "Whose server it is." },
	{ .name = "peers.trust", .type = OPTION_ENUM, RECORD(config_peer, trust), .def = "normal", WORDS("low", "normal", "high"),
	  .help = "How the inspection takes its people: low: strangers all; normal: strangers but for contacts; high: as colleagues." },
	{ .name = "peers.address", .type = OPTION_ADDRESS, RECORD(config_peer, address), .def = "\"\"", .zero = "",
	  .help = "Where it is; empty: the DNS tells." },
	{ .name = "peers.port", .type = OPTION_PORT, RECORD(config_peer, port), .def = "5269", .help = "Its port, when an address is given." },
	{ .name = "peers.direct_tls", .type = OPTION_BOOL, RECORD(config_peer, direct_tls), .def = "off",
	  .help = "That port is encrypted from the first byte." },
};

static const struct option service_options[] = {
	{ .name = "services.type", .type = OPTION_ENUM, RECORD(config_service, type), .def = "stun",
	  WORDS("stun", "stuns", "turn", "turns"), .required = true, .help = "What it is." },
	{ .name = "services.host", .type = OPTION_TEXT, RECORD(config_service, host), .def = "stun.example.test", .min = 1,
	  .max = 253, .required = true, .help = "Its name or address." },
	{ .name = "services.port", .type = OPTION_PORT, RECORD(config_service, port), .def = "3478", .help = "Its port." },
	{ .name = "services.transport", .type = OPTION_ENUM, RECORD(config_service, transport), .def = "udp",
	  WORDS("udp", "tcp"), .help = "How it is reached." },
	{ .name = "services.name", .type = OPTION_TEXT, RECORD(config_service, name), .def = "\"\"", .zero = "", .max = 200,
	  .help = "What clients show of it." },
	{ .name = "services.secret", .type = OPTION_TEXT, RECORD(config_service, secret), .def = "\"\"", .zero = "", .min = 16,
	  .max = 1024, .help = "Shared with a TURN server (its static-auth-secret): accounts get credentials for a time." },
	{ .name = "services.secret_file", .type = OPTION_TEXT, RECORD(config_service, secret_file), .def = "\"\"", .zero = "",
	  .min = 1, .max = 200, .help = "Instead of secret: the name of a file in the folder keys (mode 0600)." },
	{ .name = "services.expires", .type = OPTION_DURATION, RECORD(config_service, expires_s), .def = "12h", .min = 60,
	  .max = 30 * DAY, .help = "How long such credentials hold." },
};

static const struct option label_options[] = {
	{ .name = "labels.name", .type = OPTION_TEXT, RECORD(config_label, name), .def = "Confidential", .min = 1, .max = 60, .required = true,
	  .help = "What clients show beside the message." },
	{ .name = "labels.color", .type = OPTION_TEXT, RECORD(config_label, color), .def = "black", .min = 1, .max = 30,
	  .help = "Of the text, as in HTML." },
	{ .name = "labels.background", .type = OPTION_TEXT, RECORD(config_label, background), .def = "white", .min = 1, .max = 30,
	  .help = "Behind the text." },
	{ .name = "labels.preset", .type = OPTION_BOOL, RECORD(config_label, preset), .def = "off",
	  .help = "What clients offer first; of one label at most." },
};

const struct option_list option_lists[] = {
	{ .name = "components", .help = "Gateways and other services that connect to us (XEP-0114).",
	  .options = component_options, .n_options = ARRAY_SIZE(component_options),
	  .record_bytes = sizeof(struct config_component), .most = LIMIT_COMPONENTS, FIELD(components),
	  .offset_n = offsetof(struct config, n_components) },
	{ .name = "peers", .help = "Other servers of which something is known beforehand.",
	  .options = peer_options, .n_options = ARRAY_SIZE(peer_options),
	  .record_bytes = sizeof(struct config_peer), .most = LIMIT_PEERS, FIELD(peers),
	  .offset_n = offsetof(struct config, n_peers) },
	{ .name = "services", .help = "Servers for calls that clients are told of (XEP-0215).",
	  .options = service_options, .n_options = ARRAY_SIZE(service_options),
	  .record_bytes = sizeof(struct config_service), .most = LIMIT_EXTERNAL_SERVICES, FIELD(services),
	  .offset_n = offsetof(struct config, n_services) },
	{ .name = "labels", .help = "Markings that people may put on what they write (XEP-0258); none: public, internal, confidential, strictly confidential.",
	  .options = label_options, .n_options = ARRAY_SIZE(label_options),
	  .record_bytes = sizeof(struct config_label), .most = LIMIT_LABELS, FIELD(labels),
	  .offset_n = offsetof(struct config, n_labels) },
};
/* clang-format on */
const size_t option_list_count = ARRAY_SIZE(option_lists);

/* --- reading -------------------------------------------------------------------------------------------- */

struct unit { const char *suffix; uint64_t factor; };

static const struct unit bytes_units[] = {
	{ "TiB", 1024 * GIB }, { "GiB", GIB }, { "MiB", MIB }, { "KiB", KIB }, { "", 1 },
};
static const struct unit duration_units[] = {
	{ "w", 7 * DAY }, { "d", DAY }, { "h", 3600 }, { "m", 60 }, { "s", 1 },
};

/* A number with one of the units behind it, within [min, max]. */
static bool read_units(struct str text, const struct unit *u, size_t n, const struct option *o, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		struct str suffix = str_of(u[i].suffix);
		uint64_t v;

		if (!str_ends(text, suffix))
			continue;
		if (!str_to_u64(str_make(text.p, text.n - suffix.n), o->max / u[i].factor, &v) || v * u[i].factor < o->min)
			return false;
		*ret = v * u[i].factor;
		return true;
	}
	return false;
}

static bool read_bool(struct str text, bool *ret)
{
	static const char *const yes[] = { "true", "on", "yes" }, *const no[] = { "false", "off", "no" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (str_is(text, yes[i]) || str_is(text, no[i])) {
			*ret = str_is(text, yes[i]);
			return true;
		}
	}
	return false;
}

/* Index of the word, or -1. */
static int read_word(const struct option *o, struct str text)
{
	for (int i = 0; o->words[i]; i++)
		if (str_is(text, o->words[i]))
			return o->n_ready > 0 && (unsigned)i >= o->n_ready ? -1 : i;
	return -1;
}

static bool address_valid(struct str text)
{
	char z[64];
	struct in6_addr any;

	if (text.n >= sizeof(z) || memchr(text.p, 0, text.n))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = 0;
	return inet_pton(AF_INET, z, &any) == 1 || inet_pton(AF_INET6, z, &any) == 1;
}

bool option_is_hidden(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0xfffd;
}

static bool has_hidden(struct str text)
{
	for (size_t at = 0; at < text.n;)
		if (option_is_hidden(utf8_next(text, &at)))
			return true;
	return false;
}

/* Letters, digits and hyphens (RFC 1123), or UTF-8 beyond ASCII, which core normalises; at most 253 bytes. */
static bool domain_valid(struct str text)
{
	size_t label = 0;

	if (text.n == 0 || text.n > 253 || !utf8_valid(text) || has_hidden(text))
		return false;
	for (size_t i = 0; i <= text.n; i++) {
		uint8_t c = i < text.n ? (uint8_t)text.p[i] : '.';

		if (c == '.') {
			if (i == label || i - label > 63 || text.p[label] == '-' || text.p[i - 1] == '-')
				return false;
			label = i + 1;
		} else if (!(c >= 0x80 || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z'))) {
			return false;
		}
	}
	return true;
}

/* Absolute, and without bytes that would make a message or a shell line lie. */
static bool path_valid(struct str text)
{
	return text.n > 0 && text.n <= 4095 && text.p[0] == '/' && !has_hidden(text);
}

static bool text_valid(const struct option *o, struct str text)
{
	return text.n >= o->min && text.n <= o->max && utf8_valid(text) && !has_hidden(text);
}

static int set_text(const struct option *o, void *field, struct str text, struct arena *a)
{
	bool ok = str_empty(text) ? o->zero != NULL :
		  o->type == OPTION_ADDRESS ? address_valid(text) :
		  o->type == OPTION_DOMAIN ? domain_valid(text) :
		  o->type == OPTION_PATH ? path_valid(text) : text_valid(o, text);
	char *p;

	if (!ok)
		return ERR_BAD_FORMAT;
	p = arena_dup(a, text.p, text.n);
	if (!p)
		return ERR_NOMEM;
	for (size_t i = 0; o->type == OPTION_DOMAIN && i < text.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	*(const char **)field = p;
	return 0;
}

static int add_text(const struct option *o, struct config_texts *list, struct str text, struct arena *a)
{
	int r = list->n < CONFIG_TEXTS_MAX ? set_text(o, &list->v[list->n], text, a) : ERR_BAD_FORMAT;

	list->n += r == 0;
	return r;
}

int option_set(const struct option *o, void *record, struct str text, struct arena *a)
{
	void *field = (char *)record + o->offset;
	bool zero = o->zero && *o->zero && str_is(text, o->zero);
	uint64_t v = 0;
	int word;

	switch (o->type) {
	case OPTION_INT:
		if (!zero && (!str_to_u64(text, o->max, &v) || v < o->min))
			return ERR_BAD_FORMAT;
		*(unsigned *)field = (unsigned)v;
		return 0;
	case OPTION_PORT:
		if (!str_to_u64(text, 65535, &v))
			return ERR_BAD_FORMAT;
		*(unsigned *)field = (unsigned)v;
		return 0;
	case OPTION_BYTES:
		if (!zero && !read_units(text, bytes_units, ARRAY_SIZE(bytes_units), o, &v))
			return ERR_BAD_FORMAT;
		*(uint64_t *)field = v;
		return 0;
	case OPTION_DURATION:
		if (!zero && !read_units(text, duration_units, ARRAY_SIZE(duration_units), o, &v))
			return ERR_BAD_FORMAT;
		*(uint64_t *)field = v;
		return 0;
	case OPTION_BOOL:
		return read_bool(text, field) ? 0 : ERR_BAD_FORMAT;
	case OPTION_ENUM:
		word = read_word(o, text);
		if (word < 0)
			return ERR_BAD_FORMAT;
		*(unsigned *)field = (unsigned)word;
		return 0;
	case OPTION_SET:
		word = read_word(o, text);
		if (word < 0 || (*(unsigned *)field & 1u << word))
			return ERR_BAD_FORMAT;
		*(unsigned *)field |= 1u << word;
		return 0;
	case OPTION_ADDRESS:
	case OPTION_DOMAIN:
	case OPTION_PATH:
	case OPTION_TEXT:
		return set_text(o, field, text, a);
	case OPTION_TEXTS:
		return add_text(o, field, text, a);
	}
	return ERR_BAD_FORMAT;
}

/* --- explaining --------------------------------------------------------------------------------------------- */

/* The largest unit that divides it. */
static void print_units(struct buf *b, uint64_t v, const struct unit *u, size_t n)
{
	while (n > 1 && (v < u->factor || v % u->factor != 0)) {
		u++;
		n--;
	}
	buf_printf(b, "%llu%s", (unsigned long long)(v / u->factor), u->suffix);
}

static void print_range(const struct option *o, struct buf *b, const struct unit *u, size_t n)
{
	buf_str_add(b, STR(" from "));
	print_units(b, o->min, u, n);
	buf_str_add(b, STR(" to "));
	print_units(b, o->max, u, n);
	if (o->zero)
		buf_printf(b, ", or '%s'", o->zero);
}

static void print_words(const struct option *o, struct buf *b)
{
	unsigned ready = o->n_ready;

	for (unsigned i = 0; o->words[i] && (ready == 0 || i < ready); i++)
		buf_printf(b, "%s'%s'", i == 0 ? "" : o->words[i + 1] && i + 1 != ready ? ", " : " or ", o->words[i]);
	if (ready == 0)
		return;
	for (unsigned i = ready; o->words[i]; i++)
		buf_printf(b, "%s'%s'", i == ready ? " (" : " and ", o->words[i]);
	buf_str_add(b, STR(" come in a later version)"));
}

void option_expected(const struct option *o, struct buf *b)
{
	switch (o->type) {
	case OPTION_INT:
		buf_printf(b, "a whole number from %llu to %llu", (unsigned long long)o->min, (unsigned long long)o->max);
		if (o->zero)
			buf_printf(b, ", or '%s'", o->zero);
		return;
	case OPTION_PORT:
		buf_str_add(b, STR("a port from 1 to 65535, or 0 for none"));
		return;
	case OPTION_BYTES:
		buf_str_add(b, STR("a size"));
		print_range(o, b, bytes_units, ARRAY_SIZE(bytes_units));
		return;
	case OPTION_DURATION:
		buf_str_add(b, STR("a time like 90s, 10m, 12h, 30d or 8w"));
		print_range(o, b, duration_units, ARRAY_SIZE(duration_units));
		return;
	case OPTION_BOOL:
		buf_str_add(b, STR("on or off"));
		return;
	case OPTION_ENUM:
		print_words(o, b);
		return;
	case OPTION_SET:
		buf_str_add(b, STR("a list in brackets, each once, of "));
		print_words(o, b);
		return;
	case OPTION_ADDRESS:
		buf_str_add(b, STR("an IPv4 or IPv6 address in figures"));
		return;
	case OPTION_DOMAIN:
		buf_printf(b, "a domain name%s", o->zero ? ", or \"\"" : "");
		return;
	case OPTION_PATH:
		buf_printf(b, "a path that begins with /%s", o->zero ? ", or \"\"" : "");
		return;
	case OPTION_TEXT:
		buf_printf(b, "a text of %llu to %llu bytes%s", (unsigned long long)o->min, (unsigned long long)o->max,
			   o->zero ? ", or \"\"" : "");
		return;
	case OPTION_TEXTS:
		buf_printf(b, "a list in brackets of at most %d texts of %llu to %llu bytes", CONFIG_TEXTS_MAX,
			   (unsigned long long)o->min, (unsigned long long)o->max);
		return;
	}
}
