/* ns.c - most stanzas name the same few namespaces: their bytes are kept once, in the program. */
#include "xmpp/ns.h"

#include "base/check.h"

struct str ns_share(struct arena *a, struct str ns)
{
	/* The most frequent first. */
	static const struct str known[] = {
		STR(NS_CLIENT), STR(NS_SM), STR(NS_RECEIPTS), STR(NS_CHATSTATES), STR(NS_SID), STR(NS_MARKERS),
		STR(NS_HINTS), STR(NS_DELAY), STR(NS_MAM), STR(NS_PING), STR(NS_CAPS), STR(NS_STANZAS), STR(NS_CARBONS),
		STR(NS_FORWARD), STR(NS_RSM), STR(NS_XDATA), STR(NS_CSI), STR(NS_ROSTER), STR(NS_DISCO_INFO),
		STR(NS_DISCO_ITEMS), STR(NS_XHTML), STR(NS_XHTML_IM), STR(NS_OOB), STR(NS_OMEMO), STR(NS_OMEMO_2),
		STR(NS_EME), STR(NS_REACTIONS), STR(NS_REPLY), STR(NS_FALLBACK), STR(NS_CORRECT), STR(NS_RETRACT),
		STR(NS_PUBSUB), STR(NS_PUBSUB_EVENT), STR(NS_PUBSUB_OWNER), STR(NS_VCARD), STR(NS_VCARD_UPDATE),
		STR(NS_NICK), STR(NS_AVATAR_DATA), STR(NS_AVATAR_METADATA), STR(NS_BLOCKING), STR(NS_PRIVATE),
		STR(NS_BOOKMARKS), STR(NS_BOOKMARKS_OLD), STR(NS_MUC), STR(NS_MUC_USER), STR(NS_MUC_ADMIN),
		STR(NS_MUC_OWNER), STR(NS_CONFERENCE), STR(NS_TIME), STR(NS_VERSION), STR(NS_LAST), STR(NS_COMMANDS),
		STR(NS_JINGLE), STR(NS_JINGLE_MESSAGE), STR(NS_SASL), STR(NS_TLS), STR(NS_BIND), STR(NS_SESSION),
		STR(NS_STREAM), STR(NS_SERVER), STR(NS_UPLOAD), STR(NS_PUSH), STR(NS_REGISTER), STR(NS_OCCUPANT_ID),
		STR(NS_STREAMS), STR(NS_IDLE), STR(NS_EXTDISCO), STR(NS_SFS), STR(NS_XML),
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].n == ns.n && memcmp(known[i].p, ns.p, ns.n) == 0)
			return known[i];
	return arena_str(a, ns);
}
