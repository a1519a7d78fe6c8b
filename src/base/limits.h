/* limits.h - every maximum a peer can reach, with its reason. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Addresses (RFC 7622 3.1): each part at most 1023 octets. */
#define LIMIT_JID_PART 1023
#define LIMIT_JID (3 * LIMIT_JID_PART + 2)
#define LIMIT_JID_MARKS 30			/* combining marks in a row (UAX 15, stream-safe text) */

/* XML (security-tests 18-22). */
#define LIMIT_XML_DEPTH 64
#define LIMIT_XML_ATTRS 64			/* per element */
#define LIMIT_XML_NODES 4096			/* per stanza: bounds arena use of tiny elements */
#define LIMIT_XML_PARSER_BYTES (64 * 1024)	/* Expat keeps every name for life: replaced beyond this */
#define LIMIT_STANZA_PREAUTH 10000		/* RFC 6120 13.12: the least a server may set */
#define LIMIT_STANZA_BYTES (256 * 1024)		/* default of limits.stanza_bytes */
#define LIMIT_STANZA_BYTES_MAX (1024 * 1024)	/* an operator cannot go past this */

/* Before login. */
#define LIMIT_PREAUTH_MS 30000			/* to be signed in and bound */
#define LIMIT_PREAUTH_BYTES 65536		/* all bytes before login, TLS excluded */
#define LIMIT_AUTH_TRIES 5			/* RFC 6120 6.4.5: 2 to 5 */
#define LIMIT_SASL_TEXT 4096			/* one SASL message in Base64: two names and a password at their longest fit */
#define LIMIT_THROTTLE 16384			/* remembered failures of login; the oldest makes room */
#define LIMIT_CONNS_PER_ADDRESS 64
#define LIMIT_CONNS 32768			/* of clients; the limit of open files may be less */

/* A session. */
#define LIMIT_SEND_BYTES (4 * 1024 * 1024)	/* unsent output before the stream is closed */
#define LIMIT_SM_QUEUE 2000			/* unacknowledged stanzas (XEP-0198) */
#define LIMIT_SM_RESUME_MS (10 * 60 * 1000)
#define LIMIT_SESSIONS_PER_ACCOUNT 32
#define LIMIT_DIRECTED_PRESENCE 256
#define LIMIT_PENDING_TRIPS 64			/* stanzas of one session under way: then its socket is not read */

/* An account. */
#define LIMIT_ROSTER 2000
#define LIMIT_ROSTER_GROUPS 32
#define LIMIT_ROSTER_NAME 1023
#define LIMIT_BLOCKLIST 2000
#define LIMIT_KNOWN 2000			/* people outside that an account has let in or written to; the oldest makes room */
#define LIMIT_REQUESTS 200			/* strangers who wait for one account's word */
#define LIMIT_REQUEST_STANZAS 20		/* of one stranger that wait for it */
#define LIMIT_REPORTS 10000			/* of the whole instance (XEP-0377); further ones stand in the audit record alone */
#define LIMIT_OFFLINE 1000
#define LIMIT_ROOMS 20000			/* stored ones, of the whole instance */
#define LIMIT_OCCUPANTS 4000			/* stored ones, of one room */
#define LIMIT_PURGE_TELLS 10000			/* batches of people who are still to be told of a purge; then it waits */
#define LIMIT_ITEMS 1000				/* stored values of one kind */
#define LIMIT_GONE 200000			/* accounts removed while no server runs */
#define LIMIT_DEVICES 64				/* installations of clients that have signed in (XEP-0388) */
#define LIMIT_VCARD_BYTES (128 * 1024)
#define LIMIT_MAM_PAGE 250
#define LIMIT_MAM_COUNT 250			/* messages up to which a page says how many there are */

/* The own network. */
#define LIMIT_COMPONENTS 32			/* gateways in wardroom.yaml (XEP-0114) */
#define LIMIT_PEERS 256				/* other servers named in wardroom.yaml */
#define LIMIT_LABELS 32				/* markings in wardroom.yaml (XEP-0258) */
#define LIMIT_EXTERNAL_SERVICES 16		/* servers for calls in wardroom.yaml (XEP-0215) */

/* Federation. */
#define LIMIT_GATEWAY_QUEUE 500			/* messages that wait for one component */
#define LIMIT_GATEWAY_QUEUE_BYTES (2 * 1024 * 1024)
#define LIMIT_GATEWAY_WAIT_MS 60000		/* it is expected back for so long; then they go back */
#define LIMIT_S2S_PEERS 4096			/* pairs of domains that are known, connected or not */
#define LIMIT_S2S_LINKS 4096			/* connections, both directions */
#define LIMIT_S2S_WAITING 256			/* incoming ones that have proven nothing yet */
#define LIMIT_S2S_WAITING_PER_PREFIX 16		/* of one /24 or /48 */
#define LIMIT_S2S_QUEUE 500			/* stanzas that wait for one peer */
#define LIMIT_S2S_QUEUE_BYTES (2 * 1024 * 1024)
#define LIMIT_S2S_QUEUES_BYTES (64 * 1024 * 1024)	/* that wait for all */
#define LIMIT_S2S_WAIT_MS 60000			/* then it goes back to the sender */
#define LIMIT_S2S_VERIFIES 8			/* dialback questions for one peer */
#define LIMIT_S2S_BYTES_PER_S (1024 * 1024)	/* read from one connection */
#define LIMIT_DNS_QUERIES 256			/* look-ups under way */
#define LIMIT_DNS_TARGETS 16			/* hosts of one domain */
#define LIMIT_DNS_ADDRESSES 16			/* of one domain */

/* Files that are looked at. */
#define LIMIT_SCAN_QUEUE 4096			/* jobs that wait, of each priority; they hold no bytes of the file */
#define LIMIT_SCAN_FILE (512ull * 1024 * 1024)	/* a bigger one is not looked at, so not served */
#define LIMIT_SCAN_BYTES (1024ull * 1024 * 1024)	/* plaintext of all jobs under way */
#define LIMIT_SCAN_OUT (512ull * 1024 * 1024)	/* of a cleaned copy, or of compiled rules */
#define LIMIT_SCAN_AS (2048ull * 1024 * 1024)	/* address space of a process that looks: the file, its copy, what is unpacked */
#define LIMIT_SCAN_RULES (16ull * 1024 * 1024)	/* YARA rules in source */
#define LIMIT_SCAN_DIGESTS 2000000		/* digests of malicious files: 64 MB */

/* The store. */
#define LIMIT_BATCH_ROWS 256
#define LIMIT_STORE_JOBS 8192
#define LIMIT_KEYRING_KEYS 1024			/* unwrapped keys of (owner, month): about 1 KiB each */
#define LIMIT_TAG_CACHE 8192			/* keyed tags of addresses */
#define LIMIT_JOURNAL_ENTRIES 8192		/* index rows put off: 32 bytes each, 20 ms to write */
#define LIMIT_JOURNAL_BYTES (1024 * 1024)	/* of streams put off */
#define LIMIT_JOURNAL_STREAMS 16384		/* settled at half of it */
#define LIMIT_VALUE_BYTES (8 * 1024 * 1024)	/* one stored value */

#endif
