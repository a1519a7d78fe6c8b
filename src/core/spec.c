/* spec.c - see spec.h. */
#include "core/spec.h"

#include <stdlib.h>

#include "core/mod.h"

static const struct spec others[] = {
#define SPEC(xep, version, partial, note) { xep, version, partial, note },
#include "core/specs.def"
#undef SPEC
};

static const struct { unsigned xep; const char *title; } titles[] = {
#define TITLE(xep, title) { xep, title },
#include "core/titles.def"
#undef TITLE
};

static int compare(const void *x, const void *y)
{
	const struct spec *a = x, *b = y;

	return a->xep < b->xep ? -1 : a->xep > b->xep;
}

static size_t add(struct spec *list, size_t n, struct spec one)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].xep == one.xep)
			return n;
	if (n < SPEC_MOST)
		list[n++] = one;
	return n;
}

size_t spec_list(struct spec ret[SPEC_MOST])
{
	size_t n_mods, n = 0;
	const struct mod_def *const *mods = mod_all(&n_mods);

	for (size_t i = 0; i < n_mods; i++)
		if (mods[i]->xep && mods[i]->xep_version)
			n = add(ret, n, (struct spec){ mods[i]->xep, mods[i]->xep_version, mods[i]->xep_partial,
						       mods[i]->xep_note ? mods[i]->xep_note : "" });
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		n = add(ret, n, others[i]);
	qsort(ret, n, sizeof(*ret), compare);
	return n;
}

const char *spec_title(unsigned xep)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (titles[i].xep == xep)
			return titles[i].title;
	return NULL;
}

const char *const (*spec_rfcs(void))[2]
{
	static const char *const rfcs[][2] = {
		{ "6120", "XMPP: Core" },
		{ "6121", "XMPP: Instant Messaging and Presence" },
		{ "7622", "XMPP: Address Format" },
		{ "7395", "XMPP Subprotocol for WebSocket" },
		{ "7590", "Use of TLS in XMPP" },
		{ "5802", "SCRAM" },
		{ "7677", "SCRAM-SHA-256" },
		{ "9266", "Channel bindings for TLS 1.3" },
		{ NULL, NULL },
	};

	return rfcs;
}
