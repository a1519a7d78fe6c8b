/* dlp_number.h - is this a card, an IBAN, an identity number? Check digits, issuers, lengths and dates.
 *
 * Each reads a text from where a pattern saw a candidate begin and returns where the number ends, or 0 when it is none. label gets
 * what it is, for people.
 * Threads    Any. Pure.
 * Sources    ISO/IEC 7812-1, ISO 13616-1, ISO 7064, and the published rules of the countries named.
 */
#ifndef INSPECT_DLP_NUMBER_H
#define INSPECT_DLP_NUMBER_H

#include "inspect/dlp.h"

size_t dlp_number_card(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_iban(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_us_ssn(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_uk_nino(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_fr_nir(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_it_codice(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_es_dni(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_ch_ahv(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_se_pnr(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_fi_hetu(struct str text, size_t from, char label[DLP_LABEL]);
/* Eleven or nine bare digits are many things: these ask for a word before them that says what they are. */
size_t dlp_number_de_idnr(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_nl_bsn(struct str text, size_t from, char label[DLP_LABEL]);
size_t dlp_number_pl_pesel(struct str text, size_t from, char label[DLP_LABEL]);

#endif
