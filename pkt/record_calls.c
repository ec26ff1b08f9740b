/* SPDX-License-Identifier: MIT */
/* The recorder's guesses: what the program above the stack called, and when. A call stands where
 * the first packet shows what it did; what no packet shows is not guessed. */
#include <string.h>

#include "pkt/record_internal.h"

#define IMMEDIATE_NS 1000000LL        /* an answer comes so soon */
#define ORPHAN_NS (55LL * 1000000000) /* who has closed does not wait longer for the peer's FIN */
#define GAP_MAX_NS (100LL * 86400 * 1000000000)
#define MORE_BYTES 1460u
#define GROUP_MAX (1u << 20)           /* bytes of one write */
#define KEEPALIVE_LEAST_NS 900000000LL /* a second is the least that can be set */
#define LISTENING_FD 3
#define CHILD_FD 4

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static bool is_out(const struct record_packet *packet, bool local_first)
{
    return packet->from_first == local_first;
}

static const struct pkt_option *option_of(const struct pkt_tcp *tcp, enum pkt_option_kind kind)
{
    for (size_t i = 0; i < tcp->options_count; i++)
        if (tcp->options[i].kind == kind)
            return &tcp->options[i];
    return NULL;
}

/* ---- facts -------------------------------------------------------------------------------- */

static void look_at_syn(const struct pkt_tcp *tcp, bool out, struct record_facts *facts)
{
    const struct pkt_option *mss = option_of(tcp, PKT_OPT_MSS);
    const struct pkt_option *wscale = option_of(tcp, PKT_OPT_WSCALE);
    bool sack = option_of(tcp, PKT_OPT_SACK_OK) != NULL;
    bool timestamps = option_of(tcp, PKT_OPT_TIMESTAMPS) != NULL;
    if (!out) {
        facts->peer_mss = mss != NULL ? mss->value : facts->v6 ? 1220 : 536;
        facts->peer_syn_seen = true;
        facts->peer_has_wscale = wscale != NULL;
        facts->peer_has_sack = sack;
        facts->peer_has_timestamps = timestamps;
        return;
    }
    if (facts->syn_seen) /* a SYN-ACK that has what is left of the SYN's options */
        return;
    facts->syn_seen = true;
    facts->has_mss = mss != NULL;
    facts->mss = mss != NULL ? mss->value : 0;
    facts->has_wscale = wscale != NULL;
    facts->wscale = wscale != NULL ? (wscale->value < 14 ? wscale->value : 14) : 0;
    facts->has_sack = sack;
    facts->has_timestamps = timestamps;
    facts->syn_window = (uint32_t)tcp->window;
}

/* Was this time stamp of the stack's in the capture before? The last ones are looked at. */
struct echoes {
    uint32_t values[256];
    size_t count;
};

static bool was_sent(const struct echoes *echoes, uint32_t value)
{
    size_t kept = echoes->count < 256 ? echoes->count : 256;
    for (size_t i = 0; i < kept; i++)
        if (echoes->values[i] == value)
            return true;
    return false;
}

struct looking {
    uint32_t sent_end, acked; /* live numbers of the stack's side */
    bool any_sent;
    uint32_t peer_window;
    int64_t asked_ns; /* when the packet before came in; 0 = none did */
    int64_t last_ns;
    int64_t data_ns; /* when the first data came in; 0 = none did */
    bool data_answered;
    unsigned data_count;    /* of packets, until then */
    unsigned probes;        /* in a row */
    unsigned probes_before; /* that were in a row when the packet before came in */
    struct echoes echoes;
};

/* Nothing is under way, and a number is sent again that was acknowledged long ago. */
static bool is_keepalive(const struct looking *looking, const struct pkt_tcp *tcp)
{
    return (tcp->flags & (PKT_SYN | PKT_FIN | PKT_RST)) == 0 && tcp->length <= 1 &&
           looking->any_sent && tcp->seq == looking->sent_end - 1 &&
           looking->acked == looking->sent_end && looking->peer_window > 0;
}

