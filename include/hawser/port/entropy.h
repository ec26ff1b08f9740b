/* SPDX-License-Identifier: MIT */
/* The secret of a host (RFC 6528 4: RFC 4086 randomness). */
#ifndef HAWSER_PORT_ENTROPY_H
#define HAWSER_PORT_ENTROPY_H

#include <stdint.h>

#include <hawser/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fills out with 32 bytes from the kernel's generator, waiting for it to be seeded if need be.
 * Returns 0 or a negative errno value; then out is all zero, which hawser_host_create refuses:
 * there is no second source and no constant to fall back to (RFC6528 03). */
HAWSER_EXPORT
int hawser_entropy(uint8_t out[32]);

#ifdef __cplusplus
}
#endif
#endif
