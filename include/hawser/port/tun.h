/* SPDX-License-Identifier: MIT */
/* TAP and TUN devices of Linux: a host's link to the kernel, and the loop for it. */
#ifndef HAWSER_PORT_TUN_H
#define HAWSER_PORT_TUN_H

#include <poll.h>

#include <hawser/hawser.h>
#include <hawser/port/error.h>
#include <hawser/port/tap.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hawser_tun;

#define HAWSER_TUN_BATCH 32u /* most frames read or written at once */

struct hawser_tun_config {
    enum hawser_link_kind kind; /* ETHERNET: a TAP device; IP: a TUN device, without the packet
                                   information header */
    const char *name;           /* 1..15 characters; NULL or "" = the kernel chooses; "tap%d" = with
                                   a number it chooses */
    uint32_t mtu;               /* bytes of an IP packet, 68..65535 (TAP: 65521), set on the device;
                                   0 = what it has, for a new device 1500 */
    bool up;                    /* bring the interface up at once */
};

struct hawser_tun_counters {
    uint64_t frames_in, bytes_in;   /* read: from the kernel to the host */
    uint64_t frames_out, bytes_out; /* written */
    uint64_t frames_lost;           /* the device would not take them: interface down, no memory */
};

/* Opens a device, or joins a persistent one that exists; non-blocking. A device that did not exist
 * goes away with hawser_tun_close or with the process. Returns 0 and *out, or with error
 *   -EINVAL, -ENAMETOOLONG  config;
 *   -ENOENT, -ENODEV        no /dev/net/tun, or no driver behind it;
 *   -EACCES, -EPERM         not allowed: needs CAP_NET_ADMIN in this network namespace
 *                           (see hawser_netns_enter);
 *   -EBUSY                  somebody else has the device open;
 *   -ENOMEM, or what else the kernel says. */
HAWSER_EXPORT
int hawser_tun_open(const struct hawser_tun_config *config, struct hawser_tun **out,
                    struct hawser_port_error *error);

/* NULL is allowed. */
HAWSER_EXPORT
void hawser_tun_close(struct hawser_tun *tun);

/* The device's name, as the kernel knows it: for hawser_interface_... Valid as long as tun. */
HAWSER_EXPORT
const char *hawser_tun_name(const struct hawser_tun *tun);

/* Its MTU in bytes of an IP packet: what the host's link is to have. */
HAWSER_EXPORT
uint32_t hawser_tun_mtu(const struct hawser_tun *tun);

/* For poll in a loop of one's own; readable when a frame has come. The descriptor stays tun's. */
HAWSER_EXPORT
int hawser_tun_fd(const struct hawser_tun *tun);

HAWSER_EXPORT
const struct hawser_tun_counters *hawser_tun_counters_of(const struct hawser_tun *tun);

/* Tells tap (NULL = nobody) about every frame: SENT, and then at once DELIVERED or LOST. from 0 is
 * the host, from 1 the kernel. */
HAWSER_EXPORT
void hawser_tun_set_tap(struct hawser_tun *tun, hawser_tap *tap, void *context);

/* Reads up to count frames (at most HAWSER_TUN_BATCH), without waiting; returns how many, 0 = none
 * is there. Their bytes are valid until the next read. -EBADFD, -EIO: the device is gone. now_ns is
 * for the tap. */
HAWSER_EXPORT
int hawser_tun_read(struct hawser_tun *tun, uint64_t now_ns, struct hawser_frame *frames,
                    size_t count);

/* HAWSER_TUN_BATCH buffers of tun's own for hawser_output; always the same ones. */
HAWSER_EXPORT
struct hawser_buffer *hawser_tun_buffers(struct hawser_tun *tun);

/* Writes count frames, one system call each, as the device wants it. A frame that the device will
 * not take is lost and counted, as on a cable that is pulled out. Returns 0; -EBADFD: the device is
 * gone. */
HAWSER_EXPORT
int hawser_tun_write(struct hawser_tun *tun, uint64_t now_ns, const struct hawser_buffer *buffers,
                     size_t count);

/* One turn of the loop that joins a host's link to the device, on the real clock
 * (hawser_clock_now):
 *   1. sends what the host has (hawser_output, up to 4 batches; if there is more, 2 does not wait);
 *   2. waits until a frame comes, the host's next deadline, something happens on one of others, a
 *      signal, or timeout_ns (0 = do not wait, UINT64_MAX = no limit);
 *   3. reads what has come (up to 4 batches), hawser_input, hawser_expire.
 * Then the program looks at its descriptors (others[i].revents, as poll sets them) and at
 * hawser_events, makes its calls, and calls again: what it queued leaves in step 1. others may be
 * NULL with count 0; at most 63. Returns how many frames came in, which may be 0; -EINVAL: too many
 * others; -EBADFD, ...: the device is gone. */
HAWSER_EXPORT
int hawser_tun_run_once(struct hawser_tun *tun, struct hawser_host *host, uint32_t link,
                        uint64_t timeout_ns, struct pollfd *others, size_t others_count,
                        struct hawser_port_error *error);

#ifdef __cplusplus
}
#endif
#endif