static void look_for_keepalive(const struct record_packet *at, struct looking *looking,
                               struct record_facts *facts)
{
    const struct pkt_tcp *tcp = &at->packet.tcp;
    int64_t idle = at->time_ns - looking->last_ns;
    if ((tcp->flags & PKT_RST) != 0 && looking->probes_before > 0)
        facts->keepalive_count = looking->probes_before;
    if (!is_keepalive(looking, tcp) || idle < KEEPALIVE_LEAST_NS) {
        looking->probes = 0;
        return;
    }
    if (looking->probes == 0 && facts->keepalive_idle_ns == 0)
        facts->keepalive_idle_ns = idle;
    else if (looking->probes > 0)
        facts->keepalive_interval_ns = idle;
    looking->probes++;
}

static void look_out(const struct record_packet *at, struct looking *looking,
                     struct record_facts *facts)
{
    const struct pkt_tcp *tcp = &at->packet.tcp;
    const struct pkt_option *stamp = option_of(tcp, PKT_OPT_TIMESTAMPS);
    uint32_t scale = facts->has_wscale && facts->peer_has_wscale ? facts->wscale : 0;
    bool syn = (tcp->flags & PKT_SYN) != 0;
    uint32_t window = (uint32_t)tcp->window << (syn ? 0 : scale);
    uint32_t full = facts->peer_mss < facts->mss || facts->mss == 0 ? facts->peer_mss : facts->mss;
    look_for_keepalive(at, looking, facts);
    if (syn)
        look_at_syn(tcp, true, facts);
    if (looking->data_ns > 0 && !looking->data_answered) {
        looking->data_answered = true;
        facts->slow_ack = at->time_ns - looking->data_ns > IMMEDIATE_NS || looking->data_count > 1;
    }
    facts->reset_seen = facts->reset_seen || (tcp->flags & PKT_RST) != 0;
    if ((tcp->flags & PKT_RST) == 0 && window > facts->most_window)
        facts->most_window = window;
    if (stamp != NULL)
        looking->echoes.values[looking->echoes.count++ % 256] = stamp->ts_val;
    if (stamp != NULL && full > 12)
        full -= 12;
    if (tcp->length > 0 && tcp->length < full && (tcp->flags & (PKT_SYN | PKT_FIN)) == 0 &&
        looking->any_sent && tcp->seq == looking->sent_end &&
        before(looking->acked, looking->sent_end))
        facts->small_segments = true;
    uint32_t end = tcp->seq + tcp->length + syn + ((tcp->flags & PKT_FIN) != 0);
    if (!looking->any_sent || before(looking->sent_end, end))
        looking->sent_end = end;
    if (!looking->any_sent)
        looking->acked = tcp->seq;
    looking->any_sent = true;
    int64_t answer = looking->asked_ns > 0 ? at->time_ns - looking->asked_ns : 0;
    if (answer < 20000000 && answer > facts->slowest_answer_ns)
        facts->slowest_answer_ns = answer;
    looking->asked_ns = 0;
}

static void look_in(const struct record_packet *at, struct looking *looking,
                    struct record_facts *facts)
{
    const struct pkt_tcp *tcp = &at->packet.tcp;
    const struct pkt_option *stamp = option_of(tcp, PKT_OPT_TIMESTAMPS);
    if ((tcp->flags & PKT_SYN) != 0)
        look_at_syn(tcp, false, facts);
    if ((tcp->flags & PKT_ACK) != 0 && looking->any_sent && before(looking->acked, tcp->ack))
        looking->acked = tcp->ack;
    if (stamp != NULL && stamp->ts_ecr != 0 && !was_sent(&looking->echoes, stamp->ts_ecr))
        facts->strange_echoes = true;
    looking->peer_window = (uint32_t)tcp->window;
    looking->probes_before = looking->probes;
    looking->probes = 0;
    if (looking->data_ns == 0 && tcp->length > 0 &&
        (tcp->flags & (PKT_SYN | PKT_RST | PKT_ACK)) == PKT_ACK)
        looking->data_ns = at->time_ns;
    looking->data_count += tcp->length > 0 && (tcp->flags & PKT_ACK) != 0;
    facts->urgent_in = facts->urgent_in || (tcp->flags & PKT_URG) != 0;
    looking->asked_ns = at->time_ns;
}

