/* eicar.h - the harmless file that all virus scanners call a virus, so that the way a file takes can be tried.
 *
 * Found anywhere in bytes. It is not written out here: scanners would find this program.
 */
#ifndef SCAN_EICAR_H
#define SCAN_EICAR_H

#include "base/str.h"

bool eicar_in(struct str bytes);

#endif
