/* dlp_password.h - which words of a message may be somebody's password. Pure.
 *
 * Whether one is can only be found out slowly, with the stored verifier (core/own_password.h); so only what is likely is named: in
 * a message to outsiders whatever looks like a password, otherwise what stands beside a word such as "password", or alone.
 *
 * Ownership  The candidates are parts of the text.
 * Limits     DLP_PASSWORD_CANDIDATES; DLP_PASSWORD_TEXT bytes are looked at.
 */
#ifndef INSPECT_DLP_PASSWORD_H
#define INSPECT_DLP_PASSWORD_H

#include "base/str.h"

#define DLP_PASSWORD_CANDIDATES 3
#define DLP_PASSWORD_TEXT 4096
#define DLP_PASSWORD_LEAST 8
#define DLP_PASSWORD_MOST 64

unsigned dlp_password_candidates(struct str text, bool outsiders, struct str ret[DLP_PASSWORD_CANDIDATES]);

#endif
