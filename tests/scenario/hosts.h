/* SPDX-License-Identifier: MIT */
/* Two hosts on a wire in virtual time, and at each end a program that lives by events alone: it
 * writes one stream, reads and checks the other, and closes. End 0 opens, end 1 listens. */
#ifndef HAWSER_TEST_HOSTS_H
#define HAWSER_TEST_HOSTS_H

#include "support/unit.h"

#include <hawser/hawser.h>
#include <hawser/port/memory.h>
#include <hawser/port/tap.h>
#include <hawser/port/world.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#define HOSTS_PORT 80u
#define HOSTS_MS UINT64_C(1000000)
#define HOSTS_S (1000 * HOSTS_MS)
#define HOSTS_BOTH_CLOSE 2u
#define HOSTS_NOBODY_CLOSES 3u

/* What one run is. */
struct hosts_setup {
    const char *name; /* for messages */
    uint64_t seed;    /* of secrets and chance */
    bool v6, ethernet, sack, timestamps, scaling;
    struct hawser_wire_settings wire[2];
    uint32_t stream_bytes[2]; /* what each end writes */
    unsigned closer;          /* the end that closes when it has written; the other when it has read
                                 the end of that stream; HOSTS_BOTH_CLOSE: nobody waits */
    uint32_t buffer_bytes;    /* of both kinds at both ends; 0 = as the configuration has them */
    uint32_t bite_bytes;      /* most that is read at once, 0 = all there is … */
    uint64_t bite_every_ns;   /* … and how often */
    bool nodelay;
    bool strangers; /* others write into the streams, and may end them */
};

/* One end, and what was seen there. */
struct hosts_end {
    struct hawser_host *host;
    struct hawser_memory_meter meter;
    hawser_tcp listener, tcp;
    uint32_t written, read;
    uint64_t bite_at_ns; /* when it may read again; UINT64_MAX: when there is something */
    bool shut, sent_all; /* FIN queued; it and all before it acknowledged */
    bool open, read_all, closed;
    bool failed;
    bool aloud;       /* HOSTS_TRACE is in the environment: print every event */
    unsigned records; /* TIME-WAIT records that were entered */
    uint64_t record_at_ns, record_ended_ns;
    unsigned timeouts; /* retransmission timer */
    uint32_t edge;     /* highest ACK + window it has sent */
    bool has_edge;
    unsigned edge_back;   /* times that edge went back by more than the scale's rounding */
    uint8_t wscale;       /* it announced */
    unsigned bare;        /* segments without a timestamp though both agreed on them */
    unsigned syn_options; /* segments without SYN that have an option of SYNs */
};

struct hosts {
    struct hosts_setup setup;
    struct hawser_world *world;
    struct hawser_wire *wire;
    uint32_t links[2];
    struct hosts_end end[2];
    struct hawser_address address[2];
    uint16_t client_port;
    uint64_t hash;      /* of every frame on the wire with its time and fate */
    uint64_t frames[2]; /* sent by each end */
};

/* World, hosts, wire, listener; the connection is opened at the first instant. */
void hosts_start(struct hosts *h, const struct hosts_setup *setup);

/* Destroys all and fails the test when a host did not give its memory back. */
void hosts_end(struct hosts *h);

/* Lets time pass until done says so; fails the test when limit_ns of it are over before. */
void hosts_run(struct hosts *h, uint64_t limit_ns, bool (*done)(void *h));

/* Both streams were read to their ends, every program has closed, and no connection is left but in
 * TIME-WAIT. */
bool hosts_finished(void *h);

/* What was to be written was written, read and acknowledged, and nothing is on the way. */
bool hosts_quiet(void *h);

struct hawser_tcp_info hosts_info(const struct hosts *h, unsigned end);

/* Until nothing will ever happen any more. Returns how long that took. */
uint64_t hosts_run_out(struct hosts *h);

/* What a host holds. */
struct hawser_usage hosts_usage(const struct hosts *h, unsigned end);

/* Ends the test with what run this is. */
__attribute__((noreturn, format(printf, 2, 3))) void hosts_fail(const struct hosts *h,
                                                                const char *format, ...);

#define HOSTS_CHECK(h, what)                                                                       \
    do {                                                                                           \
        if (!(what))                                                                               \
            hosts_fail(h, "line %d: not so: %s", __LINE__, #what);                                 \
    } while (0)

#endif
