/* spim_campaign.h - is a text sent to one stranger after another? What a sender's last texts say together.
 *
 * The prints of a sender's last texts to different people, with what is known of him (who he is to them, who answers), tell the
 * copies of one text from conversation. What several senders have in common is the caller's to count (outbreak/campaign.h).
 *
 * Ownership  struct spim_memory belongs to whoever remembers the sender.
 * Limits     SPIM_COPIES texts of a sender; the oldest makes room.
 * Pure.
 */
#ifndef INSPECT_SPIM_CAMPAIGN_H
#define INSPECT_SPIM_CAMPAIGN_H

#include "inspect/inspect.h"
#include "inspect/spim.h"
#include "inspect/subject.h"

#define SPIM_COPIES 10

/* A text that went to somebody. */
struct spim_copy {
	uint32_t print[SPIM_PRINT];
	uint32_t to, when_s;
	int16_t over;			/* in hundredths */
	uint8_t n_words;
	bool stranger, reach;
};

/* What is remembered of one sender's texts; the newest takes the place of the oldest. */
struct spim_memory {
	struct spim_copy v[SPIM_COPIES];
	uint8_t n, next;
};

/* Adds SPIM_CONTENT and SPIM_UNKNOWN, SPIM_CAMPAIGN. to: the receiver, as a hash. others: strangers who got something alike from
 * anybody within the window, this one not counted. */
void spim_campaign_verdict(const struct subject *s, const struct spim_view *view, const struct spim_memory *mem, uint32_t to, unsigned others,
			   uint64_t window_ms, struct verdict *v);
/* The message has been judged: one more copy of the sender's. */
void spim_campaign_note(struct spim_memory *mem, const struct subject *s, const struct spim_view *view, uint32_t to);
/* Do two texts, as prints and numbers of words, say much the same? */
bool spim_campaign_alike(const uint32_t a[SPIM_PRINT], unsigned n_a, const uint32_t b[SPIM_PRINT], unsigned n_b);

#endif
