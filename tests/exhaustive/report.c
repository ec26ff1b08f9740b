/* SPDX-License-Identifier: MIT */
/* A history for people: the steps are taken once more, and what happens is written down. */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "segment.h"

#define COLUMN 38 /* of one host in a diagram */

static const char *const step_names[ACT_KINDS] = {
    "OPEN",    "LISTEN", "SEND",        "SHUTDOWN", "CLOSE", "ABORT",
    "RECEIVE", "",       "time passes", "",         "",      "",
};

/* What is written down while the steps are taken. */
struct notes {
    FILE *to;
    struct world world;
    struct observer observer;
    unsigned step;
    uint32_t origin[2]; /* of the diagram's numbers: the first ISS of each */
    bool has_origin[2];
    /* of a script */
    unsigned end;         /* whose script */
    uint64_t written_ns;  /* time of the last line */
    uint32_t iss[2];      /* numbers are relative to the last SYN of each */
    int fd, next_fd;      /* of the connection; the listener is 3 */
    const char *ports[2]; /* "1000 > 80 ": several connections share them, which has to be said */
};

static void take_all(struct notes *n, const struct setup *setup, const struct path *path,
                     void (*before)(struct notes *n, struct action step))
{
    struct world *w = &n->world;
    n->observer.context = n;
    world_init(w, setup);
    world_reset(w);
    world_hash(w);
    w->observer = &n->observer;
    for (n->step = 0; n->step < path->count && w->fault == NULL; n->step++) {
        struct action step = path->steps[n->step];
        if (step.kind == ACT_KINDS)
            break;
        if (n->step == path->unwound)
            w->sent_again[0] = w->sent_again[1] = false;
        w->unwinding = n->step >= path->unwound && step.kind != ACT_LOSE;
        before(n, step);
        world_act(w, step);
        world_hash(w);
    }
    if (w->fault == NULL && path->count > path->unwound)
        judge_rest(w);
}

/* The first ISS of a host. */
static void note_origin(struct notes *n, unsigned from, const struct segment_view *s)
{
    if ((s->flags & 2) == 0 || n->has_origin[from])
        return;
    n->has_origin[from] = true;
    n->origin[from] = s->seq;
}

/* ---- diagram -------------------------------------------------------------------------------- */

static double clock_of(const struct notes *n, unsigned end)
{
    return (double)(n->world.model.end[end].now_ns - n->world.first_model.end[end].now_ns) / 1e9;
}

/* One line at one host's side. */
__attribute__((format(printf, 3, 4))) static void at_host(struct notes *n, unsigned end,
                                                          const char *format, ...)
{
    char text[200], line[220];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%.6g s: %s", clock_of(n, end), text);
    if (end == 0)
        fprintf(n->to, "%-*s |\n", COLUMN, line);
    else
        fprintf(n->to, "%*s | %*s | %s\n", COLUMN, "", 2 * COLUMN - 6, "", line);
}

static void arrow(struct notes *n, const struct packet *p, bool arrives)
{
    struct segment_view s;
    char text[SEGMENT_TEXT_MAX], line[SEGMENT_TEXT_MAX + 30];
    segment_view(p->frame, p->length, &s);
    segment_print(&s, n->origin[p->from], n->origin[1 - p->from], text);
    const char *head = p->from == 0 ? ">" : "<";
    if (arrives)
        snprintf(line, sizeof line, "%s%s #%u %s", head, head, p->number + 1u, text);
    else
        snprintf(line, sizeof line, "%s #%u %s", head, p->number + 1u, text);
    bool at_a = (p->from == 0) != arrives;
    fprintf(n->to, "%*s |%s%-*s%s|\n", COLUMN, "", at_a ? "-" : " ", 2 * COLUMN - 6, line,
            at_a ? " " : "-");
}

static void diagram_sent(void *context, const struct packet *p)
{
    struct notes *n = context;
    struct segment_view s;
    segment_view(p->frame, p->length, &s);
    note_origin(n, p->from, &s);
    arrow(n, p, false);
}

static void diagram_trace(void *context, unsigned end, const struct hawser_trace_event *event)
{
    struct notes *n = context;
    if (event->kind == HAWSER_TRACE_STATE &&
        (event->from != HAWSER_LISTEN || event->to != HAWSER_CLOSED))
        at_host(n, end, "%s", hawser_state_name(event->to));
    else if (event->kind == HAWSER_TRACE_TIMER)
        at_host(n, end, "(timer %s)", hawser_timer_name(event->timer));
    else if (event->kind == HAWSER_TRACE_DROP)
        at_host(n, end, "(dropped: %s)", hawser_drop_text(event->drop));
}

static void diagram_called(void *context, unsigned end, enum user_call call, int64_t result)
{
    struct notes *n = context;
    if (call == CALL_READ && result < 0)
        at_host(n, end, "RECEIVE: %s", hawser_error_name((int)result));
    else if (call == CALL_READ)
        at_host(n, end, "RECEIVE %" PRId64, result);
    else if (call == CALL_READ_END)
        at_host(n, end, "RECEIVE: the end");
    else if (call == CALL_CLOSED)
        at_host(n, end, "CLOSE");
}