void record_look(const struct record_connection *connection, bool local_first,
                 struct record_facts *out)
{
    struct looking looking = {0};
    *out = (struct record_facts){.client = local_first,
                                 .v6 = !hawser_address_is_v4(&connection->ends.source)};
    for (const struct record_packet *at = connection->first; at != NULL; at = at->next) {
        if (at->packet.kind != PKT_PACKET_TCP)
            continue;
        if (is_out(at, local_first))
            look_out(at, &looking, out);
        else
            look_in(at, &looking, out);
        looking.last_ns = at->time_ns;
    }
}

/* It is the first window too, as far as a SYN can tell, and never grows. */
uint32_t record_fixed_buffer(const struct record_facts *facts)
{
    uint32_t scale = facts->has_wscale ? facts->wscale : 0;
    if (!facts->syn_seen || scale > 6)
        return 0;
    if (scale == 0)
        return facts->most_window == facts->syn_window && facts->syn_window < UINT16_MAX
                   ? facts->syn_window
                   : 0;
    uint32_t least = ((uint32_t)UINT16_MAX << (scale - 1)) + 1;
    if (facts->syn_window != UINT16_MAX || facts->most_window > (uint32_t)UINT16_MAX << scale)
        return 0;
    return facts->most_window > least ? facts->most_window : least;
}

/* ---- the state of the replay -------------------------------------------------------------- */

struct spot { /* where a call is put in */
    size_t at;
    int64_t time_ns;
};

struct replay {
    const struct record_facts *facts;
    bool local_first, loose;
    const struct record_side *own, *peer;
    int64_t zero_ns;
    struct record_lines *lines;
    int fd;
    bool connected;        /* connect() or accept() was called */
    bool closed, shut;     /* close(), shutdown(SHUT_WR) was called */
    bool opened;           /* the three-way handshake is done, as far as it seems */
    struct spot handshake; /* behind it */
    uint32_t written;      /* the stack's numbers up to here were given to it; script numbers */
    uint32_t acked;        /* the highest acknowledgement that the stack sent */
    uint32_t edge, unread; /* of its window; bytes that the program has not read */
    bool peer_answered;    /* with a SYN-ACK of our SYN, just now */
    bool peer_fin;
    uint32_t peer_fin_seq;
    uint32_t sent_end;    /* the highest number that the stack sent; script number */
    uint32_t peer_window; /* as the last packet had it */
    uint32_t peer_acked, peer_acked_before; /* by the last packet; by those before it */
    size_t after_out;                       /* index behind the last packet of the stack */
    int64_t after_out_ns;
    size_t data_at;    /* index of the last packet that brought data */
    size_t after_data; /* index behind the last packet that brought data; 0 = none did */
    int64_t after_data_ns;
    bool last_was_in, last_had_data;
    int64_t last_ns;
};

/* Puts a call in, at a time that fits between its neighbours'. */
static void say_at(struct replay *replay, size_t at, int64_t time_ns, const char *call)
{
    const struct record_lines *lines = replay->lines;
    if (at < lines->count && time_ns > lines->rows[at].time_ns)
        time_ns = lines->rows[at].time_ns;
    if (at > 0 && time_ns < lines->rows[at - 1].time_ns)
        time_ns = lines->rows[at - 1].time_ns;
    record_insert(replay->lines, at, (struct record_line){.time_ns = time_ns, .call = call});
    replay->data_at += at <= replay->data_at;
    replay->after_data += at <= replay->after_data && replay->after_data > 0;
    replay->after_out += at <= replay->after_out;
}

static void say(struct replay *replay, int64_t time_ns, const char *call)
{
    say_at(replay, replay->lines->count, time_ns, call);
}

static const char *text(struct replay *replay, const char *format, int fd, uint32_t a, uint32_t b)
{
    return pkt_arena_printf(replay->lines->arena, format, fd, a, b);
}

