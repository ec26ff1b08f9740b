/* SPDX-License-Identifier: MIT */
/* How everything under hawser/port/ reports failure. */
#ifndef HAWSER_PORT_ERROR_H
#define HAWSER_PORT_ERROR_H

#include <hawser/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One way for all of port/: a function that can fail returns 0 (or a count) and on failure a
 * negative errno value (-EPERM, -ENOSPC, ...), never one of hawser_error's numbers. Where the
 * number alone does not tell a person what to do, the last parameter is a struct hawser_port_error:
 * it may be NULL, and it is written only on failure. What is not mentioned otherwise is unchanged
 * on failure. */
struct hawser_port_error {
    char text[256]; /* what failed, why, and what would help; NUL-terminated, without a newline */
};

#ifdef __cplusplus
}
#endif
#endif
