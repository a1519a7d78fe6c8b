/* harden.h - what every role does first: no core files, no reading by others of the same user, many descriptors. */
#ifndef ROLES_HARDEN_H
#define ROLES_HARDEN_H

/* For the process; memory holds keys and what was said. */
void harden_process(void);

#endif
