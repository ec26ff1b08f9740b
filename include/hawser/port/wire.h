/* SPDX-License-Identifier: MIT */
/* The wire: a link in memory between two ends, perfect, or as bad as it is told to be. */
#ifndef HAWSER_PORT_WIRE_H
#define HAWSER_PORT_WIRE_H

#include <hawser/hawser.h>
#include <hawser/port/error.h>
#include <hawser/port/tap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A wire has the ends 0 and 1. An end is a host's link (hawser_wire_attach) or the program itself
 * (hawser_wire_put, hawser_wire_take). A direction is named by the end that sends: direction 0 goes
 * from end 0 to end 1.
 *
 * What happens to a frame, in this order: it waits for the line (rate; dropped if the queue is
 * full), may be lost (it has used the line all the same), may be duplicated, may be corrupted (each
 * copy for itself), travels (delay, jitter), and may be held back (reordering).
 *
 * Everything is reproducible: whether the n-th frame of a direction meets a fault depends on the
 * seed, the direction, n, the kind of fault and its probability, and on nothing else. So the same
 * seed and inputs give the same bytes at the same times; switching one fault on does not move the
 * others; and a higher probability hits the same frames and more.
 *
 * Not thread-safe. The wire reads no clock: now_ns is the caller's, as for hosts, and must not go
 * back. */
struct hawser_wire;

#define HAWSER_WIRE_BATCH 32u    /* most frames moved at once */
#define HAWSER_WIRE_PPM 1000000u /* a probability of 1 */

struct hawser_wire_config {
    enum hawser_link_kind kind; /* ETHERNET or IP */
    uint32_t mtu;               /* bytes of an IP packet, 68..65535; 0 = 1500. Frames may have 14
                                   bytes more on ETHERNET */
    uint64_t seed;              /* of all chance, both directions */
    uint32_t frames_max;        /* frames each direction can hold, 64..2^20; 0 = 65536. More are
                                   dropped as by a full queue. Their memory is taken when first
                                   needed and kept */
};

/* Of one direction. All zero is a perfect line: no delay, no limit, no fault. */
struct hawser_wire_settings {
    uint64_t delay_ns;        /* of every frame; 0..3600 s */
    uint64_t jitter_ns;       /* and up to this much more, evenly spread; 0..3600 s. Never changes
                                 the order of frames: a frame that would overtake arrives together
                                 with the one before it */
    uint64_t rate_bits_per_s; /* of frames as they are (no preamble, no checksum field); 0 = no
                                 limit, ..10^12 */
    uint64_t queue_bytes;     /* with a rate: frames that wait or are being sent, what is left of
                                 them; drop-tail. A frame that meets an idle line is always taken.
                                 ..2^30; 0 = 100 ms at this rate, at least 64 KiB */
    uint32_t loss_ppm;        /* 0..HAWSER_WIRE_PPM, as are the others */
    uint32_t duplicate_ppm;   /* the copy arrives right after the original */
    uint32_t reorder_ppm;     /* this part of the frames takes reorder_ns longer and can be
                                 overtaken */
    uint64_t reorder_ns;      /* 1..3600 s if reorder_ppm is not 0 */
    uint32_t corrupt_ppm;     /* exactly one bit, anywhere in the frame, is flipped */
};

struct hawser_wire_counters {
    uint64_t sent_frames, sent_bytes;
    uint64_t delivered_frames, delivered_bytes; /* copies included */
    uint64_t lost, overflowed, duplicated, corrupted, late;
    uint64_t in_flight; /* waiting or travelling at this moment */
};

/* What a filter does to one frame, over and above what chance does. */
enum hawser_wire_fate {
    HAWSER_WIRE_PASS,
    HAWSER_WIRE_LOSE,
    HAWSER_WIRE_DUPLICATE,
    HAWSER_WIRE_CORRUPT,
    HAWSER_WIRE_HOLD, /* takes reorder_ns longer (1 ms if that is 0) and can be overtaken */
};

/* Sees each frame when it is sent ("lose the second FIN"). It must not call the wire or a
 * host on it. */
typedef enum hawser_wire_fate hawser_wire_filter(void *context, unsigned from, uint64_t now_ns,
                                                 const uint8_t *data, uint32_t length);

/* Makes a perfect wire with nobody at its ends.
 * Returns 0 and *out, -EINVAL (kind, mtu or frames_max) or -ENOMEM. */
HAWSER_EXPORT
int hawser_wire_create(const struct hawser_wire_config *config, struct hawser_wire **out);

