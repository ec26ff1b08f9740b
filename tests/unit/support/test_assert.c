/* SPDX-License-Identifier: MIT */
/* A failed assertion of the core fails the running test, or is what expect_assert_failure() waits
 * for. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include <hawser/hawser.h>

_Noreturn void hawser_assertion_failed(const char *what, const char *file, int line)
{
    mock_assert(0, what, file, line);
    abort(); /* not reached: mock_assert leaves by longjmp */
}
