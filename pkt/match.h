/* SPDX-License-Identifier: MIT */
/* Is a packet the expected one? Both in the script's numbers. */
#ifndef PKT_MATCH_H
#define PKT_MATCH_H

#include "pkt/live.h"

struct pkt_label {
    uint32_t script, live;
};

#define PKT_LABELS_MAX 64u

struct pkt_match {
    int64_t ts_tick_ns;      /* 0 = TS values are not compared */
    int64_t tolerance_ns;    /* of this packet's time */
    bool echoes;             /* TS ecr is compared (packetdrill does not) */
    struct pkt_label labels[PKT_LABELS_MAX]; /* flow labels so far */
    size_t label_count;
};

#define PKT_WHY_MAX 200u

/* true = it is. Otherwise why says what differs. Flow labels are learnt. */
bool pkt_match(struct pkt_match *match, const struct pkt_packet *expected, const struct pkt_live *live, char why[PKT_WHY_MAX]);

/* Can `next` be merged behind `live`: the segment that follows it, with headers alike? Merges and returns true, or changes nothing. size is the payload of the
 * first segment of the merged ones. */
bool pkt_merge(struct pkt_live *live, const struct pkt_live *next, uint32_t size);

#endif
