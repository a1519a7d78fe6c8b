/* form.h - data forms (XEP-0004): one is written field by field, one that came is read by the names of its fields.
 *
 * Ownership  Nodes live in the arena; texts are copied.
 * Threads    As node.h.
 * Errors     Writing remembers what failed until form_end(): ERR_LIMIT.
 */
#ifndef XMPP_FORM_H
#define XMPP_FORM_H

#include "xmpp/node.h"

struct form {
	struct arena *arena;
	struct node *x, *field;		/* field: the last one */
	bool failed;
};

/* type: form, result, submit; form_type: FORM_TYPE (XEP-0068), NULL: none. Beneath parent; NULL: on its own. */
void form_begin(struct form *f, struct arena *a, struct node *parent, const char *type, const char *form_type);
void form_text(struct form *f, const char *element, const char *text);		/* title, instructions */
/* type, label: NULL for none; value.p NULL: none. */
void form_field(struct form *f, const char *type, const char *var, const char *label, struct str value);
void form_value(struct form *f, struct str value);		/* another one of that field */
void form_option(struct form *f, const char *label, const char *value);
void form_required(struct form *f);
MUST_CHECK int form_end(struct form *f);

/* The field of a form that came, or NULL; x may be NULL. */
const struct node *form_find(const struct node *x, const char *var);
/* Its first value; empty when there is none. */
struct str form_get(struct arena *a, const struct node *x, const char *var);
/* Its values, at most max of them; *ret_n: how many. ERR_LIMIT: there are more. */
MUST_CHECK int form_list(struct arena *a, const struct node *x, const char *var, size_t max, struct str **ret, size_t *ret_n);

#endif
