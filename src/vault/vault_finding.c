/* vault_finding.c - the story of a stanza, kept for "why". */
#include "base/clock.h"
#include "vault/vault_row.h"

int vault_finding_put(struct vault *v, uint64_t id, struct str json)
{
	struct vault_key k = { 0 };

	vault_key_u64(&k, id);
	return vault_row_put(v, STORE_TABLE_finding, vault_key_str(&k), 0, v->purpose[PURPOSE_FINDING],
			     clock_month(id >> 20), json);
}

int vault_finding_get(struct vault *v, uint64_t id, struct arena *a, struct str *ret)
{
	struct vault_key k = { 0 };

	vault_key_u64(&k, id);
	return vault_row_get(v, STORE_TABLE_finding, vault_key_str(&k), v->purpose[PURPOSE_FINDING], a, ret);
}
