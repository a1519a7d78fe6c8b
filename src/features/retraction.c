/* retraction.c - XEP-0424: tells clients that retractions are kept and that a tombstone stands where a message was
 * (core/retract.c). */
#include "core/mod.h"

const struct mod_def mod_retraction = {
	.name = "retraction",
	.xep = 424,
	.xep_version = "0.4.2",
	.disco_server = (const char *const[]){ NS_RETRACT, NULL },
	.disco_account = (const char *const[]){ NS_RETRACT, NS_RETRACT "#tombstone", NULL },
};
