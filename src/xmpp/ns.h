/* ns.h - the namespaces spoken here, as string literals.
 *
 * ns_share finds the one static copy of a known name, so that a stanza does not carry it.
 */
#ifndef XMPP_NS_H
#define XMPP_NS_H

#include "base/arena.h"

/* Core: RFC 6120, 6121, 7395. */
#define NS_XML "http://www.w3.org/XML/1998/namespace"
#define NS_CLIENT "jabber:client"
#define NS_SERVER "jabber:server"
#define NS_STREAM "http://etherx.jabber.org/streams"
#define NS_STREAMS "urn:ietf:params:xml:ns:xmpp-streams"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_FRAMING "urn:ietf:params:xml:ns:xmpp-framing"
#define NS_ROSTER "jabber:iq:roster"
#define NS_ROSTERVER "urn:xmpp:features:rosterver"
#define NS_PREAPPROVAL "urn:xmpp:features:pre-approval"
#define NS_ERRORS "urn:xmpp:errors"			/* XEP-0205 */

/* Signing in. */
#define NS_SASL_CB "urn:xmpp:sasl-cb:0"			/* XEP-0440 */
#define NS_SASL2 "urn:xmpp:sasl:2"			/* XEP-0388 */
#define NS_BIND2 "urn:xmpp:bind:0"			/* XEP-0386 */
#define NS_UPGRADE "urn:xmpp:sasl:upgrade:0"		/* XEP-0480 */
#define NS_SCRAM_UPGRADE "urn:xmpp:scram-upgrade:0"
#define NS_FAST "urn:xmpp:fast:0"			/* XEP-0484 */
#define NS_CAM "urn:xmpp:cam:0"				/* XEP-0494 */
#define NS_REGISTER "jabber:iq:register"		/* XEP-0077 */
#define NS_REGISTER_FEATURE "http://jabber.org/features/iq-register"
#define NS_IBR_TOKEN "urn:xmpp:ibr-token:0"		/* XEP-0445 */
#define NS_PARS "urn:xmpp:pars:0"			/* XEP-0379 */
#define NS_IQ_AUTH "jabber:iq:auth"			/* XEP-0078, refused */
#define NS_COMPRESS "http://jabber.org/features/compress"	/* XEP-0138, refused */
#define NS_COMPRESS_PROTOCOL "http://jabber.org/protocol/compress"

/* Streams and devices. */
#define NS_SM "urn:xmpp:sm:3"				/* XEP-0198 */
#define NS_CSI "urn:xmpp:csi:0"				/* XEP-0352 */
#define NS_CARBONS "urn:xmpp:carbons:2"			/* XEP-0280 */
#define NS_CARBONS_RULES "urn:xmpp:carbons:rules:0"
#define NS_PUSH "urn:xmpp:push:0"			/* XEP-0357 */
#define NS_LIMITS "urn:xmpp:stream-limits:0"		/* XEP-0478 */

/* The archive. */
#define NS_MAM "urn:xmpp:mam:2"				/* XEP-0313 */
#define NS_MAM_EXTENDED "urn:xmpp:mam:2#extended"
#define NS_RSM "http://jabber.org/protocol/rsm"		/* XEP-0059 */
#define NS_FORWARD "urn:xmpp:forward:0"			/* XEP-0297 */
#define NS_SID "urn:xmpp:sid:0"				/* XEP-0359 */
#define NS_DELAY "urn:xmpp:delay"			/* XEP-0203 */
#define NS_DELAY_OLD "jabber:x:delay"			/* XEP-0091 */
#define NS_HINTS "urn:xmpp:hints"			/* XEP-0334 */
#define NS_OFFLINE "msgoffline"				/* XEP-0160 */