static void diagram_step(struct notes *n, struct action step)
{
    const struct world *w = &n->world;
    if (step.kind == ACT_ARRIVE || step.kind == ACT_DELIVER)
        arrow(n, &w->net[step.arg], true);
    else if (step.kind == ACT_LOSE)
        fprintf(n->to, "%*s |  (#%u is lost)\n", COLUMN, "", w->net[step.arg].number + 1u);
    else if (step_names[step.kind][0] != '\0')
        at_host(n, step.arg, "%s", step_names[step.kind]);
}

void report_diagram(FILE *to, const struct setup *setup, const struct path *path)
{
    static struct notes n;
    n = (struct notes){.to = to, .observer = {diagram_trace, diagram_sent, diagram_called, NULL}};
    fprintf(to, "%-*s | %-*s | %s\n", COLUMN, "a", 2 * COLUMN - 6,
            "> leaves a   >> arrives at b   < leaves b   << arrives at a", "b");
    take_all(&n, setup, path, diagram_step);
    fprintf(to, "%s\n", n.world.fault != NULL ? n.world.fault : "(nothing is wrong)");
    world_deinit(&n.world);
}

unsigned report_place(const struct setup *setup, const struct path *path)
{
    const struct world *w;
    static struct notes n;
    unsigned last = 0;
    n = (struct notes){.to = NULL};
    w = &n.world;
    world_init(&n.world, setup);
    world_reset(&n.world);
    world_hash(&n.world);
    for (unsigned i = 0; i < path->count && w->fault == NULL; i++) {
        struct action step = path->steps[i];
        if (step.kind == ACT_KINDS)
            break;
        bool network = step.kind >= ACT_ARRIVE;
        if (step.kind != ACT_LOSE)
            last = network ? 1u - w->net[step.arg].from : step.arg;
        n.world.unwinding = i >= path->unwound && step.kind != ACT_LOSE;
        world_act(&n.world, step);
        world_hash(&n.world);
    }
    world_deinit(&n.world);
    return last;
}

/* ---- script --------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void line(struct notes *n, const char *format, ...)
{
    uint64_t now_ns = n->world.model.end[n->end].now_ns;
    va_list args;
    fprintf(n->to, "+%.6g ", (double)(now_ns - n->written_ns) / 1e9);
    n->written_ns = now_ns;
    va_start(args, format);
    vfprintf(n->to, format, args);
    va_end(args);
    fputc('\n', n->to);
}

static void packet_line(struct notes *n, const struct packet *p)
{
    struct segment_view s;
    char text[SEGMENT_TEXT_MAX];
    segment_view(p->frame, p->length, &s);
    bool syn = (s.flags & 2) != 0;
    note_origin(n, p->from, &s);
    if (syn)
        n->iss[p->from] = s.seq;
    /* The numbers of SYNs are absolute, all others count from the last SYN. */
    const uint32_t *from = syn ? n->origin : n->iss;
    segment_print(&s, from[p->from], from[1 - p->from], text);
    line(n, "%s %s%s", p->from == n->end ? ">" : "<", n->ports[p->from], text);
}

static void script_sent(void *context, const struct packet *p)
{
    struct notes *n = context;
    struct segment_view s;
    segment_view(p->frame, p->length, &s);
    note_origin(n, p->from, &s);
    if (p->from == n->end)
        packet_line(n, p);
}

static void script_trace(void *context, unsigned end, const struct hawser_trace_event *event)
{
    (void)context;
    (void)end;
    (void)event;
}

static void script_called(void *context, unsigned end, enum user_call call, int64_t result)
{
    struct notes *n = context;
    if (end != n->end)
        return;
    if (call == CALL_ACCEPTED) {
        n->fd = n->next_fd++;
        line(n, "accept(3, ..., ...) = %d", n->fd);
    } else if (call == CALL_LISTENER_CLOSED) {
        line(n, "close(3) = 0");
    } else if (call == CALL_CLOSED) {
        line(n, "close(%d) = 0", n->fd);
    } else if (result >= 0) {
        line(n, "read(%d, ..., 4096) = %" PRId64, n->fd, result);
    } else {
        line(n, "read(%d, ..., 4096) = -1 E%s (%s)", n->fd,
             result == HAWSER_ERR_RESET       ? "CONNRESET"
             : result == HAWSER_ERR_REFUSED   ? "CONNREFUSED"
             : result == HAWSER_ERR_TIMED_OUT ? "TIMEDOUT"
                                              : "PIPE",
             hawser_error_name((int)result));
    }
}

