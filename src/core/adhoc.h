/* adhoc.h - commands that people run from their clients (XEP-0050). A feature lists its own in mod_def.commands; asking for
 * the form, sessions, cancelling and who may are in one place (features/commands.c, core/adhoc.c).
 *
 * Ownership  struct adhoc lives in the request's arena, until the request is answered.
 * Threads    The loop's.
 * Limits     ADHOC_SESSIONS forms being filled in, ADHOC_PER_CLIENT of one client: the oldest is forgotten. ADHOC_MS for one.
 * Errors     run() returns like a handler of a request (core/mod.h).
 */
#ifndef CORE_ADHOC_H
#define CORE_ADHOC_H

#include "base/err.h"
#include "base/list.h"
#include "xmpp/form.h"

#define ADHOC_SESSIONS 1024
#define ADHOC_PER_CLIENT 8
#define ADHOC_MS (15 * 60 * 1000)
#define ADHOC_ID 16

struct iq;
struct server;
struct user;
struct adhoc_command;

/* One request of a command. */
struct adhoc {
	struct iq *iq;
	const struct adhoc_command *command;
	const struct node *form;	/* as filled in: every required field has a value; NULL: the command has none */
	unsigned stage;			/* 0: nothing has been asked yet */
	char id[ADHOC_ID + 1];
};

struct adhoc_field {
	const char *type, *var, *label;	/* type NULL: the end of the list */
	bool required;
	const char *const *options;	/* of a list; the first is preset. NULL: none */
};

struct adhoc_command {
	const char *node;		/* NULL: the end of the list */
	const char *name;
	bool (*may)(const struct user *u);		/* who finds it and may run it; frozen accounts never */
	const char *form_type, *instructions;
	const struct adhoc_field *fields;		/* asked for before run(); NULL: nothing */
	int (*run)(struct adhoc *c);
};

/* The first stage's form is asked for, or another one by run(): the client fills it in and sends it. Returns 0, or ERR_*. */
int adhoc_ask(struct adhoc *c, struct node *form);
/* It is done: payload (may be NULL; not yet attached) and a sentence (may be NULL). Returns 0, or ERR_*. */
int adhoc_done(struct adhoc *c, struct node *payload, const char *note);
/* The form of the command's fields. */
MUST_CHECK int adhoc_form(struct adhoc *c, struct node **ret);

/* For features/commands.c: a form that is being filled in. */
struct adhoc_session {
	struct list node;
	uint64_t client;		/* id of the session that asked */
	const struct adhoc_command *command;
	unsigned stage;
	uint64_t until_ms;
	char id[ADHOC_ID + 1];
};
struct adhoc_session *adhoc_find(struct server *srv, uint64_t client, struct str id);	/* NULL: none of this client's */
void adhoc_drop(struct server *srv, struct adhoc_session *s);
void adhoc_forget(struct server *srv, uint64_t client);		/* 0: everybody's */

#endif
