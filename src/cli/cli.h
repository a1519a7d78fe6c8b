/* cli.h - what the files of the command line share.
 *
 * Ownership  Everything lives in cli->arena until the program ends.
 * Threads    One; import derives passwords on several of its own.
 * Errors     Functions print a sentence on standard error themselves and return the exit status:
 *            CLI_OK, CLI_NOT (what was checked does not hold, or it could not be done), CLI_USAGE.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>

#include "base/arena.h"
#include "config/config.h"
#include "config/instance.h"

enum cli_status { CLI_OK, CLI_NOT, CLI_USAGE };

#define CLI_OPTIONS 16

struct cli {
	struct arena *arena;
	const char *dir;		/* NULL: not given */
	bool json;
	const char *words[8];		/* positional arguments behind the command */
	unsigned n_words;
	struct { const char *name, *value; } options[CLI_OPTIONS];	/* value NULL: a flag */
	unsigned n_options;
	struct instance in;
	struct config *config;		/* once cli_instance() has run */
};

int cli_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *cli_option(const struct cli *c, const char *name);	/* NULL: not given */
bool cli_flag(const struct cli *c, const char *name);
/* Finds the folder and reads wardroom.yaml. */
int cli_instance(struct cli *c);
/* A whole text file of at most max bytes. */
int cli_read(struct cli *c, const char *path, size_t max, struct str *ret);

/* Runs a command in the server that holds the folder, or here when none does. args is taken; *ret is given. */
int cli_call(struct cli *c, const char *command, json_t *args, json_t **ret);

/* Prints a reply as JSON or for people. */
void cli_print(const struct cli *c, const char *command, json_t *reply);
/* `file show` for people; a text without what would write on the terminal. */
void cli_file_print(json_t *reply);
void cli_put(const char *text);
/* A bar on standard error when that is a terminal. */
void cli_progress(const char *what, uint64_t done, uint64_t total);

int cli_init(struct cli *c);
int cli_user_add(struct cli *c);
int cli_user_passwd(struct cli *c);
int cli_user_import(struct cli *c);
int cli_policy_check(struct cli *c);
int cli_policy_apply(struct cli *c);
int cli_policy_show(struct cli *c);
int cli_policy_replay(struct cli *c);
int cli_policy_keys(struct cli *c);
int cli_frank_verify(struct cli *c);
int cli_doap(struct cli *c);
int cli_inspect(struct cli *c);
struct policy;
int cli_inspect_file(struct cli *c, const struct policy *p, const char *path);	/* of cli_inspect() */
int cli_feed_list(struct cli *c);
int cli_feed_update(struct cli *c);
int cli_feed_check(struct cli *c);
int cli_simulate(struct cli *c);
int cli_dns(struct cli *c);
int cli_train(struct cli *c);

#endif
