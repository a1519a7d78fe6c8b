/* config.h - wardroom.yaml: how the server runs. One table (config.c) names, types, limits and explains every option.
 *
 * Ownership  A config is immutable and counted: config_ref/config_unref. All strings belong to it.
 * Threads    Any thread may read; the count is atomic.
 * Limits     A file of CONFIG_FILE_BYTES.
 * Errors     ERR_BAD_FORMAT with ret_why "FILE:LINE:COLUMN: key 'KEY': expected ..., found '...'" or
 *            "FILE:LINE:COLUMN: not YAML: ..." in the caller's arena; ERR_NOT_FOUND, ERR_IO with a sentence likewise.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

#define CONFIG_FILE_BYTES (256 * 1024)
#define CONFIG_TEXTS_MAX 16			/* words of one list of texts */

enum config_archive { CONFIG_ARCHIVE_ALWAYS, CONFIG_ARCHIVE_ROSTER, CONFIG_ARCHIVE_NEVER };
enum config_choice { CONFIG_CHOICE_COMPANY, CONFIG_CHOICE_ACCOUNT };
enum config_registration { CONFIG_REGISTRATION_CLOSED, CONFIG_REGISTRATION_INVITE, CONFIG_REGISTRATION_OPEN };
enum config_rooms_create { CONFIG_ROOMS_STAFF, CONFIG_ROOMS_OFFICER, CONFIG_ROOMS_ADMIN };
enum config_tls { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };
enum config_log_level { CONFIG_LOG_DEBUG, CONFIG_LOG_INFO, CONFIG_LOG_NOTE, CONFIG_LOG_WARN, CONFIG_LOG_ERROR }; /* as log.h */
enum config_log_format { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };							/* as log.h */
enum config_trust { CONFIG_TRUST_LOW, CONFIG_TRUST_NORMAL, CONFIG_TRUST_HIGH };
enum config_service_type { CONFIG_SERVICE_STUN, CONFIG_SERVICE_STUNS, CONFIG_SERVICE_TURN, CONFIG_SERVICE_TURNS };
enum config_transport { CONFIG_TRANSPORT_UDP, CONFIG_TRANSPORT_TCP };
enum config_dialback { CONFIG_DIALBACK_NEVER, CONFIG_DIALBACK_VERIFIED, CONFIG_DIALBACK_TLS };
enum config_downloads { CONFIG_DOWNLOADS_ANYBODY, CONFIG_DOWNLOADS_STAFF, CONFIG_DOWNLOADS_RECEIVERS };
enum config_binding { CONFIG_BINDING_OFFER, CONFIG_BINDING_REQUIRE, CONFIG_BINDING_OFF };

/* A list of texts. */
struct config_texts {
	unsigned n;
	const char *v[CONFIG_TEXTS_MAX];
};

/* Bits of config_component.may (XEP-0356). */
enum config_may {
	CONFIG_MAY_ROSTER_GET = 1, CONFIG_MAY_ROSTER_SET = 2, CONFIG_MAY_ROSTER_PUSH = 4, CONFIG_MAY_MESSAGE = 8,
	CONFIG_MAY_PRESENCE = 16, CONFIG_MAY_PRESENCE_ROSTER = 32,
};

/* A gateway or another service that connects to us (XEP-0114). */
struct config_component {
	const char *domain, *name;		/* name "": none to show */
	const char *secret, *secret_file;	/* secret: also what stood in the file; never empty once loaded */
	enum config_trust trust;
	unsigned may;
	struct config_texts iq_get, iq_set;	/* namespaces of requests on behalf of accounts */
	struct config_texts delegate;		/* namespaces it answers for us (XEP-0355) */
};

/* A server of others that clients are told of (XEP-0215). */
struct config_service {
	enum config_service_type type;
	const char *host, *name;
	unsigned port;
	enum config_transport transport;
	const char *secret, *secret_file;	/* shared with it: credentials for a time; "": none are needed */
	uint64_t expires_s;
};

/* A marking that people may put on what they write (XEP-0258). */
struct config_label {
	const char *name;
	const char *color, *background;
	bool preset;			/* what clients offer first */
};

/* What is known beforehand of another server. */
struct config_peer {
	const char *domain;
	enum config_trust trust;
	const char *address;		/* numeric; "": the DNS tells */
	unsigned port;
	bool direct_tls;		/* encrypted from the first byte */
};

