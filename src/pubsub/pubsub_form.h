/* pubsub_form.h - a node's options as data forms (XEP-0004, XEP-0060 16.4.2): shown, set, compared.
 *
 * Threads    Free of shared state.
 * Errors     ERR_BAD_REQUEST: no form, of another type, or malformed; ERR_NOT_ACCEPTABLE: a value it cannot have;
 *            ERR_CONFLICT: an option this service does not know (publish-options alone); ERR_LIMIT.
 */
#ifndef PUBSUB_PUBSUB_FORM_H
#define PUBSUB_PUBSUB_FORM_H

#include "pubsub/pubsub_node.h"
#include "xmpp/node.h"

/* The <x/> for 'configure' and 'default'; parent gets it. roster groups that may be chosen are not listed. */
MUST_CHECK int pubsub_form_show(struct arena *a, struct node *parent, const struct pubsub_config *config, bool account);
/* What anybody may know who may read the node (XEP-0060 5.4). */
MUST_CHECK int pubsub_form_meta(struct arena *a, struct node *parent, const struct pubsub_node *n, uint64_t n_items);
/* Takes the submitted values over. form: <x/>, or NULL: nothing to set. strict: publish-options. */
MUST_CHECK int pubsub_form_read(struct arena *a, const struct node *form, bool strict, struct pubsub_config *config);
/* Do all options that the form names have these values already? */
MUST_CHECK int pubsub_form_matches(struct arena *a, const struct node *form, const struct pubsub_config *config, bool *ret);

#endif