/* Frames on the way are gone. Hosts that were attached are left alone. NULL is allowed. */
HAWSER_EXPORT
void hawser_wire_destroy(struct hawser_wire *wire);

/* Changes one direction (0 or 1; any other number: both) from the next frame on; frames on the way
 * keep the times they have. Returns 0 or -EINVAL (a value out of its range; nothing is changed). */
HAWSER_EXPORT
int hawser_wire_set(struct hawser_wire *wire, unsigned direction,
                    const struct hawser_wire_settings *settings);

/* What is set now; never NULL for direction 0 or 1; valid until the next set. */
HAWSER_EXPORT
const struct hawser_wire_settings *hawser_wire_settings_of(const struct hawser_wire *wire,
                                                           unsigned direction);

/* Tells tap (NULL = nobody) about every frame of both directions. One tap a wire. A wire that is
 * listened to is slower. */
HAWSER_EXPORT
void hawser_wire_set_tap(struct hawser_wire *wire, hawser_tap *tap, void *context);

/* Asks filter (NULL = none) about every frame of both directions. */
HAWSER_EXPORT
void hawser_wire_set_filter(struct hawser_wire *wire, hawser_wire_filter *filter, void *context);

/* Live counters of direction 0 or 1; valid as long as the wire. */
HAWSER_EXPORT
const struct hawser_wire_counters *hawser_wire_counters_of(const struct hawser_wire *wire,
                                                           unsigned direction);

/* ---- ends that are hosts --------------------------------------------------------------------- */

/* Makes end (0 or 1) the link of a host; NULL detaches. The host stays the caller's, who detaches
 * it or destroys the wire before the host is destroyed. The link's kind and mtu must be the wire's
 * (not checked). Returns 0 or -EINVAL (end). */
HAWSER_EXPORT
int hawser_wire_attach(struct hawser_wire *wire, unsigned end, struct hawser_host *host,
                       uint32_t link);

/* One round: takes up to HAWSER_WIRE_BATCH frames out of each attached host (hawser_output) and
 * hands what is due to the hosts (hawser_input). Returns how many frames it moved out of or into
 * hosts; 0 = quiet until hawser_wire_next or until a host has something to send. Call it again
 * until it returns 0. On a perfect line the bytes stay where hawser_output wrote them: nothing is
 * copied, allocated or queued. */
HAWSER_EXPORT
size_t hawser_wire_pump(struct hawser_wire *wire, uint64_t now_ns);

/* One direction of hawser_wire_pump: out of the host at end `from`, into the other one. For loops in which each host's program acts between its
 * host's input and its host's output, as hawser.h describes the loop of an embedder. An end other than 0 and 1 moves nothing. */
HAWSER_EXPORT
size_t hawser_wire_pump_from(struct hawser_wire *wire, unsigned from, uint64_t now_ns);

/* When the next frame arrives at either end; UINT64_MAX = none is on the way. */
HAWSER_EXPORT
uint64_t hawser_wire_next(const struct hawser_wire *wire);

/* When the next frame arrives at this end (0 or 1). */
HAWSER_EXPORT
uint64_t hawser_wire_next_at(const struct hawser_wire *wire, unsigned end);

/* ---- ends that are something else ------------------------------------------------------------ */

/* Sends a copy of one frame from an end (which may be attached, too). Returns 0, also when the wire
 * loses it; -EINVAL: end, or length 0; -EMSGSIZE: longer than the wire's mtu allows. */
HAWSER_EXPORT
int hawser_wire_put(struct hawser_wire *wire, unsigned end, uint64_t now_ns, const void *data,
                    size_t length);

/* The same without a copy: HAWSER_WIRE_BATCH buffers of the wire's to write frames into (set
 * length), and then hawser_wire_commit sends the first count of them; one whose length is 0 or
 * above its capacity is left out. After commit their memory is another: look at data again. */
HAWSER_EXPORT
struct hawser_buffer *hawser_wire_buffers(struct hawser_wire *wire, unsigned end);
HAWSER_EXPORT
void hawser_wire_commit(struct hawser_wire *wire, unsigned end, uint64_t now_ns, size_t count);

/* Receives up to count frames (at most HAWSER_WIRE_BATCH a call) that have arrived at an end by
 * now_ns, oldest first; returns how many. Their bytes are valid until the next take or pump for
 * this end. flags are 0. */
HAWSER_EXPORT
size_t hawser_wire_take(struct hawser_wire *wire, unsigned end, uint64_t now_ns,
                        struct hawser_frame *frames, size_t count);

#ifdef __cplusplus
}
#endif
#endif