/* The packet with the script's numbers: both sides begin with 0. */
static struct pkt_packet *numbered(struct replay *replay, const struct record_packet *at, bool out)
{
    struct pkt_packet *packet = pkt_arena_alloc(replay->lines->arena, sizeof *packet);
    uint32_t own = replay->own->isn_known ? replay->own->isn : 0;
    uint32_t peer = replay->peer->isn_known ? replay->peer->isn : 0;
    *packet = at->packet;
    packet->inbound = !out;
    packet->has_ports = false;
    if (packet->kind == PKT_PACKET_ICMP) {
        packet->icmp.quote_seq -= own;
        return packet;
    }
    struct pkt_tcp *tcp = &packet->tcp;
    uint32_t other = out ? peer : own;
    tcp->seq -= out ? own : peer;
    tcp->ack = (tcp->flags & PKT_ACK) != 0 ? tcp->ack - other : 0;
    if ((tcp->flags & PKT_URG) == 0 && tcp->urgent == 0)
        tcp->urgent = -1;
    struct pkt_option *options =
        pkt_arena_array(replay->lines->arena, tcp->options_count + 3, sizeof *options);
    for (size_t i = 0; i < tcp->options_count; i++) {
        options[i] = tcp->options[i];
        for (unsigned k = 0; options[i].kind == PKT_OPT_SACK && k < options[i].count; k++) {
            options[i].sack[k].left -= other;
            options[i].sack[k].right -= other;
        }
    }
    tcp->options = options;
    return packet;
}

/* ---- calls -------------------------------------------------------------------------------- */

static void set_number(struct replay *replay, struct spot *spot, const char *option, uint32_t value)
{
    say_at(replay, spot->at++, spot->time_ns,
           pkt_arena_printf(replay->lines->arena, "setsockopt(%d, %s, [%u], 4) = 0", replay->fd,
                            option, value));
}

static uint32_t seconds_of(int64_t ns)
{
    int64_t seconds = (ns + 500000000) / 1000000000;
    return seconds < 1 ? 1 : seconds > 32767 ? 32767 : (uint32_t)seconds;
}

/* What the packets say about the socket's options. */
static void set_options(struct replay *replay, struct spot *spot)
{
    const struct record_facts *facts = replay->facts;
    if (facts->small_segments)
        set_number(replay, spot, "IPPROTO_TCP, TCP_NODELAY", 1);
    if (facts->slow_ack)
        set_number(replay, spot, "IPPROTO_TCP, TCP_QUICKACK", 0);
    if (facts->keepalive_idle_ns == 0)
        return;
    set_number(replay, spot, "IPPROTO_TCP, TCP_KEEPIDLE", seconds_of(facts->keepalive_idle_ns));
    if (facts->keepalive_interval_ns > 0)
        set_number(replay, spot, "IPPROTO_TCP, TCP_KEEPINTVL",
                   seconds_of(facts->keepalive_interval_ns));
    if (facts->keepalive_count > 0 && facts->keepalive_count < 128)
        set_number(replay, spot, "IPPROTO_TCP, TCP_KEEPCNT", facts->keepalive_count);
    set_number(replay, spot, "SOL_SOCKET, SO_KEEPALIVE", 1);
}

static void call_connect(struct replay *replay, int64_t now)
{
    struct spot spot = {.at = replay->lines->count, .time_ns = now};
    if (replay->connected)
        return;
    replay->connected = true;
    set_options(replay, &spot);
    say(replay, now, "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0");
    say(replay, now, "connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)");
}

/* When it is certain that there is a connection to accept; it stands where the handshake ended. */
static void call_accept(struct replay *replay, int64_t now)
{
    struct spot spot = replay->handshake;
    if (replay->connected)
        return;
    if (!replay->opened)
        spot = (struct spot){.at = replay->lines->count, .time_ns = now};
    replay->connected = true;
    say_at(replay, spot.at++, spot.time_ns, "accept(3, ..., ...) = 4");
    replay->fd = CHILD_FD;
    set_options(replay, &spot);
}

static void call_read(struct replay *replay, size_t at, int64_t now, uint32_t count)
{
    if (count == 0)
        return;
    replay->unread -= count;
    /* Urgent data divide a stream: how much a call gives is not known then. */
    const char *format = replay->facts->urgent_in ? "recv(%d, ..., %u, MSG_DONTWAIT) = ..."
                                                  : "read(%d, ..., %u) = %u";
    say_at(replay, at, now, text(replay, format, replay->fd, count, count));
}

/* ---- reading ------------------------------------------------------------------------------ */

