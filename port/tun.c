/* SPDX-License-Identifier: MIT */
/* TAP and TUN devices: opening, reading, writing. The loop is in tun_loop.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <hawser/port/netns.h>
#include <hawser/port/tun.h>

#include "fail.h"

#define DEVICE "/dev/net/tun"
#define ETHERNET_HEADER_BYTES 14u
#define VLAN_TAG_BYTES 4u /* the kernel may hand us one on top of the MTU */

struct hawser_tun {
    int fd;
    enum hawser_link_kind kind;
    uint32_t mtu;
    char name[IFNAMSIZ];
    struct hawser_tun_counters counters;
    hawser_tap *tap;
    void *tap_context;
    uint64_t numbers[2]; /* of the last frame of each direction, for the tap */
    struct hawser_buffer buffers[HAWSER_TUN_BATCH];
    uint8_t *read_memory; /* HAWSER_TUN_BATCH pieces of slot_bytes */
    uint8_t *write_memory;
    size_t slot_bytes;
};

static int check_config(const struct hawser_tun_config *config, struct hawser_port_error *error)
{
    bool tap = config->kind == HAWSER_LINK_ETHERNET;
    if (!tap && config->kind != HAWSER_LINK_IP)
        return port_fail(error, EINVAL,
                         "a TAP device is an Ethernet link, a TUN device an IP link");
    uint32_t most = tap ? 65521 : 65535;
    if (config->mtu != 0 && (config->mtu < 68 || config->mtu > most))
        return port_fail(error, EINVAL, "MTU %u: must be 68 to %u", config->mtu, most);
    if (config->name != NULL && strlen(config->name) >= IFNAMSIZ)
        return port_fail(error, ENAMETOOLONG, "device name \"%.40s\": must have 1 to %d characters",
                         config->name, IFNAMSIZ - 1);
    return 0;
}

static int open_device(struct hawser_port_error *error)
{
    int fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    int why = errno;
    const char *remedy = "";
    if (why == ENOENT)
        remedy = " (as root: modprobe tun; a container must be given the device)";
    else if (why == ENODEV || why == ENXIO)
        remedy = " (the kernel has no TUN driver: modprobe tun)";
    else if (why == EACCES || why == EPERM)
        remedy = " (run as root, or let this user open it)";
    return port_fail(error, why, "cannot open " DEVICE ": %s%s", strerror(why), remedy);
}