static void script_listen(struct notes *n)
{
    line(n, "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
    line(n, "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0");
    line(n, "bind(3, ..., ...) = 0");
    line(n, "listen(3, 2) = 0");
}

static void script_user(struct notes *n, unsigned kind)
{
    switch ((enum action_kind)kind) {
    case ACT_OPEN:
        n->fd = n->next_fd++;
        line(n, "socket(..., SOCK_STREAM, IPPROTO_TCP) = %d", n->fd);
        line(n, "setsockopt(%d, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", n->fd);
        line(n, "bind(%d, ..., ...) = 0", n->fd);
        line(n, "fcntl(%d, F_SETFL, O_RDWR|O_NONBLOCK) = 0", n->fd);
        line(n, "connect(%d, ..., ...) = -1 EINPROGRESS (Operation now in progress)", n->fd);
        break;
    case ACT_LISTEN:
        script_listen(n);
        break;
    case ACT_SEND:
        line(n, "write(%d, ..., %u) = %u", n->fd, n->world.setup->chunk_bytes,
             n->world.setup->chunk_bytes);
        break;
    case ACT_HALF_CLOSE:
        line(n, "shutdown(%d, SHUT_WR) = 0", n->fd);
        break;
    case ACT_ABORT:
        line(n, "setsockopt(%d, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0", n->fd);
        line(n, "close(%d) = 0", n->fd);
        break;
    case ACT_CLOSE:
        line(n, "close(%d) = 0", n->fd);
        break;
    case ACT_READ:
    case ACT_TIMER:
    case ACT_IDLE:
    case ACT_ARRIVE:
    case ACT_DELIVER:
    case ACT_LOSE:
    case ACT_KINDS:
        break;
    }
}

static void script_step(struct notes *n, struct action step)
{
    if (step.kind == ACT_LOSE)
        return;
    if (step.kind != ACT_ARRIVE && step.kind != ACT_DELIVER) {
        if (step.arg == n->end)
            script_user(n, step.kind);
        return;
    }
    struct packet *p = &n->world.net[step.arg];
    if (p->from == n->end)
        return;
    struct end *end = &n->world.model.end[n->end];
    uint64_t now_ns = end->now_ns;
    end->now_ns = world_arrival(&n->world, step.arg);
    packet_line(n, p);
    end->now_ns = now_ns;
}

static void script_head(struct notes *n, const struct setup *s)
{
    unsigned buffer = 2 * (s->buffer_bytes != 0 ? s->buffer_bytes : 16384); /* half is window */
    fprintf(n->to, "// exhaustive %s: host %c.\n", s->name, 'a' + (int)n->end);
    fprintf(n->to, "--local_ip=10.0.0.%u --remote_ip=10.0.0.%u\n", n->end + 1, 2 - n->end);
    fprintf(n->to, "--bind_port=%u --connect_port=%u\n", n->end == 0 ? PORT_A : PORT_B,
            n->end == 0 ? PORT_B : PORT_A);
    fprintf(n->to,
            "`sysctl -q net.ipv4.tcp_timestamps=%d net.ipv4.tcp_sack=%d "
            "net.ipv4.tcp_window_scaling=%d\n",
            s->timestamps, s->sack, s->scaling);
    fprintf(n->to, "sysctl -q net.ipv4.tcp_rmem=\"%u %u %u\" net.ipv4.tcp_wmem=\"%u %u %u\"\n",
            buffer, buffer, buffer, buffer, buffer, buffer);
    fprintf(n->to,
            "sysctl -q net.ipv4.tcp_msl_ms=%u net.ipv4.tcp_rto_min_us=%u "
            "net.ipv4.tcp_rto_initial_ms=%u net.ipv4.tcp_rto_max_ms=%u\n",
            s->msl_ms, s->rto_ms * 1000, s->rto_ms, s->rto_ms > 60000 ? s->rto_ms : 60000);
    fprintf(n->to,
            "sysctl -q net.ipv4.tcp_syn_retries=%u net.ipv4.tcp_synack_retries=%u "
            "net.ipv4.tcp_retries1=1 net.ipv4.tcp_retries2=%u\n"
            "sysctl -q net.ipv4.tcp_quick_acks=0 net.ipv4.tcp_orphan_retries=%u "
            "net.ipv4.tcp_rfc1337=%d "
            "net.ipv4.tcp_tw_reuse=%u`\n",
            s->retries, s->retries, s->retries, s->retries, !s->no_rfc1337, s->timewait_reuse);
}

void report_script(FILE *to, const struct setup *setup, const struct path *path, unsigned end)
{
    static struct notes n;
    n = (struct notes){.to = to,
                       .end = end,
                       .next_fd = 4,
                       .observer = {script_trace, script_sent, script_called, NULL}};
    unsigned most = 0;
    for (unsigned i = 0; i < 2; i++)
        most += setup->opens[i] > setup->accepts[1 - i] ? setup->opens[i] : setup->accepts[1 - i];
    n.ports[0] = most > 1 ? "1000 > 80 " : "";
    n.ports[1] = most > 1 ? "80 > 1000 " : "";
    script_head(&n, setup);
    fprintf(to, "0 `true`\n");
    n.written_ns = UINT64_C(14780) * 1000 * MS;
    n.world.model.end[end].now_ns = n.written_ns;
    if (setup->accepts[end] > 0 && !setup->late_listen)
        script_listen(&n);
    take_all(&n, setup, path, script_step);
    fprintf(to, "// %s\n", n.world.fault != NULL ? n.world.fault : "nothing is wrong");
    world_deinit(&n.world);
}
