/* tlsh_c.h - libtlsh, which is C++, for C. */
#ifndef SCAN_TLSH_C_H
#define SCAN_TLSH_C_H

#ifdef __cplusplus
extern "C" {
#endif

/* Of a and b one behind the other. ret: "" when there is none. */
void tlsh_c_hash(const unsigned char *a, unsigned a_n, const unsigned char *b, unsigned b_n, char *ret, unsigned ret_n);

#ifdef __cplusplus
}
#endif
#endif
