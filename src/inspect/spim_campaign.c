/* spim_campaign.c - one text, or one sender's texts, to one stranger after another; and how content is named.
 *
 * A campaign is what conversation is not: the same words to people who did not ask and do not answer. Who writes to people who
 * know him may say the same to many (greetings, an automatic notice); that alone is no finding.
 */
#include "inspect/spim_campaign.h"

#include <stdio.h>

#define FREE_COPIES 3			/* of one text to different strangers; the next is a campaign's */
#define ALIKE 43			/* overlap in hundredths */
#define SHORT_WORDS 3			/* below: alike when it is the same */
#define OTHERS_WORDS 6			/* so long must a text be that its like from others counts by itself */
#define NEAR -1.5f			/* so near below the threshold texts to many strangers count as advertising together */
#define KNOWN_COPIES 5			/* to people who know him, and then the content must speak against it, too */

bool spim_campaign_alike(const uint32_t a[SPIM_PRINT], unsigned n_a, const uint32_t b[SPIM_PRINT], unsigned n_b)
{
	unsigned least = n_a < n_b ? n_a : n_b;

	if (n_a == 0 && n_b == 0)
		return true;			/* links or emoji alone */
	return spim_overlap(a, b) >= (least < SHORT_WORDS ? 100 : ALIKE);
}

/* People who got one of the sender's remembered texts within the window, the receiver of this one not counted. */
struct reach {
	unsigned copies, strangers;		/* of alike texts: to people, to strangers among them */
	unsigned others;			/* strangers who got anything */
	float near;				/* the mean of how near those texts were, this one counted */
};

static bool counted(const struct spim_memory *mem, unsigned i, uint32_t to, uint32_t from_s)
{
	if (mem->v[i].to == to || mem->v[i].when_s < from_s)
		return false;
	for (unsigned k = 0; k < i; k++)
		if (mem->v[k].to == mem->v[i].to && mem->v[k].when_s >= from_s)
			return false;
	return true;
}

static void look_back(const struct spim_view *view, const struct spim_memory *mem, uint32_t to, uint32_t from_s, struct reach *ret)
{
	float sum = view->over;

	*ret = (struct reach){ 0 };
	for (unsigned i = 0; i < mem->n; i++) {
		const struct spim_copy *c = &mem->v[i];

		if (!counted(mem, i, to, from_s))
			continue;
		if (spim_campaign_alike(c->print, c->n_words, view->print, view->n_words > 255 ? 255 : view->n_words)) {
			ret->copies++;
			ret->strangers += c->stranger;
		}
		if (c->stranger) {
			ret->others++;
			sum += (float)c->over / 100;
		}
	}
	ret->near = sum / (float)(ret->others + 1);
}

static void say_content(const struct spim_view *view, struct verdict *v, enum rule rule)
{
	static const char *const bands[] = { "", "likely", "very likely", "almost certain" };
	char text[EVIDENCE_BYTES];
	int n = snprintf(text, sizeof(text), "%s", bands[view->band < SPIM_BANDS ? view->band : SPIM_BANDS]);

	if (view->reach && n > 0 && (size_t)n < sizeof(text))
		n += snprintf(text + n, sizeof(text) - (size_t)n, "; says where to answer");
	if (view->hidden && n > 0 && (size_t)n < sizeof(text))
		n += snprintf(text + n, sizeof(text) - (size_t)n, "; hides its words");
	for (unsigned i = 0; i < view->n_top && n > 0 && (size_t)n < sizeof(text); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s", i ? ", " : "; ", view->top[i]);
	inspect_add(v, rule, str_of(text));
}

static void say_campaign(struct verdict *v, enum rule rule, unsigned people, const char *what)
{
	char text[EVIDENCE_BYTES];

	snprintf(text, sizeof(text), "%s, to %u people", what, people);
	inspect_add(v, rule, str_of(text));
}

/* Half of those he writes to answer: that is conversation. */
static bool answered(const struct subject_sender *s)
{
	return s->people > 0 && s->answered * 2 >= s->people;
}

void spim_campaign_verdict(const struct subject *s, const struct spim_view *view, const struct spim_memory *mem, uint32_t to, unsigned others,
			   uint64_t window_ms, struct verdict *v)
{
	uint32_t from_s = (uint32_t)((s->ts_ms > window_ms ? s->ts_ms - window_ms : 0) / 1000);
	struct reach r;

	if (view->band > 0)
		say_content(view, v, SPIM_CONTENT);
	if (view->band > 0 && !s->known)
		inspect_add(v, SPIM_UNKNOWN, STR("from somebody the receiver does not know"));
	look_back(view, mem, to, from_s, &r);
	if (s->known) {
		if (r.copies >= KNOWN_COPIES && view->band > 0)
			say_campaign(v, SPIM_BULK, r.copies + 1, "much the same text");
		return;
	}
	if (r.strangers >= FREE_COPIES && !answered(&s->sender))
		say_campaign(v, SPIM_CAMPAIGN, r.strangers + 1, "much the same text");
	else if (others >= FREE_COPIES && (view->n_words >= OTHERS_WORDS || view->over > NEAR))
		say_campaign(v, SPIM_CAMPAIGN, others + 1, "much the same text, from several senders");
	else if (r.others >= FREE_COPIES && r.near > NEAR && !answered(&s->sender))
		say_campaign(v, SPIM_CAMPAIGN, r.others + 1, "texts that read like advertising");
}

void spim_campaign_note(struct spim_memory *mem, const struct subject *s, const struct spim_view *view, uint32_t to)
{
	float over = view->over * 100;
	struct spim_copy *c = &mem->v[mem->next];

	memcpy(c->print, view->print, sizeof(c->print));
	c->to = to;
	c->when_s = (uint32_t)(s->ts_ms / 1000);
	c->over = (int16_t)(over > 30000 ? 30000 : over < -30000 ? -30000 : over);
	c->n_words = (uint8_t)(view->n_words > 255 ? 255 : view->n_words);
	c->stranger = !s->known;
	c->reach = view->reach;
	mem->next = (uint8_t)((mem->next + 1) % SPIM_COPIES);
	if (mem->n < SPIM_COPIES)
		mem->n++;
}
