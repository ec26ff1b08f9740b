/* SPDX-License-Identifier: MIT */
/* Filling struct hawser_port_error. */
#ifndef HAWSER_FAIL_H
#define HAWSER_FAIL_H

#include <hawser/port/error.h>

/* Writes the text into error (may be NULL); returns -error_number for the caller to return. */
int port_fail(struct hawser_port_error *error, int error_number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
