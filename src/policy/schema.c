/* schema.c - see schema.h. The table alone; schema_read.c walks a file along it. */
#include "policy/schema.h"

#include <stddef.h>

#include "base/check.h"
#include "policy/feed_file.h"
#include "policy/policy_file.h"

#define FIELD(f) .offset = offsetof(struct policy, f)
#define FIELD_N(f) .offset_n = offsetof(struct policy, f)
#define WORDS(...) .words = (const char *const[]){ __VA_ARGS__, NULL }
#define TEN_THOUSAND 10000
#define DAY_MS (24ull * 3600 * 1000)

static const char *const brands[] = {
	"google.com", "microsoft.com", "live.com", "office.com", "apple.com", "icloud.com", "amazon.com", "paypal.com", "facebook.com",
	"instagram.com", "whatsapp.com", "netflix.com", "dropbox.com", "linkedin.com", "github.com", "discord.com", "steampowered.com",
	"steamcommunity.com", "telegram.org", "skype.com", "dhl.com", "ups.com", "fedex.com", "docusign.com", "adobe.com", "zoom.us",
	"outlook.com", "onedrive.com", "sharepoint.com", "salesforce.com", "atlassian.com", "okta.com", "spotify.com", "roblox.com", "epicgames.com",
	"wellsfargo.com", "americanexpress.com", "citibank.com", "santander.com", "coinbase.com", "binance.com", "metamask.io", "uniswap.org",
	"pancakeswap.finance", "trustwallet.com", "walletconnect.com", "polkadot.network", NULL,
};

/* On these nobody is remarkable for linking to the site; only the same page, or the same words, tell a worm. */
static const char *const everyday[] = {
	"google.com", "youtube.com", "youtu.be", "wikipedia.org", "github.com", "gitlab.com", "stackoverflow.com", "stackexchange.com",
	"microsoft.com", "office.com", "sharepoint.com", "apple.com", "amazon.com", "linkedin.com", "facebook.com", "instagram.com",
	"twitter.com", "x.com", "reddit.com", "medium.com", "dropbox.com", "atlassian.net", "slack.com", "zoom.us", "debian.org",
	"ubuntu.com", "launchpad.net", "python.org", "mozilla.org", "kernel.org", "sourceforge.net", "pastebin.com", "imgur.com",
	"bbc.co.uk", "bbc.com", "nytimes.com", "theguardian.com", "cnn.com", "openstreetmap.org", "xmpp.org", "ietf.org", "w3.org", NULL,
};

/* Their links hide where they lead. */
static const char *const shorteners[] = {
	"bit.ly", "bitly.com", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "v.gd", "buff.ly", "cutt.ly", "rb.gy", "rebrand.ly",
	"shorturl.at", "shorturl.gg", "tiny.cc", "t.ly", "bl.ink", "s.id", "u.to", "gg.gg", "qptr.ru", "clck.ru", "vk.cc", "adf.ly",
	"bc.vc", "ouo.io", "shorte.st", "linktr.ee", "lnkd.in", "soo.gd", "trib.al", "dlvr.it", "ift.tt", "snip.ly", "short.io", "tr.im",
	"x.co", "po.st", "mcaf.ee", "wp.me", "tny.im", "b.link", "2no.co", "iplogger.org", "grabify.link", "yip.su", "1drv.ms", "qrco.de",
	"me-qr.com", "urlz.fr", "lc.cx", "kutt.it", "shrtco.de", "9qr.de", "cli.re", "n9.cl", "acortar.link", "han.gl", "buly.kr", "url.kr", NULL,
};