struct config {
	const char *domain;			/* lower case; A-labels or ASCII; never empty */
	struct {
		const char *address;		/* numeric IPv4 or IPv6 */
		const char *component_address;	/* that of component */
		unsigned c2s, c2s_tls, s2s, component, https;	/* 0: no listener */
	} listen;
	unsigned threads;			/* 0: auto */
	struct {				/* 0: off */
		unsigned messages_per_s;
		uint64_t bytes_per_s;
		uint64_t stanza_bytes;		/* never off */
		unsigned connections_per_address;
		unsigned failed_logins_per_minute;
	} limits;
	struct { enum config_archive def; enum config_choice choice; } archive;
	enum config_registration registration;
	struct {
		const char *domain;		/* "": rooms.DOMAIN */
		enum config_rooms_create create;
	} rooms;
	struct {
		uint64_t max_bytes, per_day, keep_s;	/* per_day, keep_s 0: off */
		uint64_t wait_s;
		enum config_downloads downloads;
	} upload;
	struct {
		const char *clamd;		/* "": none */
		bool required;
		const char *signatures;		/* "": not told */
		unsigned processes;
		uint64_t timeout_s;
	} scanner;
	struct { bool sender; } push;
	struct { struct config_texts abuse, admin, feedback, outage, sales, security, status, support; } contacts;
	struct {
		const char *terms, *notice;	/* "": none */
		unsigned access;		/* bits, in the order of XEP-0504 */
	} data_policy;
	struct {
		bool plain;
		unsigned mechanisms;		/* bits 0 to 2: SCRAM-SHA-1, -256, -512, as in auth/sasl.h */
		enum config_binding channel_binding;
		unsigned scram_iterations;
		uint64_t token_lifetime_s, token_rotation_s;	/* token_lifetime_s 0: no tokens */
	} auth;
	struct {
		bool enabled;
		enum config_dialback dialback;
		const char *ca;			/* "": the system's */
		struct config_texts allow, deny;	/* domains, or "*.DOMAIN"; allow empty: all */
		const char *resolver;		/* "": the system's */
		const char *trust_anchor;	/* "": none */
		bool private_addresses;
		uint64_t idle_s;		/* 0: off */
	} s2s;
	struct {
		const char *url;		/* where browsers find us: https://HOST[:PORT], no path; "": the domain and listen.https */
		struct config_texts origins;	/* of pages that may connect from elsewhere; "*": all */
		struct config_texts addresses;	/* of this server, as the world sees them; empty: not told */
		uint64_t ping_s;
	} web;
	struct { enum config_tls min_version; } tls;
	struct { enum config_log_level level; enum config_log_format format; } log;
	struct config_component *components;
	unsigned n_components;
	struct config_peer *peers;
	unsigned n_peers;
	struct config_service *services;
	unsigned n_services;
	struct config_label *labels;
	unsigned n_labels;
};

/* name: the file's, for messages. */
MUST_CHECK int config_parse(struct str text, const char *name, struct arena *a, struct config **ret, struct str *ret_why);
/* Also reads the secrets that stand in files of their own, in the folder keys beside it. */
MUST_CHECK int config_load(const char *path, struct arena *a, struct config **ret, struct str *ret_why);
/* Every option at its default, for this domain: for tests and simulation. NULL when out of memory or no domain name. */
struct config *config_default(const char *domain);
struct config *config_ref(struct config *c);
void config_unref(struct config **c);		/* NULL inside is fine; clears the pointer */

/* Every option with its default, range and meaning, as YAML: conf/wardroom.yaml is exactly this. */
MUST_CHECK int config_defaults_write(FILE *f);

/* The wardroom.yaml of a new instance. Ports: -1 for the default, 0 for none. address NULL: the default. */
struct config_values {
	const char *domain, *address;
	int c2s, c2s_tls, s2s, component, https;
	const char *clamd, *signatures;		/* found on this machine; NULL: not */
};
/* Writes DIR/wardroom.yaml after having read it back; ERR_CONFLICT when it is there already. */
MUST_CHECK int config_write_new(const char *dir, const struct config_values *v, struct arena *a, struct str *ret_why);

#endif
