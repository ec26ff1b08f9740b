/* SPDX-License-Identifier: MIT */
/* The names that code in scripts sees, and where the kernel's structures hold their values. */
#ifndef PKT_CODE_NAMES_H
#define PKT_CODE_NAMES_H

#include <stdint.h>

struct code_field {
    const char *name;
    uint16_t offset;
    uint8_t size;        /* bytes */
    uint8_t shift, bits; /* of a bit field in those; bits 0 = all */
};

struct code_constant {
    const char *name;
    int value;
};

/* A NULL name ends each. */
extern const struct code_field code_tcp_info[], code_vegas_info[], code_dctcp_info[], code_bbr_info[], code_meminfo[];
extern const struct code_constant code_constants[];

#endif
