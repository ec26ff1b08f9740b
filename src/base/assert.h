/* SPDX-License-Identifier: MIT */
/* Assertions about our own logic. What a peer, a program or a file can cause is never asserted. */
#ifndef HAWSER_BASE_ASSERT_H
#define HAWSER_BASE_ASSERT_H

#include <stdbool.h>

#include <hawser/hawser.h>

/* Stays on in release builds: it guards memory safety. */
#define ASSERT(x) ((x) ? (void)0 : hawser_assertion_failed(#x, __FILE__, __LINE__))

/* Invariants too dear for release builds: debug, simulation and fuzz builds define HAWSER_CHECKS.
 * */
#ifdef HAWSER_CHECKS
#define CHECK(x) ASSERT(x)
#define CHECKS_ENABLED 1
#else
#define CHECK(x) ((void)sizeof((x) ? 1 : 0))
#define CHECKS_ENABLED 0
#endif

#endif
