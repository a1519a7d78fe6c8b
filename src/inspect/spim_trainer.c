/* spim_train.c - see spim_trainer.h. */
#include "inspect/spim_trainer.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"

struct text {
	uint32_t at;				/* in the pool */
	uint16_t n[SPIM_GROUPS];
	uint16_t fold;
	float weight;
	bool spim;
};

struct spim_trainer {
	struct spim_train_conf conf;
	struct text *texts;
	size_t n_texts, room_texts;
	uint32_t *pool;
	size_t n_pool, room_pool;
};

struct spim_trainer *spim_trainer_new(const struct spim_train_conf *conf)
{
	struct spim_trainer *t = calloc(1, sizeof(*t));

	if (t)
		t->conf = *conf;
	return t;
}

void spim_trainer_free(struct spim_trainer **t)
{
	if (!*t)
		return;
	free((*t)->texts);
	free((*t)->pool);
	free(*t);
	*t = NULL;
}

static int make_room(struct spim_trainer *t, size_t places)
{
	if (t->n_texts == t->room_texts) {
		size_t room = t->room_texts ? t->room_texts * 2 : 1024;
		struct text *v = room <= SPIM_TRAIN_TEXTS * 2ull ? realloc(t->texts, room * sizeof(*v)) : NULL;

		if (!v)
			return ERR_NOMEM;
		t->texts = v;
		t->room_texts = room;
	}
	while (t->n_pool + places > t->room_pool) {
		size_t room = t->room_pool ? t->room_pool * 2 : 1 << 20;
		uint32_t *v = realloc(t->pool, room * sizeof(*v));

		if (!v)
			return ERR_NOMEM;
		t->pool = v;
		t->room_pool = room;
	}
	return 0;
}

int spim_trainer_add(struct spim_trainer *t, const struct spim_features *f, bool spim, float weight, unsigned fold)
{
	size_t places = (size_t)f->n_words + f->n_chars + f->n_signs;
	struct text *x;
	int r;

	if (t->n_texts >= SPIM_TRAIN_TEXTS || t->n_pool + places > SPIM_TRAIN_PLACES)
		return ERR_LIMIT;
	r = make_room(t, places);
	if (r < 0)
		return r;
	x = &t->texts[t->n_texts++];
	*x = (struct text){ .at = (uint32_t)t->n_pool, .n = { (uint16_t)f->n_words, (uint16_t)f->n_chars, (uint16_t)f->n_signs },
			    .fold = (uint16_t)fold, .weight = weight, .spim = spim };
	memcpy(t->pool + t->n_pool, f->words, f->n_words * sizeof(uint32_t));
	memcpy(t->pool + t->n_pool + f->n_words, f->chars, f->n_chars * sizeof(uint32_t));
	memcpy(t->pool + t->n_pool + f->n_words + f->n_chars, f->signs, f->n_signs * sizeof(uint32_t));
	t->n_pool += places;
	return 0;
}

static float logit(const struct spim_trainer *t, const struct text *x, const struct spim_weights *w)
{
	const uint32_t *p = t->pool + x->at;
	float z = w->bias;

	for (unsigned g = 0; g < SPIM_GROUPS; g++) {
		float sum = 0;

		for (unsigned i = 0; i < x->n[g]; i++)
			sum += w->w[p[i]];
		z += sum * spim_features_share((enum spim_group)g, x->n[g]);
		p += x->n[g];
	}
	return z;
}

float spim_trainer_score(const struct spim_trainer *t, size_t n, const struct spim_weights *w)
{
	CHECK(n < t->n_texts);
	return logit(t, &t->texts[n], w);
}

/* One text: every weight goes a little way against the error, the less the more it has moved before. */
static void step(const struct spim_trainer *t, const struct text *x, struct spim_weights *w, float *moved, float *bias_moved)
{
	const uint32_t *p = t->pool + x->at;
	float z = logit(t, x, w), error = (1.0f / (1.0f + expf(-z)) - (x->spim ? 1.0f : 0.0f)) * x->weight;

	for (unsigned g = 0; g < SPIM_GROUPS; g++) {
		float share = spim_features_share((enum spim_group)g, x->n[g]);

		for (unsigned i = 0; i < x->n[g]; i++) {
			float gradient = error * share + t->conf.decay * w->w[p[i]];

			moved[p[i]] += gradient * gradient;
			w->w[p[i]] -= t->conf.rate * gradient / (sqrtf(moved[p[i]]) + 1e-6f);
		}
		p += x->n[g];
	}
	*bias_moved += error * error;
	w->bias -= t->conf.rate * error / (sqrtf(*bias_moved) + 1e-6f);
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

int spim_trainer_run(struct spim_trainer *t, unsigned without, struct spim_weights *ret)
{
	float *moved = calloc(SPIM_BUCKETS, sizeof(*moved)), bias_moved = 0;
	uint32_t *order = malloc((t->n_texts + 1) * sizeof(*order));
	uint64_t state = t->conf.seed * 0x9e3779b97f4a7c15u + 1;
	size_t n = 0;

	if (!moved || !order) {
		free(moved);
		free(order);
		return ERR_NOMEM;
	}
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < t->n_texts; i++)
		if (t->texts[i].fold != without && t->texts[i].weight > 0)
			order[n++] = (uint32_t)i;
	for (unsigned pass = 0; pass < t->conf.passes; pass++) {
		for (size_t i = n; i > 1; i--) {
			size_t k = next(&state) % i;
			uint32_t o = order[i - 1];

			order[i - 1] = order[k];
			order[k] = o;
		}
		for (size_t i = 0; i < n; i++)
			step(t, &t->texts[order[i]], ret, moved, &bias_moved);
	}
	free(moved);
	free(order);
	return 0;
}
