/* archive.h - what is worth keeping of a conversation; the archive step itself is in pipeline.h. */
#ifndef CORE_ARCHIVE_H
#define CORE_ARCHIVE_H

#include "xmpp/node.h"

/* Something to read, or what other devices need (XEP-0313 5.1.1, XEP-0334), whatever its type. */
bool archive_worth(const struct node *message);

#endif
