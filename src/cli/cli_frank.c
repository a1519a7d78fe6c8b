/* cli_frank.c - whether a message was delivered by this server: the file is read here, the key stays where the vault is. */
#include "base/limits.h"
#include "cli/cli.h"

int cli_frank_verify(struct cli *c)
{
	struct str text;
	json_t *reply;
	int r = cli_read(c, c->words[0], LIMIT_STANZA_BYTES_MAX, &text);

	if (r != CLI_OK)
		return r;
	r = cli_call(c, "frank verify", json_pack("{s:s%}", "stanza", text.p, text.n), &reply);
	if (r != CLI_OK)
		return r;
	cli_print(c, "frank verify", reply);
	json_decref(reply);
	return CLI_OK;
}
