/* SPDX-License-Identifier: MIT */
/* The real clocks, for programs that run a host in real time. */
#ifndef HAWSER_PORT_CLOCK_H
#define HAWSER_PORT_CLOCK_H

#include <stdint.h>

#include <hawser/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds of CLOCK_MONOTONIC: what the now_ns of every hawser_ call wants. Never goes back,
 * never fails. */
HAWSER_EXPORT
uint64_t hawser_clock_now(void);

/* Nanoseconds since 1970-01-01 00:00 UTC (CLOCK_REALTIME), for capture files:
 * hawser_clock_wall() - hawser_clock_now() is the epoch_ns that turns now_ns into time of day. */
HAWSER_EXPORT
uint64_t hawser_clock_wall(void);

#ifdef __cplusplus
}
#endif
#endif