/* What the window says about the program: it moves to the right when the program has read. */
static void guess_reads(struct replay *replay, const struct pkt_tcp *tcp, int64_t now)
{
    const struct record_facts *facts = replay->facts;
    uint32_t scale = facts->has_wscale && facts->peer_has_wscale ? facts->wscale : 0;
    uint32_t edge = tcp->ack + ((uint32_t)tcp->window << scale);
    uint32_t fresh = before(replay->acked, tcp->ack) ? tcp->ack - replay->acked : 0;
    uint32_t moved = before(replay->edge, edge) ? edge - replay->edge : 0;
    bool answer =
        replay->last_was_in && replay->last_had_data && now - replay->last_ns < IMMEDIATE_NS;
    if (fresh > 0 && replay->peer_fin && tcp->ack == replay->peer_fin_seq + 1)
        fresh--;
    if (before(replay->acked, tcp->ack))
        replay->acked = tcp->ack;
    if (moved > 0)
        replay->edge = edge;
    if (replay->opened && (before(1, tcp->ack) || facts->keepalive_idle_ns > 0))
        call_accept(replay, now);
    if (!replay->connected || replay->closed) {
        replay->unread += fresh;
        return;
    }
    if (!answer)
        replay->unread += fresh;
    /* Where windows do not count nothing is known, and programs mostly read what there is. */
    uint32_t count = moved < replay->unread && !replay->loose ? moved : replay->unread;
    size_t end = replay->lines->count;
    if (answer && replay->after_data > 0) /* before the packet that is answered came */
        call_read(replay, replay->data_at, replay->last_ns, count);
    else if (fresh > 0 && replay->after_data > 0)
        call_read(replay, replay->after_data, replay->after_data_ns, count);
    else
        call_read(replay, end, now, count);
    if (answer)
        replay->unread += fresh;
}

/* ---- writing ------------------------------------------------------------------------------ */

struct group {                  /* what one call wrote, as far as packets tell */
    uint32_t end;               /* script number */
    bool with_fin, urgent, cut; /* cut: it does not end here, but nothing more was sent */
};

/* From a packet with new data on: up to the one that says PSH, or that ends the stream. */
static struct group find_group(const struct replay *replay, const struct record_packet *at)
{
    uint32_t isn = replay->own->isn_known ? replay->own->isn : 0;
    struct group group = {.end = replay->written};
    for (; at != NULL; at = at->next) {
        const struct pkt_tcp *tcp = &at->packet.tcp;
        if (at->packet.kind != PKT_PACKET_TCP || !is_out(at, replay->local_first) ||
            tcp->length == 0 || (tcp->flags & (PKT_SYN | PKT_RST)) != 0)
            continue;
        uint32_t seq = tcp->seq - isn, end = seq + tcp->length;
        if (before(group.end, seq) || !before(group.end, end))
            continue;
        if ((tcp->flags & PKT_URG) != 0 && tcp->urgent > 0 &&
            before(group.end, seq + (uint32_t)tcp->urgent) &&
            !before(end, seq + (uint32_t)tcp->urgent)) {
            group.end = seq + (uint32_t)tcp->urgent;
            group.urgent = true;
            return group;
        }
        group.end = end;
        group.with_fin = (tcp->flags & PKT_FIN) != 0;
        if ((tcp->flags & (PKT_PSH | PKT_FIN)) != 0 || group.end - replay->written >= GROUP_MAX)
            return group;
    }
    group.cut = true;
    return group;
}

/* Did the program go on receiving, or waiting for the end, after it had ended its own stream? Then
 * the window stays where it was when the peer's FIN comes, too: who has closed has no window to
 * look after. */
static bool only_shut(const struct replay *replay, const struct record_packet *at)
{
    const struct record_facts *facts = replay->facts;
    int64_t begin = at->time_ns;
    uint32_t peer = replay->peer->isn_known ? replay->peer->isn : 0;
    uint32_t scale = facts->has_wscale && facts->peer_has_wscale ? facts->wscale : 0;
    bool more = replay->peer_fin, fin = false, data = false, late = false;
    unsigned again = 0;
    for (at = at->next; at != NULL; at = at->next) {
        const struct pkt_tcp *tcp = &at->packet.tcp;
        if (at->packet.kind != PKT_PACKET_TCP)
            continue;
        if (!is_out(at, replay->local_first)) {
            data = tcp->length > 0;
            more = more || (data && !before(tcp->seq - peer, replay->acked));
            fin = fin || (tcp->flags & PKT_FIN) != 0;
            late = late || ((tcp->flags & PKT_FIN) != 0 && at->time_ns - begin > ORPHAN_NS);
        } else if ((tcp->flags & PKT_RST) != 0) {
            return (tcp->flags & PKT_ACK) != 0 && !data;
        } else if (late) {
            return true;
        } else if (before(replay->acked, tcp->ack - peer)) {
            uint32_t edge = tcp->ack - peer + ((uint32_t)tcp->window << scale);
            return (more && !replay->peer_fin) || (fin && !before(replay->edge, edge));
        } else {
            again += (tcp->flags & PKT_FIN) != 0;
        }
    }
    return again > 8;
}

