/* SPDX-License-Identifier: MIT */
/* The driver: a host on a TAP device that does what lines of JSON tell it. */
#ifndef INTEROP_DRIVER_H
#define INTEROP_DRIVER_H

#include <jansson.h>

#include <hawser/hawser.h>
#include <hawser/port/pcap.h>
#include <hawser/port/tun.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

struct driver {
    struct hawser_tun *tun;
    struct hawser_host *host;
    uint32_t link;
    struct hawser_pcap_writer *capture;
    bool paused; /* sends, but takes nothing from the device */
    bool ending;
    struct flow **flows; /* by id - 1; NULL = gone */
    size_t flows_count, flows_room;
};

/* The first member of everything that is the `user` of a connection or listener. */
struct target {
    void (*on_event)(struct driver *driver, struct target *target, uint32_t events);
};

/* Prints an object as one line and drops the reference. */
void emit(json_t *object);

/* Ends the process with a message: for what the tests do wrong, not the peer. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/* Obeys one line, and answers it. */
void command(struct driver *driver, const char *line, size_t length);

/* Starts an iperf3 server on a port: one test at a time, one TCP stream. */
int iperf3_start(struct driver *driver, uint16_t port);

#endif