static int look_alikes(struct policy *p, const struct str *names, size_t n, bool brand, const struct lookalike_name **ret, size_t *ret_n)
{
	struct lookalike_name *v = arena_alloc(p->arena, (n + 1) * sizeof(*v));

	if (!v)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		lookalike_init(&v[i], names[i]);
		v[i].countries = brand;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* Our domain is always ours. */
static int own_domains(struct schema_reader *r, const yaml_node_t *n)
{
	struct policy *p = r->p;
	struct str *all = arena_alloc(p->arena, (p->sites.n_own + 1) * sizeof(*all));

	(void)n;
	if (!all)
		return ERR_NOMEM;
	all[0] = p->people.domain;
	if (p->sites.n_own)
		memcpy(all + 1, p->sites.own, p->sites.n_own * sizeof(*all));
	return look_alikes(p, all, p->sites.n_own + 1, false, &p->links.own, &p->links.n_own);
}

static int brand_names(struct schema_reader *r, const yaml_node_t *n)
{
	struct policy *p = r->p;

	(void)n;
	return look_alikes(p, p->sites.brands, p->sites.n_brands, true, &p->links.brands, &p->links.n_brands);
}

/* key: held, and the sender is asked. */
static int asks_key(struct schema_reader *r, const yaml_node_t *n)
{
	unsigned *act = &r->p->files.act[POLICY_WHAT_ENCRYPTED_UPLOADS];

	(void)n;
	r->p->files.ask_key = *act > FILE_REFUSE;
	*act = r->p->files.ask_key ? FILE_HOLD : *act;
	return 0;
}

static const char *what_name(unsigned n)
{
	return n < POLICY_WHAT_COUNT ? policy_file_name((enum policy_what)n) : NULL;
}

static int feed_lines(struct schema_reader *r, const yaml_node_t *n)
{
	struct str name, source;

	if (r->p->n_feed_lines > POLICY_FEEDS)
		return schema_wrong(r, n, "at most 32 lists");
	for (size_t i = 0; i < r->p->n_feed_lines; i++) {
		if (!feed_file_source(r->p->feed_lines[i], &name, &source))
			return schema_wrong(r, n, "a name of letters, digits and '-', a blank, and a file or an https address");
		for (size_t k = 0; k < i; k++)
			if (str_starts(r->p->feed_lines[k], name) && r->p->feed_lines[k].p[name.n] == ' ')
				return schema_wrong(r, n, "every list to have a name of its own");
	}
	return 0;
}

static int shared_groups(struct schema_reader *r, const yaml_node_t *n)
{
	struct policy *p = r->p;

	if (p->roster.n_shared > POLICY_SHARED)
		return schema_wrong(r, n, "at most 16 groups");
	for (size_t i = 0; i < p->roster.n_shared; i++) {
		struct str name = p->roster.shared[i];
		uint64_t bits;
		int e = str_is(name, "colleagues") || people_may_be_group(name) ? people_named(&p->people, name, 0, &bits) : ERR_NOT_FOUND;

		if (e == ERR_NOT_FOUND)
			return schema_wrong(r, n, "names of groups, or 'colleagues' for all accounts");
		if (e < 0)
			return e;
		p->roster.bits[i] = bits;
	}
	return 0;
}

static int decoy_names(struct schema_reader *r, const yaml_node_t *n)
{
	for (size_t i = 0; i < r->p->decoys.n_names; i++)
		if (str_find_char(r->p->decoys.names[i], ' ') <= 0)
			return schema_wrong(r, n, "a first name, a blank, and a family name");
	return 0;
}

const struct schema_section schema_sections[] = {
	{ "groups", "Who belongs together: departments, projects, partners. A member is an address, a domain or \"*@DOMAIN\"." },
	{ "peers", "Other servers and gateways, and how far each is trusted: low: its people are strangers all; normal: strangers but for\n"
		   "contacts; high: as colleagues. Goes before what wardroom.yaml says." },
	{ "walls", "Between these groups nothing passes: no message, presence, subscription or invitation, and no room holds both." },
	{ "strangers", "First contact: people who write to somebody here for the first time. One word does for all: allow,\n"
			"outside (people of other domains are requests) or departments (colleagues of no common group, too).", schema_strangers },
	{ "spim", "Advertising and fraud that nobody has asked for." },
	{ "links", "Links in messages." },
	{ "files", "Files that are sent: first what is seen inside of those that are uploaded (clean: what is dangerous is taken out, and where that cannot be\n"
		   "done the file is held), then the ways that files take past the upload (clean: they are stripped from what brings them, and where\n"
		   "nothing would remain it is refused; what cannot be held is refused)." },
	{ "calls", "Voice and video from client to client (Jingle)." },
	{ "roster", "Contact lists." },
	{ "encryption", "End-to-end encryption: OMEMO and OpenPGP. What is encrypted cannot be read here, so it cannot be inspected." },
	{ "leaks", "What should not leave." },
	{ "worms", "The same thing sent to many." },
	{ "breaker", "One a link to another server or a gateway: when an outbreak comes over it, links and files stop there in both directions, and so\n"
		     "does what is encrypted and cannot be looked at; text passes." },
	{ "decisions", "From which sum of weights (weights.yaml) on what is done." },
	{ "limits", "How much one sender may do." },
	{ "networks", "From where people may sign in. Elsewhere a login fails as one to an account that is not there." },
	{ "reports", "What people report." },
	{ "decoys", "Made-up colleagues in the shared groups of contact lists (roster.shared). Nobody reads what is written to them, and nobody has\n"
		   "a reason to send them anything; a worm does not know that. Tell people: who writes to one is told that there is nobody." },
	{ "lessons", "A short lesson at the moment of risk: the bot adds it to what it says about a message." },
};
const size_t schema_section_count = ARRAY_SIZE(schema_sections);

#define FILE_ACTS WORDS("allow", "clean", "hold", "refuse")
#define ADDRESSES WORDS("all", "relay")
#define LEAK WORDS("allow", "weigh", "warn", "mask", "hold")
#define CONTACT WORDS("allow", "request", "refuse")

/* clang-format off */
const struct schema_key schema_keys[] = {
	{ "", "shadow", NULL, SCHEMA_SWITCH, FIELD(shadow), .def = "off",
	  .help = "On: this whole file is on trial. It is judged beside the policy in force, and what it would have done is recorded; nothing is done." },
	{ "", "groups", NULL, SCHEMA_OTHER, .def = "{}", .read = schema_groups,
	  .example = "sales: [anna@firm.example, bob@firm.example]\npartner: [partner.example]", .help = "NAME: a list of addresses and domains." },
	{ "", "peers", NULL, SCHEMA_OTHER, .def = "[]", .read = schema_peers,
	  .example = "- domain: partner.example\n  trust: high", .help = "A list of domain and trust (low, normal, high)." },
	{ "", "walls", NULL, SCHEMA_CLAUSES, FIELD(walls), .def = "[]",
	  .example = "- between: [trading, research]\n  except: compliance\n  reason: Trading and research may not talk to each other.",
	  .help = "Rules. A member of a group named by except passes." },

	{ "strangers", "outsiders", NULL, SCHEMA_WORD, FIELD(strangers.outsiders), CONTACT, .def = "request",
	  .help = "People of other servers: allow, request (the receiver is asked first) or refuse." },
	{ "strangers", "gateways", NULL, SCHEMA_WORD, FIELD(strangers.gateways), CONTACT, .def = "request", .help = "People behind a gateway." },
	{ "strangers", "colleagues_outside_department", NULL, SCHEMA_WORD, FIELD(strangers.colleagues), CONTACT, .def = "allow",
	  .help = "Colleagues who have no group in common." },
	{ "strangers", "rules", NULL, SCHEMA_CLAUSES, FIELD(strangers.rules), CONTACT, .verb = "do", .def = "[]",
	  .example = "- {from: partner, to: sales, do: allow}", .help = "Exceptions, read from the top; the first that fits decides." },

	{ "spim", "model", NULL, SCHEMA_FILE, FIELD(spim_file), .def = "spim.model",
	  .help = "A file beside this one, as `wardroom train` makes it from texts of your own. It need not be there: the programs carry a model with them." },

	{ "links", "own_domains", "own_domains", SCHEMA_SITES, FIELD(sites.own), FIELD_N(sites.n_own), .def = "[]", .read = own_domains,
	  .help = "Further domains of the firm: their links are no risk, and what looks like them is held." },
	{ "links", "trusted", "trusted_links", SCHEMA_SITES, FIELD(links.trusted), FIELD_N(links.n_trusted), .def = "[]",
	  .help = "Sites whose links are no risk either: the meeting service, the ticket system." },
	{ "links", "brands", "brands", SCHEMA_SITES, FIELD(sites.brands), FIELD_N(sites.n_brands), .list = brands, .read = brand_names,
	  .help = "Names that attackers like to imitate." },
	{ "links", "shorteners", NULL, SCHEMA_SITES, FIELD(links.shorteners), FIELD_N(links.n_shorteners), .list = shorteners,
	  .help = "Sites that shorten links: from strangers that weighs, as nobody sees where such a link leads." },
	{ "links", "everyday", "everyday_sites", SCHEMA_SITES, FIELD(links.everyday), FIELD_N(links.n_everyday), .list = everyday,
	  .help = "Sites that everybody links to: there only the same page, or the same words, count as the same message." },
	{ "links", "feeds", NULL, SCHEMA_PHRASES, FIELD(feed_lines), FIELD_N(n_feed_lines), .max = POLICY_FEED_LINE, .def = "[]", .read = feed_lines,
	  .example = "- urlhaus https://mirror.example.org/urlhaus.txt\n- own /etc/wardroom/bad-hosts.txt",
	  .help = "Lists of malicious links: a name, a blank, and a file or an https address. `wardroom feed update` reads them, best by a timer;\n"
		  "the server takes up what it has made. URLhaus, hosts files, plain domains, URLs, SHA-256 of domains or links." },
	{ "links", "deny_list", "deny_list", SCHEMA_FILE, FIELD(deny_file), .def = "deny.txt",
	  .help = "A file beside this one: a host, a site or host/path a line. It need not be there." },
	{ "links", "rules", NULL, SCHEMA_CLAUSES, FIELD(link_rules), WORDS("allow", "flag", "warn", "defang", "rewrite", "hold", "refuse"), .verb = "do",
	  .def = "[]", .example = "- {from: strangers, do: hold}\n- {from: low_trust, to: sales, do: defang}",
	  .help = "What becomes of a message with a link that is not trusted: flag and warn tell the receiver, defang takes the link's life, rewrite\n"
		  "leads over a page that checks it at the click. A rule makes things stricter, never milder than the sum of weights does." },

#define WHAT(name, key, preset, text) { "files", key, NULL, SCHEMA_WORD, FIELD(files.act[POLICY_WHAT_##name]), FILE_ACTS, .def = preset, .help = text },
#define ROAD WHAT
#define KEYED(name, key, preset, text) { "files", key, NULL, SCHEMA_WORD, FIELD(files.act[POLICY_WHAT_##name]), \
					   WORDS("allow", "clean", "hold", "refuse", "key"), .def = preset, .read = asks_key, .help = text },
#include "policy/file_what.def"
#undef KEYED
#undef ROAD
#undef WHAT
	{ "files", "direct", NULL, SCHEMA_WORD, FIELD(files.direct), WORDS("each", "on", "off"), .def = "each",
	  .help = "Files from client to client, past the server's inspection: on allows and off refuses jingle, stream_initiation, in_band and socks5 alike;\n"
		  "each: as their own keys say." },
	{ "files", "addresses", NULL, SCHEMA_WORD, FIELD(files.addresses), ADDRESSES, .def = "relay",
	  .help = "Where such files are allowed: relay takes the network addresses of the two out of what they offer each other, so that only proxies and\n"
		  "relays remain; all leaves them." },
	{ "files", "inline_bytes", NULL, SCHEMA_NUMBER, FIELD(files.inline_bytes), .min = 1, .max = 1024 * 1024, .def = "131072",
	  .help = "How big a picture inside of a stanza may be (bits_of_binary, data_uris, avatars, thumbnails). It must be PNG, JPEG, GIF, WebP or BMP." },
	{ "files", "rules", NULL, SCHEMA_CLAUSES, FIELD(files.rules), FILE_ACTS, .verb = "do", .what = what_name, .def = "[]",
	  .example = "- {from: strangers, do: refuse}\n- {from: colleagues, to: outsiders, what: [macros, active], do: hold}\n"
		     "- {from: developers, what: scripts, do: allow}\n- {between: [sales, partner], what: jingle, do: allow}",
	  .help = "For everything that is seen in a file, and for the way it takes, the list is read from the top; the first that fits goes before the key. what:\n"
		  "one or several of the keys above; without it, every file. A file is judged at upload, when nobody knows who gets it: a rule with a\n"
		  "receiver can then only make things stricter." },

	{ "calls", "addresses", NULL, SCHEMA_WORD, FIELD(call_addresses), ADDRESSES, .def = "all",
	  .help = "relay takes the network addresses of the two out of what they offer each other: calls go over the relay that wardroom.yaml names\n"
		  "(external_services), or not at all." },
	{ "roster", "shared", NULL, SCHEMA_PHRASES, FIELD(roster.shared), FIELD_N(roster.n_shared), .max = 60, .def = "[]", .read = shared_groups,
	  .example = "- sales", .help = "Groups whose people are contacts of one another without asking, in a group of that name; 'colleagues': all accounts.\n"
		  "Where one has more than 500 people it is not shared: nobody reads such a list." },


	{ "encryption", "otherwise", NULL, SCHEMA_WORD, FIELD(encryption.otherwise), WORDS("allowed", "required", "forbidden"), .def = "allowed",
	  .help = "Where no rule fits: allowed, required (plain text is refused) or forbidden (encrypted text is refused)." },
	{ "encryption", "rules", NULL, SCHEMA_CLAUSES, FIELD(encryption.rules), WORDS("allowed", "required", "forbidden"), .verb = "omemo", .def = "[]",
	  .example = "- {between: [board, board], omemo: required}\n- {from: colleagues, to: outsiders, omemo: forbidden}",
	  .help = "For pairs of groups; the first that fits decides." },
	{ "encryption", "new_device", NULL, SCHEMA_WORDS, FIELD(encryption.new_device), WORDS("devices", "contacts", "officers"), .def = "[devices]",
	  .help = "Who is told when an account publishes a new device key: its other devices, its contacts, the officers." },

	{ "leaks", "outside", NULL, SCHEMA_WORD, FIELD(leaks.outside), LEAK, .def = "weigh",
	  .help = "Cards, account and identity numbers, keys, passwords and the company's words that go to another network: allow, weigh (by the\n"
		  "sum of weights), warn (the sender is told), mask (taken out of the text) or hold." },
	{ "leaks", "strangers", NULL, SCHEMA_WORD, FIELD(leaks.strangers), LEAK, .def = "weigh", .help = "To who does not know the sender." },
	{ "leaks", "inside", NULL, SCHEMA_WORD, FIELD(leaks.inside), LEAK, .def = "allow", .help = "To colleagues." },
	{ "leaks", "secrets_inside", NULL, SCHEMA_WORD, FIELD(leaks.secrets_inside), LEAK, .def = "warn", .help = "Keys and passwords to colleagues." },
	{ "leaks", "own_password", NULL, SCHEMA_WORD, FIELD(leaks.own_password), LEAK, .def = "mask", .help = "The sender's own password, to anybody." },
	{ "leaks", "words", NULL, SCHEMA_PHRASES, FIELD(leaks.conf.words), FIELD_N(leaks.conf.n_words), .max = DLP_WORD_BYTES, .def = "[]",
	  .example = "- Project Nautilus", .help = "Words that are to stay in the company: code names, customers. At most 500." },
	{ "leaks", "patterns", NULL, SCHEMA_OTHER, .def = "{}", .read = schema_patterns, .example = "ticket: TCK-\\d{4,8}",
	  .help = "NAME: a regular expression for what only this company has. At most 50, of 200 bytes each." },

	{ "worms", "copies", "worm_copies", SCHEMA_NUMBER, FIELD(copies), .min = 1, .max = 1000, .def = "3",
	  .help = "So many copies of one message with a link or a file one sender may send to different people; the rest is held." },
	{ "worms", "window", "worm_window", SCHEMA_DURATION, FIELD(window_ms), .min = 1, .max = 31 * DAY_MS, .def = "14d",
	  .help = "For how long copies are remembered." },
	{ "worms", "confirm", NULL, SCHEMA_WORD, FIELD(confirm), WORDS("other_device", "any_device"), .def = "other_device",
	  .help = "Who may say that what was held for spreading was meant: other_device, the sender on another of his devices than the one that sent it (whoever\n"
		  "has no other writes to the help desk); any_device, that one, too: then a program that has taken it over can answer for him." },

	{ "breaker", "at", NULL, SCHEMA_NUMBER, FIELD(breaker.at), .max = 60, .def = "10",
	  .help = "It opens when so many messages that spread have come over the link within the time below." },
	{ "breaker", "senders", NULL, SCHEMA_NUMBER, FIELD(breaker.senders), .min = 1, .max = 60, .def = "3",
	  .help = "Of so many people: one who is infected does not cut his company off." },
	{ "breaker", "within", NULL, SCHEMA_DURATION, FIELD(breaker.within_ms), .min = 1000, .max = 7 * DAY_MS, .def = "10m", .help = "The time." },
	{ "breaker", "quiet", NULL, SCHEMA_DURATION, FIELD(breaker.quiet_ms), .max = 31 * DAY_MS, .def = "1h",
	  .help = "It closes by itself when nothing of the kind has come for so long. One that an operator has opened waits for him." },

	{ "decisions", "flag_at", "flag_at", SCHEMA_NUMBER, FIELD(flag), .max = TEN_THOUSAND, .def = "60",
	  .help = "From this sum of weights on the receiver is warned." },
	{ "decisions", "hold_at", "hold_at", SCHEMA_NUMBER, FIELD(hold), .max = TEN_THOUSAND, .def = "100",
	  .help = "From this sum on the message is held." },
	{ "decisions", "reject_at", "reject_at", SCHEMA_NUMBER, FIELD(reject), .max = TEN_THOUSAND, .def = "off",
	  .help = "From this sum on the message is refused." },

	{ "limits", "new_people", NULL, SCHEMA_NUMBER, FIELD(limits.new_people), .max = 30, .def = "off",
	  .help = "To so many people one may write for the first time within a day; the next message is held." },
	{ "limits", "strangers", NULL, SCHEMA_NUMBER, FIELD(limits.strangers), .max = 30, .def = "off",
	  .help = "Of them so many who do not know him." },

	{ "networks", "allowed", NULL, SCHEMA_OTHER, .def = "{}", .read = schema_networks,
	  .example = "office: [10.1.0.0/16, \"2001:db8:1::/48\"]\nanna@firm.example: [192.0.2.7]\ncolleagues: [10.0.0.0/8]",
	  .help = "GROUP, address or 'colleagues': a list of networks. Read from the top; the first line that names a person decides. Who is signed in\n"
		  "already stays." },
	{ "networks", "otherwise", NULL, SCHEMA_WORD, FIELD(networks.otherwise), WORDS("anywhere", "nowhere"), .def = "anywhere",
	  .help = "From where those may sign in whom no line names." },

	{ "decoys", "per_group", NULL, SCHEMA_NUMBER, FIELD(decoys.per_group), .max = 10, .def = "2",
	  .help = "So many in each shared group; off: none." },
	{ "decoys", "rotate", NULL, SCHEMA_DURATION, FIELD(decoys.rotate_ms), .max = 3650 * DAY_MS, .def = "30d",
	  .help = "One that is older is replaced by another, so that nobody learns who they are." },
	{ "decoys", "act", NULL, SCHEMA_WORD, FIELD(decoys.act), WORDS("hold", "freeze"), .def = "freeze",
	  .help = "What becomes of who sends one a link or a file: freeze (and whatever is like it is held for everybody) or hold (as well, without\n"
		  "the freeze)." },
	{ "decoys", "names", NULL, SCHEMA_PHRASES, FIELD(decoys.names), FIELD_N(decoys.n_names), .max = 60, .def = "[]", .read = decoy_names,
	  .example = "- Mara Lindqvist", .help = "Names for them, that fit the company; without any the server makes them up." },

	{ "reports", "lists", NULL, SCHEMA_PHRASES, FIELD(reports.lists), FIELD_N(reports.n_lists), .max = 500, .def = "[]",
	  .example = "- rtbl.partner.example muc_bans_sha256",
	  .help = "Block lists that others share by publish-subscribe (RTBL): service, blank, node; SHA-256 of addresses, domains,\n"
		  "links and files, and fingerprints of texts, each with a weight and an end where the publisher says so. A message of\n"
		  "somebody listed is held when peers says that the publisher's trust is high, else it weighs." },
	{ "reports", "share", NULL, SCHEMA_SITES, FIELD(reports.share), FIELD_N(reports.n_share), .max = 100, .def = "[]",
	  .example = "- partner.example",
	  .help = "Domains that may read what is known of threats here, as a list of that kind: pubsub.DOMAIN threats. Outbreaks are told when they\n"
		  "are contained: what finds texts that are alike, and no text. Nobody is told anything while this is empty." },
	{ "reports", "purge_at", NULL, SCHEMA_NUMBER, FIELD(reports.purge_at), .max = 1000, .def = "3",
	  .help = "When reports of so much weight name the same message, it is taken back from everybody." },

	{ "lessons", "on", NULL, SCHEMA_SWITCH, FIELD(lessons.on), .def = "on", .help = "Off: the bot says what happened, and no more." },
	{ "lessons", "links", NULL, SCHEMA_TEXT, FIELD(lessons.links), .max = 300,
	  .def = "\"Before you open a link, look where it leads, not what it says; ask the sender on another way if it is unexpected.\"",
	  .help = "With a warning about a link." },
	{ "lessons", "strangers", NULL, SCHEMA_TEXT, FIELD(lessons.strangers), .max = 300,
	  .def = "\"You do not know this person: open nothing of theirs, and tell them nothing about the company, before you know who they are.\"",
	  .help = "With a message of a stranger." },
	{ "lessons", "worms", NULL, SCHEMA_TEXT, FIELD(lessons.worms), .max = 300,
	  .def = "\"If you did not send this yourself, somebody else is using your account: change your password.\"",
	  .help = "To the sender of what goes to many." },
	{ "lessons", "leaks", NULL, SCHEMA_TEXT, FIELD(lessons.leaks), .max = 300,
	  .def = "\"Passwords, keys and card numbers do not belong into a chat: they stay there, and others read along.\"",
	  .help = "To the sender of what should not leave." },
};
/* clang-format on */
const size_t schema_key_count = ARRAY_SIZE(schema_keys);