static void call_end(struct replay *replay, const struct record_packet *at, int64_t now)
{
    if (replay->closed || replay->shut)
        return;
    if (only_shut(replay, at)) {
        replay->shut = true;
        say(replay, now, text(replay, "shutdown(%d, SHUT_WR) = 0", replay->fd, 0, 0));
        return;
    }
    /* What was not read would make it a reset. */
    if (replay->after_data > 0)
        call_read(replay, replay->lines->count, now, replay->unread);
    replay->closed = true;
    say(replay, now, text(replay, "close(%d) = 0", replay->fd, 0, 0));
}

/* New data at the very time of an acknowledgement, with others under way: they had been written,
 * and waited for it. So the call comes before the packet that let them go. */
static bool had_waited(const struct replay *replay, int64_t now)
{
    return replay->last_was_in && replay->last_ns == now && !replay->last_had_data &&
           replay->peer_acked_before > 0 && before(replay->peer_acked_before, replay->sent_end) &&
           replay->lines->count > replay->after_out &&
           replay->lines->rows[replay->lines->count - 1].packet != NULL;
}

static void call_write(struct replay *replay, const struct record_packet *at, int64_t now)
{
    const struct group group = find_group(replay, at);
    uint32_t count = group.end - replay->written;
    const char *format = group.urgent     ? "send(%d, ..., %u, MSG_OOB) = %u"
                         : group.with_fin ? "send(%d, ..., %u, MSG_MORE) = %u"
                                          : "write(%d, ..., %u) = %u";
    if (count == 0)
        return;
    call_accept(replay, now);
    if (group.cut) /* there was more of it */
        count += MORE_BYTES;
    if (had_waited(replay, now) && !group.with_fin)
        say_at(replay, replay->lines->count - 1, now,
               text(replay, format, replay->fd, count, count));
    else
        say(replay, now, text(replay, format, replay->fd, count, count));
    replay->written = group.end;
    if (group.with_fin)
        call_end(replay, at, now);
}

static void abort_at(struct replay *replay, size_t at, int64_t now)
{
    replay->closed = true;
    say_at(replay, at, now,
           text(replay, "setsockopt(%d, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
                replay->fd, 0, 0));
    say_at(replay, at + 1, now, text(replay, "close(%d) = 0", replay->fd, 0, 0));
}

/* A reset with the flags of one who knows no such connection: the program has thrown it away
 * meanwhile, in a state where no packet tells. */
static bool was_thrown_away(const struct replay *replay, const struct pkt_tcp *tcp)
{
    if (!replay->last_was_in || (tcp->flags & PKT_ACK) != 0)
        return false;
    return replay->opened ? replay->shut : replay->facts->client && replay->peer_answered;
}

/* Only a program resets a connection that is open: a stack answers with an acknowledgement. Before
 * it is open a stack does, but not out of the blue. */
static void call_abort(struct replay *replay, const struct pkt_tcp *tcp, int64_t now)
{
    if (replay->opened && (!replay->last_was_in || (tcp->flags & PKT_ACK) != 0))
        call_accept(replay, now);
    if (replay->closed || !replay->connected)
        return;
    if (was_thrown_away(replay, tcp))
        abort_at(replay, replay->after_out, replay->after_out_ns);
    else if (replay->opened || ((tcp->flags & PKT_ACK) != 0 && !replay->last_was_in))
        abort_at(replay, replay->lines->count, now);
}

/* A probe of a shut window: something waits behind it, the end of the stream perhaps. It was given
 * to the stack when the window was shut, as far as anybody can tell. */
