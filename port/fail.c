/* SPDX-License-Identifier: MIT */
/* Filling struct hawser_port_error. */
#include <stdarg.h>
#include <stdio.h>

#include "fail.h"

int port_fail(struct hawser_port_error *error, int error_number, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return -error_number;
}
