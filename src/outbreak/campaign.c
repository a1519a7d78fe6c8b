/* campaign.c - see campaign.h. Templates are found by pairs of their least word hashes, in a table that newer ones overwrite. */
#include "outbreak/campaign.h"

#include <stdlib.h>

#define SLOTS 65536u
#define KEYS 8

struct template {
	uint32_t print[SPIM_PRINT];
	uint32_t to[CAMPAIGN_PEOPLE];		/* strangers who got it; the newest takes the place of the oldest */
	uint32_t when_s[CAMPAIGN_PEOPLE];
	uint8_t n, next, n_words;
};

struct campaign {
	struct spim *model;
	struct spim_view view;			/* of the message that was seen last */
	struct template *templates;
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

static uint32_t slot_of(const uint32_t print[SPIM_PRINT], unsigned key)
{
	static const uint8_t pairs[KEYS][2] = { { 0, 1 }, { 2, 3 }, { 4, 5 }, { 6, 7 }, { 8, 9 }, { 10, 11 }, { 12, 13 }, { 14, 15 } };
	uint32_t h = (print[pairs[key][0]] * 0x9e3779b1u) ^ (print[pairs[key][1]] * 0x85ebca6bu + key);

	return (h ^ h >> 15) % SLOTS;
}

static unsigned words_of(const struct spim_view *view)
{
	return view->n_words > 255 ? 255 : view->n_words;
}

/* The one that is most alike: common words alone make many texts a little so. */
static struct template *find(struct campaign *c, const struct spim_view *view)
{
	struct template *best = NULL;
	unsigned most = 0;

	for (unsigned k = 0; k < KEYS; k++) {
		unsigned at = c->slots[slot_of(view->print, k)], overlap;
		struct template *t = at ? &c->templates[at - 1] : NULL;

		if (!t || !spim_campaign_alike(t->print, t->n_words, view->print, words_of(view)))
			continue;
		overlap = spim_overlap(t->print, view->print);
		if (!best || overlap > most) {
			best = t;
			most = overlap;
		}
	}
	return best;
}

/* People who got it within the window, this receiver not counted. */
static unsigned people(const struct template *t, uint32_t to, uint32_t from_s)
{
	unsigned n = 0;

	for (unsigned i = 0; t && i < t->n; i++)
		n += t->to[i] != to && t->when_s[i] >= from_s;
	return n;
}

void campaign_see(struct campaign *c, const struct subject *s, const struct spim_memory *mem, uint64_t to, uint64_t window_ms, struct verdict *v)
{
	uint32_t from_s = (uint32_t)((s->ts_ms > window_ms ? s->ts_ms - window_ms : 0) / 1000);

	spim_look(c->model, s->body, &c->view);
	spim_campaign_verdict(s, &c->view, mem, (uint32_t)to, s->known ? 0 : people(find(c, &c->view), (uint32_t)to, from_s), window_ms, v);
}

static struct template *add(struct campaign *c, const struct spim_view *view)
{
	struct template *t = &c->templates[c->next];

	*t = (struct template){ .n_words = (uint8_t)words_of(view) };
	memcpy(t->print, view->print, sizeof(t->print));
	for (unsigned k = 0; k < KEYS; k++)
		c->slots[slot_of(t->print, k)] = (uint16_t)(c->next + 1);
	c->next = (c->next + 1) % CAMPAIGN_TEMPLATES;
	c->n += c->n < CAMPAIGN_TEMPLATES;
	return t;
}

void campaign_note(struct campaign *c, const struct subject *s, struct spim_memory *mem, uint64_t to)
{
	struct template *t;

	if (str_empty(s->body))
		return;
	spim_campaign_note(mem, s, &c->view, (uint32_t)to);
	if (s->known)
		return;
	t = find(c, &c->view);
	t = t ? t : add(c, &c->view);
	for (unsigned i = 0; i < t->n; i++)
		if (t->to[i] == (uint32_t)to) {
			t->when_s[i] = (uint32_t)(s->ts_ms / 1000);
			return;
		}
	t->to[t->next] = (uint32_t)to;
	t->when_s[t->next] = (uint32_t)(s->ts_ms / 1000);
	t->next = (uint8_t)((t->next + 1) % CAMPAIGN_PEOPLE);
	t->n = (uint8_t)(t->n < CAMPAIGN_PEOPLE ? t->n + 1 : CAMPAIGN_PEOPLE);
}
