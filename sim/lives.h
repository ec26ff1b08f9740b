/* SPDX-License-Identifier: MIT */
/* What the checkers know of each end of each connection, from what it showed of itself. */
#ifndef HAWSER_SIM_LIVES_H
#define HAWSER_SIM_LIVES_H

#include <hawser/trace.h>

#define LIFE_NONE UINT32_MAX
#define LIFE_PAST 3u

/* What its status said when it was looked at last. */
struct look {
    bool taken;
    uint8_t recovery;
    uint32_t timeouts; /* of retransmission, so far */
    uint32_t una, edge, flight, mss, rtt_samples;
    uint64_t cwnd, rto_ns;
};

/* One 4-tuple at one host, through all its incarnations; what follows `state` is of the present one. */
struct life {
    struct hawser_endpoint local, remote;
    uint32_t host, hash_next;
    bool used;
    enum hawser_state state;
    enum hawser_cause ended_by; /* of the last incarnation that ended */
    uint32_t flow;              /* whose end this is, UINT32_MAX = nobody's (yet) */
    uint64_t cut_at_ns; /* an incarnation ended without TIME-WAIT, or TIME-WAIT too early; 0 = none */
    uint32_t past_iss[LIFE_PAST];
    unsigned past_count;

    bool has_iss, has_irs, has_edge, has_ack, heard_syn, sent_data;
    bool scaling_sent, scaling_heard, timestamps_sent, timestamps_heard, timestamps;
    bool fin_sent, fin_heard;
    bool reopened;  /* a SYN took over the record before */
    bool of_cookie; /* what the SYN said is not known */
    uint8_t snd_scale, rcv_scale; /* of what it hears, and of what it says */
    uint16_t peer_mss;
    uint32_t iss, irs;
    uint32_t snd_una, snd_max, snd_edge; /* edge: how far the peer lets it send */
    uint32_t rcv_high;                   /* how far it has ever been sent anything */
    uint32_t ack_sent, rcv_edge;         /* what it acknowledged and offered */
    uint32_t ts_sent, ts_echoed; /* its own clock, and the peer's as it repeated it last */
    uint64_t until_ns;   /* of its record, by its host's clock; 0 = none */
    uint64_t entered_ns; /* when that began */
    uint32_t time_waits;
    uint32_t timeouts;   /* in a row, without progress */
    uint32_t timeouts_all;
    uint32_t heard_seq;  /* the newest that it heard */
    bool has_heard_seq;
    bool edge_lowered;   /* by what seemed new, since it was looked at */
    bool sent_new;       /* text, since it was looked at */
    struct look look;
    uint64_t ack_due_ns; /* text in order is unacknowledged since then, less one; 0 = none */
    /* Storms: segments without progress, and since when. */
    uint32_t idle_segments;
    uint64_t idle_since_ns;
};

struct lives {
    struct life *list;
    uint32_t count, room, used;
    uint32_t *buckets;
    uint32_t buckets_mask;
    uint32_t last; /* found last */
    uint32_t free_head;
    uint64_t purged;
};

void lives_clear(struct lives *lives);
void lives_free(struct lives *lives);

/* LIFE_NONE if it was never seen. */
uint32_t lives_find(struct lives *lives, uint32_t host, const struct hawser_endpoint *local,
                    const struct hawser_endpoint *remote);
/* Makes it if needed; LIFE_NONE: no memory. Lives move: look at the list again after this. */
uint32_t lives_get(struct lives *lives, uint32_t host, const struct hawser_endpoint *local,
                   const struct hawser_endpoint *remote);

/* A new incarnation begins. */
void life_begin(struct life *life);

static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

#endif
