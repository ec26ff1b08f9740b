/* SPDX-License-Identifier: MIT */
/* The secret of a host, from the kernel (RFC 6528 4). */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <hawser/port/entropy.h>

/* RFC6528 03: a truly random secret or none. All zero on failure, which hawser_config_check
 * refuses, so a caller that forgets to look at the result cannot start a host with guessable ISNs
 * either. */
int hawser_entropy(uint8_t out[32])
{
    size_t have = 0;
    while (have < 32) {
        ssize_t n = getrandom(out + have, 32 - have, 0);
        if (n < 0 && errno == EINTR)
            continue; /* possible while the kernel's pool is not yet seeded */
        if (n <= 0) {
            int why = n < 0 ? errno : EIO;
            memset(out, 0, 32);
            return -why;
        }
        have += (size_t)n;
    }
    return 0;
}
