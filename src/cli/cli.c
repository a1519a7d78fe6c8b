/* cli.c - `wardroom`: finds the command in one table, reads its arguments, hands it on.
 *
 * Most commands are rows of admin/: named arguments in, an object out, printed in columns or as JSON.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BYTES (256 * 1024 * 1024)		/* an import of a large firm */

struct command {
	const char *name;
	const char *usage;
	const char *about;		/* one line */
	const char *example;		/* behind `wardroom ` */
	const char *positional[3];	/* how they are called in the request */
	unsigned least;			/* positional arguments that must be there */
	const char *options;		/* with a value, separated by blanks */
	const char *flags;
	int (*run)(struct cli *c);	/* NULL: a request to admin/ by the same name */
};

static const struct command commands[] = {
	{ "init", "--domain D [--listen ADDR] [--c2s N] [--c2s-tls N] [--s2s N] [--component N] [--https N] [--admin JID]",
	  "A new instance: folder, wardroom.yaml, policy.yaml, keys, certificate. Refuses to overwrite.",
	  "--dir /var/lib/wardroom init --domain chat.example.org --admin ann@chat.example.org", { 0 }, 0,
	  "domain listen c2s c2s-tls s2s component https admin", "", cli_init },
	{ "user add", "JID [--password-file F] [--role staff|helpdesk|officer|auditor|admin]",
	  "A new account; without a file a password is generated and printed once.", "user add bob@example.org --role helpdesk", { "jid" }, 1,
	  "password-file role", "", cli_user_add },
	{ "user list", "", "All accounts.", "user list --json", { 0 }, 0, "", "", NULL },
	{ "user show", "JID", "One account, and how many of its messages are held.", "user show bob@example.org", { "jid" }, 1, "", "", NULL },
	{ "user passwd", "JID [--password-file F]", "A new password; generated and printed once without a file.",
	  "user passwd bob@example.org", { "jid" }, 1, "password-file", "", cli_user_passwd },
	{ "user freeze", "JID [--reason TEXT]", "The account can write to the help desk and the bot alone.",
	  "user freeze bob@example.org --reason 'lost laptop'", { "jid" }, 1, "reason", "", NULL },
	{ "user thaw", "JID", "Ends a freeze.", "user thaw bob@example.org", { "jid" }, 1, "", "", NULL },
	{ "user remove", "JID", "Removes the account and shreds its keys: nobody can read its archive again.",
	  "user remove bob@example.org", { "jid" }, 1, "", "", NULL },
	{ "user import", "FILE", "Accounts from lines of address, tab, password. May be repeated: who is there stays as he is.",
	  "user import staff.tsv", { "file" }, 1, "", "", cli_user_import },
	{ "device list", "JID", "The clients that have signed in to an account, and by what.", "device list bob@example.org", { "jid" }, 1, "", "", NULL },
	{ "device revoke", "JID ID", "Ends a client's tokens and sessions at once.", "device revoke bob@example.org k3vq5mzt2d7n",
	  { "jid", "id" }, 2, "", "", NULL },
	{ "status", "", "How the server is.", "status", { 0 }, 0, "", "", NULL },
	{ "held list", "[--account JID] [--all]", "What is held; --all: what has been released or rejected, too.",
	  "held list --account bob@example.org", { 0 }, 0, "account", "all", NULL },
	{ "held show", "ID", "A held message with its text; looking at it stands in the audit log.", "held show 0ct2m1k9s0001", { "id" }, 1, "", "",
	  NULL },
	{ "held release", "ID", "Delivers it, with its first time and id.", "held release 0ct2m1k9s0001", { "id" }, 1, "", "", NULL },
	{ "held reject", "ID", "It will not be delivered.", "held reject 0ct2m1k9s0001", { "id" }, 1, "", "", NULL },
	{ "file list", "[--account JID] [--state STATE]",
	  "Uploaded files, the newest first. STATE: pending, served, cleaned, held, refused, revoked, expired.", "file list --state held", { 0 }, 0,
	  "account state", "", NULL },
	{ "file show", "ID", "What was seen in a file, what was decided and why, who got its link and who downloaded it.",
	  "file show 5f2b1c7a9d3e4f60718293a4b5c6d7e8", { "id" }, 1, "", "", NULL },
	{ "file release", "ID [--original] [--reason TEXT]",
	  "Lets a held file go, and the messages that were stopped with it: its cleaned copy where there is one, or the original.",
	  "file release 5f2b1c7a9d3e4f60718293a4b5c6d7e8 --reason 'asked the sender'", { "id" }, 1, "reason", "original", NULL },
	{ "file rescan", "[ID]", "Has a file, or all, looked at again, behind all others; what is found then takes the file back.", "file rescan", { "id" }, 0,
	  "", "", NULL },
	{ "report list", "[--all]", "What people have reported and nobody has decided on yet; --all: the rest, too.", "report list", { 0 }, 0, "", "all", NULL },
	{ "report show", "ID", "A report with its evidence: the messages as they were delivered.", "report show 0ct2m1k9s0001", { "id" }, 1, "", "", NULL },
	{ "report confirm", "ID", "The reporter was right: his next reports weigh more.", "report confirm 0ct2m1k9s0001", { "id" }, 1, "", "", NULL },
	{ "report reject", "ID", "The reporter was wrong: his next reports weigh less.", "report reject 0ct2m1k9s0001", { "id" }, 1, "", "", NULL },
	{ "frank verify", "FILE", "Whether this server has delivered the message in the file, as its receiver's client shows it; exit status 1 if not.",
	  "frank verify message.xml", { "file" }, 1, "", "", cli_frank_verify },
	{ "why", "STANZA-ID", "Findings, weights, policy and decision as they were, and what happened since.", "why 0ct2m1k9s0001", { "id" }, 1,
	  "", "", NULL },
	{ "exchange list", "", "What this server tells its peers of threats (reports.share in policy.yaml says who they are).", "exchange list", { 0 }, 0, "", "", NULL },
	{ "exchange add", "address|link|file VALUE [--weight N] [--days N]",
	  "Tells them of an address, a domain, a link, its host, or a file (SHA-256). --weight: how sure; --days: for how long.",
	  "exchange add link https://payroll.example/login --days 7", { "kind", "value" }, 2, "weight days", "", NULL },
	{ "exchange remove", "HASH", "Takes it back.", "exchange remove 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", { "hash" }, 1, "", "", NULL },
	{ "outbreak list", "", "What spreads or has spread.", "outbreak list", { 0 }, 0, "", "", NULL },
	{ "outbreak show", "ID", "Patient zero, the tree, and who was exposed.", "outbreak show 1f0c2d3e4b5a6978", { "id" }, 1, "", "", NULL },
	{ "outbreak contain", "ID", "Holds it for everybody.", "outbreak contain 1f0c2d3e4b5a6978", { "id" }, 1, "", "", NULL },
	{ "outbreak lift", "ID", "Ends the containment.", "outbreak lift 1f0c2d3e4b5a6978", { "id" }, 1, "", "", NULL },
	{ "breaker list", "", "Links to other networks over which links and files are stopped, and why.", "breaker list", { 0 }, 0, "", "", NULL },
	{ "breaker open", "DOMAIN [--reason TEXT]", "Stops links and files from and to a network until it is closed; text passes.",
	  "breaker open partner.example --reason 'they have a worm'", { "link" }, 1, "reason", "", NULL },
	{ "breaker close", "DOMAIN", "Links and files pass again.", "breaker close partner.example", { "link" }, 1, "", "", NULL },
	{ "decoy list", "", "The made-up contacts that only a worm writes to (policy.yaml, decoys).", "decoy list", { 0 }, 0, "", "", NULL },
	{ "decoy rotate", "[JID]", "Replaces all decoys, or one, by others; frees their addresses.", "decoy rotate mara.lindqvist@example.org", { "jid" }, 0, "",
	  "", NULL },
	{ "purge list", "", "Purges, done and under way: what was looked for, how much was found, how many people have been told.", "purge list", { 0 }, 0, "", "",
	  NULL },
	{ "purge", "--fingerprint F | --stanza-id S | --like S | --link URL [--why TEXT]",
	  "Takes what was delivered back from everybody, and lists whom it had reached. --like: all that say nearly the same.",
	  "purge --fingerprint 1f0c2d3e4b5a6978", { 0 }, 0, "fingerprint stanza-id like link why", "", NULL },
	{ "audit list", "[--from N] [--max N]", "The record of decisions, logins and commands.", "audit list --from 100 --max 50", { 0 }, 0,
	  "from max", "", NULL },
	{ "audit verify", "", "Whether an entry was changed, removed, moved or rewritten; exit status 1 if so.", "audit verify", { 0 }, 0, "", "", NULL },
	{ "policy check", "FILE [--strict]",
	  "Reads a policy: mistakes, rules that can never apply, people whom nobody may reach. --strict: exit status 1 for all.",
	  "policy check new-policy.yaml", { "file" }, 1, "", "strict", cli_policy_check },
	{ "policy apply", "FILE [--weights FILE] [--shadow]",
	  "Checks a policy and puts it in force, at once. --shadow: it is judged beside it and does nothing.", "policy apply new-policy.yaml",
	  { "file" }, 1, "weights", "shadow", cli_policy_apply },
	{ "policy show", "[--version N] [--weights]", "The policy in force, or an earlier one; --weights: weights.yaml instead.", "policy show --version 3", { 0 }, 0,
	  "version", "weights", cli_policy_show },
	{ "policy list", "", "Every version that was in force, with the time it came.", "policy list", { 0 }, 0, "", "", NULL },
	{ "policy replay", "FILE --since T",
	  "What a policy would have changed since T (7d, 24h, 2026-11-01): ids and findings, no texts.",
	  "policy replay new-policy.yaml --since 7d", { "file" }, 1, "since", "", cli_policy_replay },
	{ "policy rollback", "[--version N]", "Puts the version before, or a named one, back in force.", "policy rollback --version 3", { 0 }, 0, "version", "",
	  NULL },
	{ "policy keys", "", "Every key of policy.yaml and every finding of weights.yaml, as tables in Markdown; needs no instance.", "policy keys", { 0 }, 0, "", "",
	  cli_policy_keys },
	{ "policy end-trial", "", "Ends the trial of a policy that was applied with --shadow.", "policy end-trial", { 0 }, 0, "", "", NULL },
	{ "feed list", "", "The lists of malicious links that policy.yaml names, and what was read of each.", "feed list --json", { 0 }, 0, "", "",
	  cli_feed_list },
	{ "feed update", "[NAME] [--force]",
	  "Reads the lists anew. An empty or much shorter one replaces none without --force.",
	  "feed update urlhaus", { "name" }, 0, "", "force", cli_feed_update },
	{ "feed check", "URL", "Is a link on one of the lists? Exit status 1 if so.", "feed check http://evil.example/x", { "url" }, 1, "", "", cli_feed_check },
	{ "dns", "", "The records with which clients and other servers find this one, for a zone file.", "dns", { 0 }, 0, "", "", cli_dns },
	{ "inspect", "[--policy F] [--domain D] [--url U | --file F [--name N] [--type T]] < JSON-LINES",
	  "Judges messages {\"from\",\"to\",\"body\",\"ts\"} in order, with a fresh memory; or a link, or a file. Needs no server.",
	  "inspect --policy policy.yaml < messages.jsonl",
	  { 0 }, 0, "policy domain url file name type", "", cli_inspect },
	{ "simulate", "[--worm SHAPE|all] [--graph F|firm:N] [--trace F] [--click P] [--seeds N] [--csv F] [--svg F] ...",
	  "A worm among the people of a firm, in virtual time, against the real guard; needs no server.",
	  "simulate --worm all --graph firm:500 --click 0.3 --seeds 5 --svg outbreak.svg", { 0 }, 0,
	  "worm graph trace texts lures policy click click-s retype hours seed seeds csv svg", "require", cli_simulate },
	{ "train", "--in FILE [--in FILE ...] --out MODEL [--folds N] [--seed N] [--date YYYYMMDD] [--scores FILE]",
	  "Makes a spim model from tab-separated texts and says how good it is on held-out ones.",
	  "train --in spam.tsv --in chat.tsv --out spim.model --date 20261124", { 0 }, 0, "in out folds seed date scores", "", cli_train },
	{ "doap", "", "Which specifications this server implements, as DOAP (RDF/XML); needs no instance.", "doap > doap.rdf", { 0 }, 0, "", "", cli_doap },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* What a peer or a file has put into the sentence must not write on the operator's terminal. */
int cli_fail(int status, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "wardroom: %s\n", text);
	return status;
}

