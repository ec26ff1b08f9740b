/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka and the headers it wants before itself. */
#ifndef HAWSER_UNIT_H
#define HAWSER_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
