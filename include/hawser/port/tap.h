/* SPDX-License-Identifier: MIT */
/* What a listener on a wire or a device is told about each frame. */
#ifndef HAWSER_PORT_TAP_H
#define HAWSER_PORT_TAP_H

#include <stdint.h>

#include <hawser/hawser.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hawser_tap_verdict {
    HAWSER_TAP_SENT,      /* left its sender; told once for each frame, before its fate */
    HAWSER_TAP_DELIVERED, /* handed to the receiver, bytes as they arrive; for copies, too */
    HAWSER_TAP_LOST,      /* lost on the way, right after SENT */
    HAWSER_TAP_OVERFLOW,  /* dropped because the queue before the line was full, right after SENT */
};

#define HAWSER_TAP_DUPLICATE 1u /* this is the extra copy */
#define HAWSER_TAP_CORRUPTED 2u /* one bit is not what was sent */
#define HAWSER_TAP_LATE 4u      /* held back so that later frames can overtake it */

struct hawser_tap_event {
    enum hawser_tap_verdict verdict;
    enum hawser_link_kind kind;
    uint32_t marks;      /* HAWSER_TAP_DUPLICATE, ...; 0 with SENT */
    unsigned from;       /* the end that sent it: 0 or 1; on a device 0 the host, 1 the kernel */
    uint64_t number;     /* of the frame in its direction, from 1; a copy has its original's */
    uint64_t now_ns;     /* when this happened */
    uint64_t sent_ns;    /* when it was sent */
    const uint8_t *data; /* valid during the call only */
    uint32_t length;     /* bytes */
};

/* Must not call the wire, the device or a host that it listens to. */
typedef void hawser_tap(void *context, const struct hawser_tap_event *event);

#ifdef __cplusplus
}
#endif
#endif
