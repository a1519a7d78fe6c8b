/* cli_doap.c - what the server implements, as DOAP (XEP-0453): made at build time from the features' own tables. */
#include <stdio.h>

#include "cli/cli.h"
#include "doap_lines.h"

int cli_doap(struct cli *c)
{
	(void)c;
	for (size_t i = 0; i < sizeof(doap_lines) / sizeof(doap_lines[0]); i++)
		puts(doap_lines[i]);
	return CLI_OK;
}