const char *cli_option(const struct cli *c, const char *name)
{
	for (unsigned i = 0; i < c->n_options; i++)
		if (strcmp(c->options[i].name, name) == 0)
			return c->options[i].value;
	return NULL;
}

bool cli_flag(const struct cli *c, const char *name)
{
	for (unsigned i = 0; i < c->n_options; i++)
		if (strcmp(c->options[i].name, name) == 0)
			return true;
	return false;
}

static bool is_dir_of_instance(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/wardroom.yaml", dir);
	return access(path, F_OK) == 0;
}

int cli_instance(struct cli *c)
{
	struct str why = STR_NONE;

	if (c->config)
		return CLI_OK;
	if (!c->dir)
		c->dir = is_dir_of_instance("./instance") || !is_dir_of_instance("/var/lib/wardroom") ? "./instance" : "/var/lib/wardroom";
	if (!is_dir_of_instance(c->dir))
		return cli_fail(CLI_NOT, "%s is not the folder of an instance (no wardroom.yaml in it). Name it with --dir, or make one with "
				"`wardroom init --domain ...`.", c->dir);
	if (instance_paths(c->dir, c->arena, &c->in) < 0)
		return cli_fail(CLI_NOT, "out of memory");
	if (instance_check(&c->in, c->arena, &why) < 0 || config_load(c->in.config, c->arena, &c->config, &why) < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	return CLI_OK;
}

int cli_read(struct cli *c, const char *path, size_t max, struct str *ret)
{
	struct str why = STR_NONE;

	if (instance_read(path, max, c->arena, ret, &why) < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	return CLI_OK;
}

static bool has_word(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; *p;) {
		size_t m = strcspn(p, " ");

		if (m == n && memcmp(p, name, n) == 0)
			return true;
		p += m + (p[m] == ' ');
	}
	return false;
}

static int help(void)
{
	puts("wardroom [--dir DIR] [--json] COMMAND ...\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-17s %s\n", commands[i].name, commands[i].about);
	puts("\n`wardroom COMMAND --help` shows its arguments and an example.\n"
	     "DIR: ./instance, then /var/lib/wardroom. Exit status: 0 done, 1 it does not hold or could not be done, 2 wrong use.");
	return CLI_OK;
}

static int help_of(const struct command *cmd)
{
	printf("wardroom [--dir DIR] [--json] %s%s%s\n\n%s\n\nExample: wardroom %s\n", cmd->name, *cmd->usage ? " " : "", cmd->usage, cmd->about,
	       cmd->example);
	return CLI_OK;
}

/* A first word that needs a second one, or none that is known. */
static int unknown(char **argv)
{
	size_t n = strlen(argv[0]);
	bool known = false;

	for (size_t i = 0; i < COMMANDS; i++)
		if (strncmp(commands[i].name, argv[0], n) == 0 && commands[i].name[n] == ' ') {
			if (!known)
				fprintf(stderr, "wardroom: '%s' needs one of:", argv[0]);
			fprintf(stderr, " %s", commands[i].name + n + 1);
			known = true;
		}
	if (known) {
		fputc('\n', stderr);
		return CLI_USAGE;
	}
	return cli_fail(CLI_USAGE, "there is no command '%s'; `wardroom help` lists all", argv[0]);
}

static int wrong(const struct command *cmd)
{
	return cli_fail(CLI_USAGE, "use: wardroom %s%s%s", cmd->name, *cmd->usage ? " " : "", cmd->usage);
}

/* Arguments behind the command; --dir and --json may stand anywhere. */
static int parse(struct cli *c, const struct command *cmd, char **argv)
{
	for (; *argv; argv++) {
		const char *a = *argv;

		if (strcmp(a, "--json") == 0) {
			c->json = true;
		} else if (strcmp(a, "--dir") == 0 && argv[1]) {
			c->dir = *++argv;
		} else if (strncmp(a, "--", 2) == 0) {
			bool flag = has_word(cmd->flags, a + 2);

			if (c->n_options == CLI_OPTIONS || (!flag && (!has_word(cmd->options, a + 2) || !argv[1])))
				return wrong(cmd);
			c->options[c->n_options].name = a + 2;
			c->options[c->n_options++].value = flag ? NULL : *++argv;
		} else {
			if (c->n_words == sizeof(c->words) / sizeof(c->words[0]))
				return wrong(cmd);
			c->words[c->n_words++] = a;
		}
	}
	if (c->n_words < cmd->least || (c->n_words > 0 && (c->n_words > 3 || !cmd->positional[c->n_words - 1])))
		return wrong(cmd);
	return CLI_OK;
}

static int request(struct cli *c, const struct command *cmd)
{
	json_t *args = json_object(), *reply;
	int r;

	for (unsigned i = 0; i < c->n_words; i++)
		if (json_object_set_new(args, cmd->positional[i], json_string(c->words[i])) != 0) {
			json_decref(args);
			return cli_fail(CLI_USAGE, "'%s' is not UTF-8", c->words[i]);
		}
	for (unsigned i = 0; i < c->n_options; i++) {
		const char *v = c->options[i].value;
		char *end;
		long long number = v ? strtoll(v, &end, 10) : 0;
		json_t *value = !v ? json_true() : *v && !*end ? json_integer(number) : json_string(v);

		if (json_object_set_new(args, c->options[i].name, value) != 0) {
			json_decref(args);
			return cli_fail(CLI_USAGE, "'%s' is not UTF-8", v);
		}
	}
	r = cli_call(c, cmd->name, args, &reply);
	if (r == CLI_OK) {
		cli_print(c, cmd->name, reply);
		json_decref(reply);
	}
	return r;
}

static const struct command *find(char **argv, unsigned *ret_words)
{
	for (size_t i = 0; argv[0] && i < COMMANDS; i++) {
		const char *blank = strchr(commands[i].name, ' ');
		size_t n = blank ? (size_t)(blank - commands[i].name) : strlen(commands[i].name);

		if (strlen(argv[0]) != n || memcmp(argv[0], commands[i].name, n) != 0)
			continue;
		if (!blank || (argv[1] && strcmp(argv[1], blank + 1) == 0)) {
			*ret_words = blank ? 2 : 1;
			return &commands[i];
		}
	}
	return NULL;
}

static bool needs_no_instance(const struct command *cmd)
{
	int (*const alone[])(struct cli *) = { cli_init, cli_inspect, cli_simulate, cli_doap, cli_policy_check, cli_policy_keys, cli_train };

	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		if (cmd->run == alone[i])
			return true;
	return false;
}

static int run(struct cli *c, char **argv)
{
	const struct command *cmd;
	unsigned words = 0;
	int r;

	for (; *argv; argv++) {
		if (strcmp(*argv, "--dir") == 0 && argv[1])
			c->dir = *++argv;
		else if (strcmp(*argv, "--json") == 0)
			c->json = true;
		else
			break;
	}
	if (!*argv || strcmp(*argv, "help") == 0 || strcmp(*argv, "-h") == 0 || strcmp(*argv, "--help") == 0)
		return help();
	cmd = find(argv, &words);
	if (!cmd)
		return unknown(argv);
	for (char **it = argv + words; *it; it++)
		if (strcmp(*it, "--help") == 0)
			return help_of(cmd);
	r = parse(c, cmd, argv + words);
	if (r == CLI_OK && !needs_no_instance(cmd))
		r = cli_instance(c);
	if (r == CLI_OK)
		r = cmd->run ? cmd->run(c) : request(c, cmd);
	return r;
}

int main(int argc, char **argv)
{
	struct cli c = { .arena = arena_new(ARENA_BYTES) };
	int r;

	(void)argc;
	if (!c.arena)
		return cli_fail(CLI_NOT, "out of memory");
	arena_wipe_on_free(c.arena);
	umask(077);
	r = run(&c, argv + 1);
	config_unref(&c.config);
	arena_free(&c.arena);
	return fflush(stdout) == 0 ? r : CLI_NOT;
}
