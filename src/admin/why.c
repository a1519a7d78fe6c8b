/* why.c - see why.h. */
#include "admin/why.h"

#define FINDINGS_TOLD 3

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static const char *done(const char *decision)
{
	static const struct { const char *decision, *words; } t[] = {
		{ "deliver", "was delivered" }, { "flag", "was delivered with a warning" },
		{ "defang", "was delivered with its links made harmless" }, { "hold", "was held" },
		{ "challenge", "was held until its sender answers" }, { "reject", "was refused" },
		{ "freeze", "was held, and its sender's account was frozen" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (strcmp(t[i].decision, decision) == 0)
			return t[i].words;
	return "was judged";
}

/* What it would have been: "refused it", "held it". */
static const char *would(const char *decision)
{
	static const struct { const char *decision, *words; } t[] = {
		{ "deliver", "delivered it" }, { "flag", "warned the receiver" }, { "defang", "made its links harmless" }, { "hold", "held it" },
		{ "challenge", "asked its sender" }, { "reject", "refused it" }, { "freeze", "frozen its sender" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (strcmp(t[i].decision, decision) == 0)
			return t[i].words;
	return "decided otherwise";
}

/* "2026-11-24T16:05:00.000Z" -> "2026-11-24 16:05 UTC" */
static struct str when(struct arena *a, const char *stamp)
{
	size_t n = strlen(stamp);

	return n < 16 ? STR("an unknown time") : arena_printf(a, "%.10s %.5s UTC", stamp, stamp + 11);
}

static struct str what(struct arena *a, const json_t *story)
{
	const char *held = text(story, "held"), *decision = text(story, "decision");
	struct str at = when(a, text(story, "when"));
	const char *since = strcmp(held, "released") == 0 ? ", and has been released since" : strcmp(held, "rejected") == 0 ?
			    ", and has been rejected since" : strcmp(held, "waiting") == 0 ? " and waits for a decision" : "";

	return arena_printf(a, "The message from %s to %s of %.*s %s%s.", text(story, "from"), text(story, "to"), STR_FMT(at), done(decision), since);
}

/* The heaviest first; what is the same is said once. */
static struct str reasons(struct arena *a, const json_t *findings)
{
	struct str s = STR_NONE;
	bool told[64] = { false };
	size_t n = json_array_size(findings) < 64 ? json_array_size(findings) : 64;

	for (unsigned k = 0; s.p && k < FINDINGS_TOLD && k < n; k++) {
		const json_t *best = NULL, *one;
		const char *evidence;
		size_t at = 0;

		for (size_t i = 0; i < n; i++) {
			one = json_array_get(findings, i);
			if (told[i] || (best && json_integer_value(json_object_get(one, "weight")) <= json_integer_value(json_object_get(best, "weight"))))
				continue;
			best = one;
			at = i;
		}
		told[at] = true;
		evidence = text(best, "evidence");
		s = arena_printf(a, "%.*s%s%s%s%s%s", STR_FMT(s), k == 0 ? "" : k + 1 == n || k + 1 == FINDINGS_TOLD ? ", and " : ", ", text(best, "text"),
				 *evidence ? " (" : "", evidence, *evidence ? ")" : "");
	}
	return s;
}

static struct str because(struct arena *a, const json_t *story)
{
	const json_t *findings = json_object_get(story, "findings"), *trial = json_object_get(story, "would");
	struct str why = reasons(a, findings), sum = STR_NONE, version = STR_NONE, other = STR_NONE;
	json_int_t at = json_integer_value(json_object_get(story, "at")), n = json_integer_value(json_object_get(story, "policy_version"));

	if (at)
		sum = arena_printf(a, "; that weighs %lld, and from %lld on this is done", (long long)json_integer_value(json_object_get(story, "score")),
				   (long long)at);
	if (n)
		version = arena_printf(a, " Version %lld of the policy was in force.", (long long)n);
	if (trial)
		other = arena_printf(a, " Only on trial: %s would have %s.", text(trial, "by"), would(text(trial, "decision")));
	if (!why.p || !sum.p || !version.p || !other.p)
		return (struct str){ 0 };
	if (why.n == 0)
		return arena_printf(a, "Nothing was found in it.%.*s%.*s", STR_FMT(other), STR_FMT(version));
	return arena_printf(a, "Why: %.*s%.*s.%.*s%.*s", STR_FMT(why), STR_FMT(sum), STR_FMT(other), STR_FMT(version));
}

int why_explain(struct arena *a, json_t *story)
{
	struct str first = what(a, story), second = because(a, story);
	json_t *lines = first.p && second.p ? json_pack("[s%, s%]", first.p, first.n, second.p, second.n) : NULL;

	return lines && json_object_set_new(story, "lines", lines) == 0 ? 0 : ERR_NOMEM;
}
