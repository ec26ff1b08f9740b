/* SPDX-License-Identifier: MIT */
/* The loop that joins a host's link to a device in real time. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <hawser/port/clock.h>
#include <hawser/port/tun.h>

#include "fail.h"

#define NS_PER_S 1000000000u
#define OTHERS_MAX 63u
#define READ_BATCHES_MAX 4u /* then the program has its turn, however fast frames come */
/* As many out as in: an answer to each frame of a long output would overflow the device's queue. */
#define SEND_BATCHES_MAX READ_BATCHES_MAX

static int device_failed(struct hawser_tun *tun, int result, const char *what,
                         struct hawser_port_error *error)
{
    return port_fail(error, -result, "cannot %s %s: %s%s", what, hawser_tun_name(tun),
                     strerror(-result), result == -EBADFD ? " (the device is gone)" : "");
}

static int send_some(struct hawser_tun *tun, struct hawser_host *host, uint32_t link,
                     struct hawser_port_error *error)
{
    struct hawser_buffer *buffers = hawser_tun_buffers(tun);
    for (unsigned batch = 0; batch < SEND_BATCHES_MAX; batch++) {
        uint64_t now_ns = hawser_clock_now();
        size_t n = hawser_output(host, link, now_ns, buffers, HAWSER_TUN_BATCH);
        int result = hawser_tun_write(tun, now_ns, buffers, n);
        if (result != 0)
            return device_failed(tun, result, "write to", error);
        if (n < HAWSER_TUN_BATCH)
            return 0; /* include/hawser/hawser.h: fewer than asked for, so there is no more */
    }
    return 0; /* hawser_next_deadline is 0 then: nobody waits */
}

/* Waits for a frame, the others, a signal, the deadline or the timeout. 0, or a negative errno
 * value. */
static int wait_for(struct hawser_tun *tun, uint64_t deadline_ns, uint64_t timeout_ns,
                    struct pollfd *others, size_t others_count, bool *readable)
{
    struct pollfd fds[1 + OTHERS_MAX];
    fds[0] = (struct pollfd){.fd = hawser_tun_fd(tun), .events = POLLIN};
    if (others_count != 0)
        memcpy(fds + 1, others, others_count * sizeof *others);

    uint64_t now_ns = hawser_clock_now();
    uint64_t wait_ns = deadline_ns <= now_ns ? 0 : deadline_ns - now_ns;
    if (deadline_ns == UINT64_MAX || wait_ns > timeout_ns)
        wait_ns = timeout_ns;
    struct timespec limit = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                             .tv_nsec = (long)(wait_ns % NS_PER_S)};
    int ready = ppoll(fds, (nfds_t)(1 + others_count), wait_ns == UINT64_MAX ? NULL : &limit, NULL);
    if (ready < 0 && errno != EINTR)
        return -errno;
    *readable = ready > 0 && fds[0].revents != 0;
    for (size_t i = 0; i < others_count; i++)
        others[i].revents = ready > 0 ? fds[1 + i].revents : 0;
    return 0;
}

/* How many frames were taken in, or a negative errno value. */
static int receive(struct hawser_tun *tun, struct hawser_host *host, uint32_t link,
                   struct hawser_port_error *error)
{
    int total = 0;
    for (unsigned batch = 0; batch < READ_BATCHES_MAX; batch++) {
        struct hawser_frame frames[HAWSER_TUN_BATCH];
        uint64_t now_ns = hawser_clock_now();
        int n = hawser_tun_read(tun, now_ns, frames, HAWSER_TUN_BATCH);
        if (n < 0)
            return device_failed(tun, n, "read from", error);
        if (n > 0)
            hawser_input(host, link, now_ns, frames, (size_t)n);
        total += n;
        if (n < (int)HAWSER_TUN_BATCH)
            break;
    }
    return total;
}

int hawser_tun_run_once(struct hawser_tun *tun, struct hawser_host *host, uint32_t link,
                        uint64_t timeout_ns, struct pollfd *others, size_t others_count,
                        struct hawser_port_error *error)
{
    if (others_count > OTHERS_MAX)
        return port_fail(error, EINVAL, "%zu descriptors beside the device: at most %u",
                         others_count, OTHERS_MAX);
    int result = send_some(tun, host, link, error);
    if (result != 0)
        return result;
    bool readable = false;
    result = wait_for(tun, hawser_next_deadline(host), timeout_ns, others, others_count, &readable);
    if (result != 0)
        return port_fail(error, -result, "cannot wait for %s: %s", hawser_tun_name(tun),
                         strerror(-result));
    if (readable)
        result = receive(tun, host, link, error);
    hawser_expire(host, hawser_clock_now());
    return result;
}
