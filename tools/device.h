/* SPDX-License-Identifier: MIT */
/* A host on a TAP device: the options for it, setting it up, and its loop. */
#ifndef TOOLS_DEVICE_H
#define TOOLS_DEVICE_H

#include <argp.h>
#include <poll.h>
#include <stdbool.h>

#include <hawser/hawser.h>
#include <hawser/port/pcap.h>
#include <hawser/port/tun.h>

#include "cli.h"

#define DEVICE_ADDRESSES_MAX 8u

struct device_prefixes {
    struct cli_prefix list[DEVICE_ADDRESSES_MAX];
    unsigned count;
};

struct device_options {
    const char *tap;                  /* the device's name */
    struct device_prefixes addresses; /* Hawser's */
    struct device_prefixes peers;     /* the kernel's, set on the device */
    struct device_prefixes gateways;
    uint32_t mtu;
    const char *capture; /* file, NULL = none */
    unsigned subnet;     /* of the default addresses, 0..255 */
};

/* For argp's children; its input is a struct device_options that device_defaults filled in. */
extern const struct argp device_argp;

/* Without an --address there are 10.72.subnet.0/24 and fd48:5753:0:subnet::/64, where the kernel is
 * number 1 and Hawser number 2. The subnet keeps commands that run at the same time apart. */
void device_defaults(struct device_options *options, const char *tap, unsigned subnet);

/* Fills in what was not given; the parser does so at its end. */
void device_complete(struct device_options *options);

struct device {
    struct hawser_tun *tun;
    struct hawser_host *host;
    uint32_t link;
    struct hawser_pcap_writer *capture;
};

/* 0 and *device, or a negative errno value and why; then nothing is left. config may be NULL:
 * defaults; its memory and entropy are filled in here. */
int device_open(struct device *device, const struct device_options *options,
                const struct hawser_config *config, struct hawser_port_error *error);

/* What is still to be sent is sent. False, after saying so: the capture could not be written. */
bool device_close(struct device *device);

/* One turn: sends, waits until something comes (a signal, too: signals.h) or until_ns, receives,
 * dispatches events. False: the device is gone, said. */
bool device_turn(struct device *device, uint64_t until_ns, struct pollfd *others,
                 size_t others_count);

/* The first address of a family that Hawser has there: false = none. */
bool device_address_of(const struct device_options *options, bool v4, struct hawser_address *out);

#endif