static int take_interface(struct hawser_tun *tun, const char *name, struct hawser_port_error *error)
{
    struct ifreq request;
    memset(&request, 0, sizeof request);
    bool tap = tun->kind == HAWSER_LINK_ETHERNET;
    request.ifr_flags = (short)((tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
    if (name != NULL)
        memcpy(request.ifr_name, name, strlen(name)); /* check_config: it fits, with its NUL */
    if (ioctl(tun->fd, TUNSETIFF, &request) == 0) {
        memcpy(tun->name, request.ifr_name, IFNAMSIZ);
        return 0;
    }
    int why = errno;
    const char *remedy = "";
    if (why == EPERM)
        remedy =
            " (needs CAP_NET_ADMIN in this network namespace: run as root, or in a private one; "
            "or the device belongs to another user)";
    else if (why == EBUSY)
        remedy = " (another program has it open)";
    else if (why == EINVAL)
        remedy = " (an interface of that name is there and is of another kind, or the name is bad)";
    return port_fail(error, why, "cannot make the %s device \"%s\": %s%s", tap ? "TAP" : "TUN",
                     name != NULL ? name : "", strerror(why), remedy);
}

static int set_up(struct hawser_tun *tun, const struct hawser_tun_config *config,
                  struct hawser_port_error *error)
{
    int result = 0;
    if (config->mtu != 0)
        result = hawser_interface_set_mtu(tun->name, config->mtu, error);
    if (result == 0)
        result = hawser_interface_mtu(tun->name, &tun->mtu, error);
    if (result == 0 && config->up)
        result = hawser_interface_up(tun->name, error);
    return result;
}

static int take_memory(struct hawser_tun *tun, struct hawser_port_error *error)
{
    size_t frame = (size_t)tun->mtu + ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;
    tun->slot_bytes = (frame + 63) & ~(size_t)63;
    tun->read_memory = aligned_alloc(64, HAWSER_TUN_BATCH * tun->slot_bytes);
    tun->write_memory = aligned_alloc(64, HAWSER_TUN_BATCH * tun->slot_bytes);
    if (tun->read_memory == NULL || tun->write_memory == NULL)
        return port_fail(error, ENOMEM, "no memory for the buffers of %s", tun->name);
    return 0;
}

int hawser_tun_open(const struct hawser_tun_config *config, struct hawser_tun **out,
                    struct hawser_port_error *error)
{
    int result = check_config(config, error);
    if (result != 0)
        return result;
    struct hawser_tun *tun = calloc(1, sizeof *tun);
    if (tun == NULL)
        return port_fail(error, ENOMEM, "no memory for a device");
    tun->kind = config->kind;
    tun->fd = open_device(error);
    result = tun->fd < 0 ? tun->fd : take_interface(tun, config->name, error);
    if (result == 0)
        result = set_up(tun, config, error);
    if (result == 0)
        result = take_memory(tun, error);
    if (result != 0) {
        hawser_tun_close(tun);
        return result;
    }
    for (size_t i = 0; i < HAWSER_TUN_BATCH; i++) {
        tun->buffers[i].data = tun->write_memory + i * tun->slot_bytes;
        tun->buffers[i].capacity = (uint32_t)tun->slot_bytes;
    }
    *out = tun;
    return 0;
}

void hawser_tun_close(struct hawser_tun *tun)
{
    if (tun == NULL)
        return;
    if (tun->fd >= 0)
        (void)close(tun->fd);
    free(tun->read_memory);
    free(tun->write_memory);
    free(tun);
}

const char *hawser_tun_name(const struct hawser_tun *tun)
{
    return tun->name;
}

uint32_t hawser_tun_mtu(const struct hawser_tun *tun)
{
    return tun->mtu;
}

int hawser_tun_fd(const struct hawser_tun *tun)
{
    return tun->fd;
}

const struct hawser_tun_counters *hawser_tun_counters_of(const struct hawser_tun *tun)
{
    return &tun->counters;
}

void hawser_tun_set_tap(struct hawser_tun *tun, hawser_tap *tap, void *context)
{
    tun->tap = tap;
    tun->tap_context = context;
}

struct hawser_buffer *hawser_tun_buffers(struct hawser_tun *tun)
{
    return tun->buffers;
}

/* On a device the fate of a frame is known at once: both words about it follow each other. */
static void tell(struct hawser_tun *tun, unsigned from, uint64_t now_ns, const uint8_t *data,
                 uint32_t length, enum hawser_tap_verdict verdict)
{
    uint64_t number = ++tun->numbers[from];
    if (tun->tap == NULL)
        return;
    struct hawser_tap_event event = {.verdict = HAWSER_TAP_SENT,
                                     .kind = tun->kind,
                                     .from = from,
                                     .number = number,
                                     .now_ns = now_ns,
                                     .sent_ns = now_ns,
                                     .data = data,
                                     .length = length};
    tun->tap(tun->tap_context, &event);
    event.verdict = verdict;
    tun->tap(tun->tap_context, &event);
}

int hawser_tun_read(struct hawser_tun *tun, uint64_t now_ns, struct hawser_frame *frames,
                    size_t count)
{
    size_t have = 0;
    while (have < count && have < HAWSER_TUN_BATCH) {
        uint8_t *slot = tun->read_memory + have * tun->slot_bytes;
        ssize_t n = read(tun->fd, slot, tun->slot_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && have == 0)
            return -errno; /* with frames in hand: they first, the error comes again */
        if (n <= 0)
            break;
        frames[have] = (struct hawser_frame){.data = slot, .length = (uint32_t)n};
        tun->counters.frames_in++;
        tun->counters.bytes_in += (uint64_t)n;
        tell(tun, 1, now_ns, slot, (uint32_t)n, HAWSER_TAP_DELIVERED);
        have++;
    }
    return (int)have;
}

int hawser_tun_write(struct hawser_tun *tun, uint64_t now_ns, const struct hawser_buffer *buffers,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ssize_t n;
        do
            n = write(tun->fd, buffers[i].data, buffers[i].length);
        while (n < 0 && errno == EINTR);
        int why = n < 0 ? errno : 0;
        tell(tun, 0, now_ns, buffers[i].data, buffers[i].length,
             why == 0 ? HAWSER_TAP_DELIVERED : HAWSER_TAP_LOST);
        if (why == EBADFD)
            return -why;
        if (why != 0) {
            tun->counters
                .frames_lost++; /* EIO: the interface is down; ENOMEM; EINVAL: no such frame */
            continue;
        }
        tun->counters.frames_out++;
        tun->counters.bytes_out += buffers[i].length;
    }
    return 0;
}