/* Questions. */
#define NS_PING "urn:xmpp:ping"				/* XEP-0199 */
#define NS_TIME "urn:xmpp:time"				/* XEP-0202 */
#define NS_VERSION "jabber:iq:version"			/* XEP-0092 */
#define NS_LAST "jabber:iq:last"			/* XEP-0012 */
#define NS_DISCO_INFO "http://jabber.org/protocol/disco#info"	/* XEP-0030 */
#define NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_CAPS "http://jabber.org/protocol/caps"	/* XEP-0115 */
#define NS_CAPS2 "urn:xmpp:caps"			/* XEP-0390 */
#define NS_XDATA "jabber:x:data"			/* XEP-0004 */
#define NS_COMMANDS "http://jabber.org/protocol/commands"	/* XEP-0050 */
#define NS_ADMIN "http://jabber.org/protocol/admin"	/* XEP-0133 */
#define NS_SERVERINFO "http://jabber.org/network/serverinfo"	/* XEP-0157 */
#define NS_SERVERINFO_DATA "urn:xmpp:serverinfo:0"	/* XEP-0485 */
#define NS_DATA_POLICY "urn:xmpp:data-policy:0"		/* XEP-0504 */
#define NS_RAA "urn:xmpp:raa:0"				/* XEP-0489 */
#define NS_OUTAGE "urn:xmpp:sos:0"			/* XEP-0455 */
#define NS_EXTDISCO "urn:xmpp:extdisco:2"		/* XEP-0215 */
#define NS_UPLOAD "urn:xmpp:http:upload:0"		/* XEP-0363 */
#define NS_UPLOAD_PURPOSE "urn:xmpp:http:upload:purpose:0"
#define NS_BYTESTREAMS "http://jabber.org/protocol/bytestreams"	/* XEP-0065 */
#define NS_IBB "http://jabber.org/protocol/ibb"		/* XEP-0047 */

/* People. */
#define NS_BLOCKING "urn:xmpp:blocking"			/* XEP-0191 */
#define NS_BLOCKING_ERRORS "urn:xmpp:blocking:errors"
#define NS_REPORTING "urn:xmpp:reporting:1"		/* XEP-0377 */
#define NS_REPORTING_0 "urn:xmpp:reporting:0"		/* before 2021 */
#define NS_PRIVACY "jabber:iq:privacy"			/* XEP-0016 */
#define NS_PRIVATE "jabber:iq:private"			/* XEP-0049 */
#define NS_BOOKMARKS "urn:xmpp:bookmarks:1"		/* XEP-0402 */
#define NS_BOOKMARKS_OLD "storage:bookmarks"		/* XEP-0048 */
#define NS_MDS "urn:xmpp:mds:displayed:0"		/* XEP-0490 */
#define NS_VCARD "vcard-temp"				/* XEP-0054 */
#define NS_VCARD_UPDATE "vcard-temp:x:update"		/* XEP-0153 */
#define NS_VCARD4 "urn:ietf:params:xml:ns:vcard-4.0"	/* XEP-0292 */
#define NS_AVATAR_DATA "urn:xmpp:avatar:data"		/* XEP-0084 */
#define NS_AVATAR_METADATA "urn:xmpp:avatar:metadata"
#define NS_NICK "http://jabber.org/protocol/nick"	/* XEP-0172 */
#define NS_IDLE "urn:xmpp:idle:1"			/* XEP-0319 */

/* PubSub, PEP: XEP-0060, 0163. */
#define NS_PUBSUB "http://jabber.org/protocol/pubsub"
#define NS_PUBSUB_EVENT "http://jabber.org/protocol/pubsub#event"
#define NS_PEP_EVENT NS_PUBSUB_EVENT
#define NS_PUBSUB_OWNER "http://jabber.org/protocol/pubsub#owner"
#define NS_PUBSUB_ERRORS "http://jabber.org/protocol/pubsub#errors"
#define NS_PUBSUB_OPTIONS "http://jabber.org/protocol/pubsub#publish-options"
#define NS_PUBSUB_AUTHORIZATION NS_PUBSUB "#subscribe_authorization"
#define NS_PUBSUB_CONFIG "http://jabber.org/protocol/pubsub#node_config"

/* Rooms: XEP-0045, 0249, 0410, 0421, 0425. */
#define NS_MUC "http://jabber.org/protocol/muc"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define NS_MUC_ADMIN "http://jabber.org/protocol/muc#admin"
#define NS_MUC_OWNER "http://jabber.org/protocol/muc#owner"
#define NS_MUC_REQUEST "http://jabber.org/protocol/muc#request"
#define NS_MUC_ROOMCONFIG "http://jabber.org/protocol/muc#roomconfig"
#define NS_MUC_REGISTER "http://jabber.org/protocol/muc#register"
#define NS_CONFERENCE "jabber:x:conference"
#define NS_OCCUPANT_ID "urn:xmpp:occupant-id:0"
#define NS_MUC_ROOMINFO "http://jabber.org/protocol/muc#roominfo"
#define NS_MUC_STABLE_ID "http://jabber.org/protocol/muc#stable_id"
#define NS_MUC_UNIQUE "http://jabber.org/protocol/muc#unique"
#define NS_SELF_PING "http://jabber.org/protocol/muc#self-ping-optimization"
#define NS_HATS "urn:xmpp:hats:0"			/* XEP-0317 */
#define NS_MODERATE "urn:xmpp:message-moderate:1"
#define NS_MODERATE_0 "urn:xmpp:message-moderate:0"	/* before 2023 */
#define NS_FASTEN "urn:xmpp:fasten:0"			/* XEP-0422 */
#define NS_RETRACT_0 "urn:xmpp:message-retract:0"

