/* campaign.c - see campaign.h. Templates are found by pairs of word hashes that stand near each other in their prints, in a table
 * that newer ones overwrite: a greeting more or less changes few pairs. */
#include "outbreak/campaign.h"

#include <stdlib.h>

#define SLOTS 262144u
#define NEAR 3				/* so far apart two hashes of a pair may stand */
#define ALIKE 8				/* templates that are counted together */

struct template {
	uint32_t print[SPIM_PRINT];
	uint32_t to[CAMPAIGN_PEOPLE];		/* strangers who got it; the newest takes the place of the oldest */
	uint32_t when_s[CAMPAIGN_PEOPLE], last_s;
	uint8_t n, next, n_words;
};

struct campaign {
	struct spim *model;
	struct spim_view view;			/* of the message that was seen last */
	struct template *templates;
	uint32_t from_s;			/* what was sent before that no longer counts; as of that message */
	unsigned n, next;
	uint16_t slots[SLOTS];			/* number of a template, and one */
};

int campaign_new(struct str model, struct campaign **ret)
{
	struct campaign *c = calloc(1, sizeof(*c));
	int r = c ? spim_new(str_empty(model) ? spim_builtin() : model, &c->model) : ERR_NOMEM;

	if (r == 0) {
		c->templates = calloc(CAMPAIGN_TEMPLATES, sizeof(*c->templates));
		r = c->templates ? 0 : ERR_NOMEM;
	}
	if (r < 0) {
		campaign_free(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void campaign_free(struct campaign **c)
{
	if (!*c)
		return;
	spim_free(&(*c)->model);
	free((*c)->templates);
	free(*c);
	*c = NULL;
}

struct spim *campaign_model(struct campaign *c)
{
	return c->model;
}

size_t campaign_templates(const struct campaign *c)
{
	return c->n;
}

static uint32_t slot_of(uint32_t a, uint32_t b)
{
	uint32_t h = (a * 0x9e3779b1u) ^ (b * 0x85ebca6bu);

	return (h ^ h >> 15) % SLOTS;
}

/* The second of the pair that begins at i; texts of one word or none are a pair of their own. */
static bool pair_of(const uint32_t print[SPIM_PRINT], unsigned i, unsigned d, uint32_t *ret)
{
	if (i + d >= SPIM_PRINT || (print[i + d] == UINT32_MAX && (i > 0 || d > 1)))
		return false;
	*ret = slot_of(print[i], print[i + d]);
	return true;
}

static unsigned words_of(const struct spim_view *view)
{
	return view->n_words > 255 ? 255 : view->n_words;
}

struct alike {
	struct template *v[ALIKE];		/* the first is the most alike */
	unsigned n, most;
};

static void consider(struct template *t, const struct spim_view *view, struct alike *ret)
{
	unsigned overlap, at = ret->n;

	for (unsigned i = 0; i < ret->n; i++)
		if (ret->v[i] == t)
			return;
	if (!spim_campaign_alike(t->print, t->n_words, view->print, words_of(view)))
		return;
	overlap = spim_overlap(t->print, view->print);
	if (ret->n < ALIKE)
		ret->v[ret->n++] = t;
	else if (overlap > ret->most)
		at = ALIKE - 1;
	else
		return;
	ret->v[at] = t;
	if (overlap > ret->most || at == 0) {
		ret->v[at] = ret->v[0];
		ret->v[0] = t;
		ret->most = overlap;
	}
}

/* Those that are alike: one campaign may have become several templates before its copies met. */
static void find(struct campaign *c, const struct spim_view *view, struct alike *ret)
{
	uint32_t slot;

	ret->n = ret->most = 0;
	for (unsigned i = 0; i < SPIM_PRINT; i++)
		for (unsigned d = 1; d <= NEAR; d++) {
			unsigned at = pair_of(view->print, i, d, &slot) ? c->slots[slot] : 0;

			if (at && c->templates[at - 1].last_s >= c->from_s)
				consider(&c->templates[at - 1], view, ret);
		}
}

/* Different people who got any of them within the window, this receiver not counted. */
static unsigned people(const struct alike *a, uint32_t to, uint32_t from_s)
{
	uint32_t seen[ALIKE * CAMPAIGN_PEOPLE];
	unsigned n = 0;

	for (unsigned k = 0; k < a->n; k++)
		for (unsigned i = 0; i < a->v[k]->n; i++) {
			bool again = a->v[k]->to[i] == to || a->v[k]->when_s[i] < from_s;

			for (unsigned m = 0; m < n && !again; m++)
				again = seen[m] == a->v[k]->to[i];
			if (!again)
				seen[n++] = a->v[k]->to[i];
		}
	return n;
}

void campaign_see(struct campaign *c, const struct subject *s, const struct spim_memory *mem, uint64_t to, uint64_t window_ms, struct verdict *v)
{
	struct alike alike = { .n = 0 };

	c->from_s = (uint32_t)((s->ts_ms > window_ms ? s->ts_ms - window_ms : 0) / 1000);
	spim_look(c->model, s->body, &c->view);
	if (!s->known)
		find(c, &c->view, &alike);
	spim_campaign_verdict(s, &c->view, mem, (uint32_t)to, people(&alike, (uint32_t)to, c->from_s), window_ms, v);
}

static struct template *add(struct campaign *c, const struct spim_view *view)
{
	struct template *t = &c->templates[c->next];
	uint32_t slot;

	*t = (struct template){ .n_words = (uint8_t)words_of(view) };
	memcpy(t->print, view->print, sizeof(t->print));
	for (unsigned i = 0; i < SPIM_PRINT; i++)
		for (unsigned d = 1; d <= NEAR; d++)
			if (pair_of(t->print, i, d, &slot))
				c->slots[slot] = (uint16_t)(c->next + 1);
	c->next = (c->next + 1) % CAMPAIGN_TEMPLATES;
	c->n += c->n < CAMPAIGN_TEMPLATES;
	return t;
}

void campaign_note(struct campaign *c, const struct subject *s, struct spim_memory *mem, uint64_t to)
{
	struct alike alike;
	struct template *t;

	if (str_empty(s->body))
		return;
	spim_campaign_note(mem, s, &c->view, (uint32_t)to);
	if (s->known)
		return;
	find(c, &c->view, &alike);
	t = alike.n ? alike.v[0] : add(c, &c->view);
	t->last_s = (uint32_t)(s->ts_ms / 1000);
	for (unsigned i = 0; i < t->n; i++)
		if (t->to[i] == (uint32_t)to) {
			t->when_s[i] = t->last_s;
			return;
		}
	t->to[t->next] = (uint32_t)to;
	t->when_s[t->next] = t->last_s;
	t->next = (uint8_t)((t->next + 1) % CAMPAIGN_PEOPLE);
	t->n = (uint8_t)(t->n < CAMPAIGN_PEOPLE ? t->n + 1 : CAMPAIGN_PEOPLE);
}