static void guess_waiting(struct replay *replay, const struct record_packet *at,
                          const struct pkt_tcp *tcp)
{
    uint32_t isn = replay->own->isn_known ? replay->own->isn : 0;
    if (replay->peer_window > 0 || replay->sent_end == 0 || tcp->seq != replay->sent_end - 1 ||
        !replay->opened || replay->written != replay->sent_end || replay->closed || replay->shut)
        return;
    for (at = at->next; at != NULL; at = at->next) {
        const struct pkt_tcp *next = &at->packet.tcp;
        if (at->packet.kind != PKT_PACKET_TCP || !is_out(at, replay->local_first))
            continue;
        if ((next->flags & PKT_RST) != 0)
            return;
        if (before(replay->written, next->seq - isn + next->length)) {
            call_write(replay, at, replay->last_ns);
            return;
        }
        if ((next->flags & PKT_FIN) != 0) {
            call_end(replay, at, replay->last_ns);
            return;
        }
    }
}

/* ---- packets ------------------------------------------------------------------------------ */

static void guess_calls(struct replay *replay, const struct record_packet *at,
                        const struct pkt_tcp *tcp, int64_t now)
{
    bool syn = (tcp->flags & PKT_SYN) != 0, fin = (tcp->flags & PKT_FIN) != 0;
    if (syn) {
        if (replay->facts->client)
            call_connect(replay, now);
        replay->edge = 1 + (uint32_t)tcp->window;
        replay->acked = 1; /* the peer's SYN, when it comes */
        return;
    }
    if ((tcp->flags & PKT_RST) != 0) {
        call_abort(replay, tcp, now);
        return;
    }
    if (replay->facts->client && replay->connected)
        replay->opened = true;
    if ((tcp->flags & PKT_ACK) != 0)
        guess_reads(replay, tcp, now);
    guess_waiting(replay, at, tcp);
    if (tcp->length > 0 && before(replay->written, tcp->seq + tcp->length))
        call_write(replay, at, now);
    if (fin && !before(tcp->seq + tcp->length, replay->written)) {
        call_accept(replay, now);
        call_end(replay, at, now);
    }
}

static void play_out(struct replay *replay, const struct record_packet *at, int64_t now)
{
    struct pkt_packet *packet = numbered(replay, at, true);
    if (packet->kind == PKT_PACKET_TCP)
        guess_calls(replay, at, &packet->tcp, now);
    packet->ip = (struct pkt_ip_info){.tos = -1, .flow_label = -1, .ttl = -1};
    if (packet->tcp.options_count > 0 || at->odd_options)
        packet->tcp.options_kind = PKT_OPTIONS_LIST;
    if (at->odd_options)
        packet->tcp.options_kind = PKT_OPTIONS_ANY;
    if (replay->loose)
        packet->tcp.window = -1;
    record_insert(replay->lines, replay->lines->count,
                  (struct record_line){.time_ns = now, .packet = packet});
    replay->last_was_in = false;
    replay->after_out = replay->lines->count;
    replay->after_out_ns = now;
    if (packet->kind == PKT_PACKET_TCP && (packet->tcp.flags & PKT_RST) == 0) {
        const struct pkt_tcp *tcp = &packet->tcp;
        uint32_t end = tcp->seq + tcp->length + ((tcp->flags & (PKT_SYN | PKT_FIN)) != 0);
        if (before(replay->sent_end, end))
            replay->sent_end = end;
    }
}

/* Options must fill words: what the language does not have is padding. */
static void pad_options(struct pkt_tcp *tcp)
{
    struct pkt_option *options = (struct pkt_option *)(uintptr_t)tcp->options; /* our own copy */
    size_t bytes = 0;
    for (size_t i = 0; i < tcp->options_count; i++) {
        uint8_t unused[40];
        bytes += pkt_build_option(&options[i], unused);
    }
    for (; bytes % 4 != 0 && tcp->options_count < PKT_LIVE_OPTIONS_MAX; bytes++)
        options[tcp->options_count++] = (struct pkt_option){.kind = PKT_OPT_NOP};
    tcp->options_kind = tcp->options_count > 0 ? PKT_OPTIONS_LIST : PKT_OPTIONS_NONE;
}