/* What messages carry. */
#define NS_XHTML_IM "http://jabber.org/protocol/xhtml-im"	/* XEP-0071 */
#define NS_XHTML "http://www.w3.org/1999/xhtml"
#define NS_OOB "jabber:x:oob"				/* XEP-0066 */
#define NS_IQ_OOB "jabber:iq:oob"
#define NS_CHATSTATES "http://jabber.org/protocol/chatstates"	/* XEP-0085 */
#define NS_RECEIPTS "urn:xmpp:receipts"			/* XEP-0184 */
#define NS_MARKERS "urn:xmpp:chat-markers:0"		/* XEP-0333 */
#define NS_CORRECT "urn:xmpp:message-correct:0"		/* XEP-0308 */
#define NS_RETRACT "urn:xmpp:message-retract:1"		/* XEP-0424 */
#define NS_REACTIONS "urn:xmpp:reactions:0"		/* XEP-0444 */
#define NS_REPLY "urn:xmpp:reply:0"			/* XEP-0461 */
#define NS_FALLBACK "urn:xmpp:fallback:0"		/* XEP-0428 */
#define NS_ATTENTION "urn:xmpp:attention:0"		/* XEP-0224 */
#define NS_EME "urn:xmpp:eme:0"				/* XEP-0380 */
#define NS_OMEMO "eu.siacs.conversations.axolotl"	/* XEP-0384, legacy */
#define NS_OMEMO_2 "urn:xmpp:omemo:2"
#define NS_OPENPGP "urn:xmpp:openpgp:0"			/* XEP-0373 */
#define NS_PGP_ENCRYPTED "jabber:x:encrypted"		/* XEP-0027 */
#define NS_PGP_SIGNED "jabber:x:signed"
#define NS_SFS "urn:xmpp:sfs:0"				/* XEP-0447 */
#define NS_SIMS "urn:xmpp:sims:1"			/* XEP-0385 */
#define NS_BOB "urn:xmpp:bob"				/* XEP-0231 */
#define NS_SECLABEL "urn:xmpp:sec-label:0"		/* XEP-0258 */
#define NS_SECLABEL_CATALOG "urn:xmpp:sec-label:catalog:2"
#define NS_LABEL "urn:wardroom:label:0"		/* a label of ours within one of those */
#define NS_ROSTERX "http://jabber.org/protocol/rosterx"	/* XEP-0144 */
#define NS_ADDRESS "http://jabber.org/protocol/address"	/* XEP-0033 */
#define NS_JINGLE "urn:xmpp:jingle:1"			/* XEP-0166 */
#define NS_JINGLE_MESSAGE "urn:xmpp:jingle-message:0"	/* XEP-0353 */
#define NS_JINGLE_FT "urn:xmpp:jingle:apps:file-transfer:5"
#define NS_SI "http://jabber.org/protocol/si"		/* XEP-0095 */

/* Other servers and gateways. */
#define NS_DIALBACK "jabber:server:dialback"		/* XEP-0220 */
#define NS_DIALBACK_FEATURE "urn:xmpp:features:dialback"
#define NS_BIDI "urn:xmpp:bidi"				/* XEP-0288 */
#define NS_BIDI_FEATURE "urn:xmpp:features:bidi"
#define NS_COMPONENT "jabber:component:accept"		/* XEP-0114 */
#define NS_EXCHANGE "urn:wardroom:exchange:0"		/* ours: core/exchange.h */
#define NS_FRANK "urn:wardroom:frank:0"			/* ours: vault/vault_frank.h */
#define NS_PRIVILEGE "urn:xmpp:privilege:2"		/* XEP-0356 */
#define NS_DELEGATION "urn:xmpp:delegation:2"		/* XEP-0355 */

/* The static copy of ns when it is known, else a copy in a; .p is NULL on failure only. */
struct str ns_share(struct arena *a, struct str ns);

#endif
