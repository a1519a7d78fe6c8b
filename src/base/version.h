/* version.h - the version that the server tells; the same as in meson.build. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define WARDROOM_VERSION "0.1.0"

#endif