static void set_class(struct pkt_ip_info *ip)
{
    int class = ip->tos;
    enum pkt_ecn ecn = ip->ecn;
    *ip = (struct pkt_ip_info){.tos = -1, .flow_label = -1, .ttl = -1};
    if (class > 3)
        ip->tos = class;
    else if (class > 0)
        ip->ecn = ecn;
}

static void play_in(struct replay *replay, const struct record_packet *at, int64_t now)
{
    struct pkt_packet *packet = numbered(replay, at, false);
    const struct pkt_tcp *tcp = &packet->tcp;
    bool is_tcp = packet->kind == PKT_PACKET_TCP;
    set_class(&packet->ip);
    if (is_tcp)
        pad_options(&packet->tcp);
    record_insert(replay->lines, replay->lines->count,
                  (struct record_line){.time_ns = now, .packet = packet});
    replay->last_was_in = true;
    replay->last_had_data = is_tcp && tcp->length > 0;
    replay->last_ns = now;
    replay->peer_answered = is_tcp && tcp->ack == 1 &&
                            (tcp->flags & (PKT_SYN | PKT_ACK | PKT_RST)) == (PKT_SYN | PKT_ACK);
    replay->peer_acked_before = replay->peer_acked;
    if (!is_tcp)
        return;
    if ((tcp->flags & PKT_RST) == 0)
        replay->peer_window = (uint32_t)tcp->window;
    if ((tcp->flags & PKT_ACK) != 0 && before(replay->peer_acked, tcp->ack))
        replay->peer_acked = tcp->ack;
    if (tcp->length > 0) {
        replay->after_data = replay->lines->count;
        replay->data_at = replay->after_data - 1;
        replay->after_data_ns = now;
    }
    if ((tcp->flags & PKT_FIN) != 0) {
        replay->peer_fin = true;
        replay->peer_fin_seq = tcp->seq + tcp->length;
    }
    if (!replay->opened && !replay->facts->client && replay->facts->syn_seen &&
        (tcp->flags & (PKT_SYN | PKT_RST | PKT_ACK)) == PKT_ACK && tcp->ack == 1 &&
        !before(tcp->seq, 1)) {
        replay->opened = true;
        replay->handshake = (struct spot){.at = replay->lines->count, .time_ns = now};
    }
}

/* Nobody listens where a SYN is answered by a reset. */
static void open_socket(struct replay *replay)
{
    if (!replay->facts->client && !replay->facts->syn_seen && replay->facts->reset_seen)
        return;
    say(replay, 0, "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
    uint32_t buffer = record_fixed_buffer(replay->facts);
    struct spot spot = {.at = replay->lines->count, .time_ns = 0};
    if (buffer > 0)
        set_number(replay, &spot, "SOL_SOCKET, SO_RCVBUF", buffer);
    if (replay->facts->client)
        return;
    say(replay, 0, "bind(3, ..., ...) = 0");
    say(replay, 0, "listen(3, 5) = 0");
}

/* To 10 us: what is asked for is to be readable, and no stack is judged by less. */
static int64_t rounded(int64_t ns)
{
    return (ns + 5000) / 10000 * 10000;
}

void record_events(const struct record_connection *connection, bool local_first,
                   const struct record_facts *facts, bool loose, struct record_lines *out)
{
    struct replay replay = {.facts = facts,
                            .local_first = local_first,
                            .loose = loose,
                            .own = &connection->sides[local_first ? 0 : 1],
                            .peer = &connection->sides[local_first ? 1 : 0],
                            .zero_ns = connection->first->time_ns,
                            .lines = out,
                            .fd = LISTENING_FD,
                            .written = 1};
    int64_t latest = 0;
    open_socket(&replay);
    for (const struct record_packet *at = connection->first; at != NULL; at = at->next) {
        int64_t now = rounded(at->time_ns - replay.zero_ns);
        if (now - latest > GAP_MAX_NS) { /* longer than anybody waits: a clock was set */
            replay.zero_ns += now - latest - GAP_MAX_NS;
            now = latest + GAP_MAX_NS;
        }
        now = now > latest ? now : latest; /* or set back */
        latest = now;
        if (is_out(at, local_first))
            play_out(&replay, at, now);
        else
            play_in(&replay, at, now);
    }
}
