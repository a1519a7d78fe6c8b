/* campaign.h - the spim inspector at work: what a text reads like, what its sender wrote before, and who else sends the same to strangers.
 *
 * A template is a text that went to somebody who does not know its sender; texts that are alike share one, whoever sends them.
 *
 * Ownership  campaign_free().
 * Threads    One.
 * Limits     CAMPAIGN_TEMPLATES; the oldest makes room. CAMPAIGN_PEOPLE of each are remembered.
 * Errors     ERR_BAD_FORMAT: the model is none; ERR_NOMEM.
 */
#ifndef OUTBREAK_CAMPAIGN_H
#define OUTBREAK_CAMPAIGN_H

#include "inspect/spim_campaign.h"

#define CAMPAIGN_TEMPLATES 8192
#define CAMPAIGN_PEOPLE 16

struct campaign;

/* model: a file of `wardroom train`; empty: the one that is built in. */
MUST_CHECK int campaign_new(struct str model, struct campaign **ret);
void campaign_free(struct campaign **c);
struct spim *campaign_model(struct campaign *c);	/* to learn from reports and releases */

/* Adds the findings of the inspector spim. mem: the sender's. */
void campaign_see(struct campaign *c, const struct subject *s, const struct spim_memory *mem, uint64_t to, uint64_t window_ms, struct verdict *v);
/* The message that was seen last was judged; it counts from now on. */
void campaign_note(struct campaign *c, const struct subject *s, struct spim_memory *mem, uint64_t to);
size_t campaign_templates(const struct campaign *c);

#endif
