/* SPDX-License-Identifier: MIT */
/* SIGINT, SIGTERM and SIGHUP end a command, but only after it has cleaned up. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t received;
static int event_fd = -1;

static void on_signal(int number)
{
    int saved = errno;
    received = number;
    const uint64_t one = 1;
    (void)!write(event_fd, &one, sizeof one); /* a full counter is readable, too */
    errno = saved;
}

void signals_init(void)
{
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction old;
        /* What was ignored when we were started (nohup, a background job) stays so. */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

bool signals_pending(void)
{
    return received != 0;
}

int signals_fd(void)
{
    return event_fd;
}

void signals_finish(void)
{
    if (received == 0)
        return;
    signal(received, SIG_DFL);
    raise(received);
}
