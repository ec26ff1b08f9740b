/* SPDX-License-Identifier: MIT */
/* Fuzz target: two hosts, and a network that does what the input says to each packet: delivers it,
 * out of turn, twice, damaged, or not at all. Then the network behaves, and every stream must come
 * to its end. */
#include "fuzz/machine.h"

#include "wire/ip.h"

#define QUEUE 64u
#define SERVER_PORT 80u

struct frame {
    uint8_t *bytes; /* a piece of its own; NULL: none */
    uint32_t length;
    bool damaged;
};

/* What has been sent to one host and has not arrived, oldest first. */
struct queue {
    struct frame frames[QUEUE];
    unsigned count;
};

struct end {
    struct machine machine;
    struct users users;
    struct queue queue; /* to this host */
    struct pair *pair;
    struct hawser_address address;
};

struct pair {
    struct end ends[2];
    struct ledger ledger;
    uint64_t now_ns;
    bool at_once; /* the network behaves */
};

static struct end *other(const struct end *end)
{
    return &end->pair->ends[end == end->pair->ends];
}

/* ---- the network ----------------------------------------------------------------------------- */

static void take_out(struct queue *q, unsigned i)
{
    free(q->frames[i].bytes);
    q->count--;
    memmove(&q->frames[i], &q->frames[i + 1], (q->count - i) * sizeof q->frames[0]);
}

static void put_in(struct queue *q, const uint8_t *bytes, uint32_t length)
{
    if (q->count == QUEUE)
        take_out(q, 0);
    struct frame *f = &q->frames[q->count++];
    f->bytes = malloc(length);
    REQUIRE(f->bytes != NULL);
    memcpy(f->bytes, bytes, length);
    f->length = length;
    f->damaged = false;
}

static void sent(void *context, const uint8_t *frame, uint32_t length)
{
    struct end *end = context;
    put_in(&other(end)->queue, frame, length);
}

static void deliver(struct end *end, unsigned i, bool keep)
{
    struct queue *q = &end->queue;
    machine_input(&end->machine, q->frames[i].bytes, q->frames[i].length, 0);
    if (!keep)
        take_out(q, i);
}

/* One bit of what a checksum protects; two could make up for each other. */
static void damage(struct frame *f, uint16_t where)
{
    uint32_t from = f->bytes[0] >> 4 == 6 ? IPV6_HEADER_BYTES : 0;
    if (f->length > from && !f->damaged)
        f->bytes[from + where / 8u % (f->length - from)] ^= (uint8_t)(1u << where % 8);
    f->damaged = true;
}

/* Both hosts do what they have to do now, and what each sends reaches the other when the network
 * behaves. */
static bool exchange(struct pair *p)
{
    bool any = false;
    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &p->ends[i];
        end->machine.now_ns = end->users.now_ns = p->now_ns;
        while (p->at_once && end->queue.count > 0) {
            deliver(end, 0, false);
            any = true;
        }
        machine_wait(&end->machine, 0, NULL);
        users_events(&end->users);
    }
    return any;
}

static void settle(struct pair *p)
{
    for (unsigned rounds = 0; exchange(p); rounds++)
        REQUIRE(rounds < 10000);
}

static uint64_t next_deadline(const struct pair *p)
{
    uint64_t a = hawser_next_deadline(p->ends[0].machine.host);
    uint64_t b = hawser_next_deadline(p->ends[1].machine.host);
    return a < b ? a : b;
}

/* Time goes on; finish: the programs do all that they can. */
static void pass(struct pair *p, uint64_t ns, bool finish)
{
    uint64_t until = p->now_ns + ns;
    for (unsigned steps = 0;; steps++) {
        REQUIRE(steps < 100000);
        settle(p);
        bool any = false;
        for (unsigned i = 0; finish && i < 2; i++)
            any = users_finish(&p->ends[i].users) || any;
        if (any)
            continue;
        uint64_t deadline = next_deadline(p);
        if (deadline > until)
            break;
        p->now_ns = deadline;
    }
    p->now_ns = until;
    settle(p);
}

/* ---- the program ----------------------------------------------------------------------------- */

static void user_calls(struct pair *p, const struct fuzz_op *op)
{
    struct users *u = &p->ends[op->g & 1].users;
    switch (op->code % 20) {
    case 8:
        users_listen(u, op, SERVER_PORT);
        break;
    case 9:
        users_open(u, op, op->c & 0x80 ? (uint16_t)(51000 + op->c % 4) : SERVER_PORT);
        break;
    case 10:
        users_accept(u, op->a);
        break;
    case 11:
    case 12:
        users_send(u, op->a, op->d, op->b & 3);
        break;
    case 13:
        users_receive(u, op->a, op->d, op->b % 3);
        break;
    case 14:
        users_shutdown(u, op->a);
        break;
    case 15:
        users_close(u, op->a);
        break;
    case 16:
        users_abort(u, op->a);
        break;
    case 17:
        users_option(u, op->a, op->b, op->d);
        break;
    case 18:
        users_ask(u, op->a);
        break;
    default: {
        struct fuzz_memory *memory = &p->ends[op->g & 1].machine.memory;
        memory->refuse_nth = op->a == 0 ? 0 : memory->requests_count + op->a;
        memory->refuse_all = op->b & 1;
        break;
    }
    }
}

/* Both ends, or one and its peer: a connection in one operation. */
static void meet(struct pair *p, const struct fuzz_op *op)
{
    const struct fuzz_op plain = {.c = 3};
    struct users *u = &p->ends[op->g & 1].users, *v = &p->ends[!(op->g & 1)].users;
    bool before = p->at_once;
    users_listen(v, &plain, SERVER_PORT);
    users_open(u, &plain, SERVER_PORT);
    p->at_once = !(op->a & 1);
    settle(p);
    p->at_once = before;
    for (unsigned i = 0; i < USERS_SLOTS; i++) {
        if (v->slots[i].listener)
            users_accept(v, i);
    }
}

static void run_op(struct pair *p, const struct fuzz_op *op)
{
    static const uint64_t times[] = {FUZZ_MS,        10 * FUZZ_MS, 50 * FUZZ_MS, 300 * FUZZ_MS,
                                     1100 * FUZZ_MS, 7 * FUZZ_S,   65 * FUZZ_S,  600 * FUZZ_S};
    struct end *end = &p->ends[op->g & 1];
    struct queue *q = &end->queue;
    unsigned which = q->count > 0 ? op->a % q->count : 0, code = op->code % 20;
    if (code <= 4 && q->count == 0)
        return;
    switch (code) {
    case 0:
    case 1: /* deliver, up to c more behind it; in whatever order a says */
        for (unsigned n = 1 + op->c % 8u; n > 0 && q->count > 0; n--)
            deliver(end, op->a % q->count, op->b & 1 && q->count < QUEUE / 2);
        break;
    case 2:
        take_out(q, which);
        break;
    case 3:
        damage(&q->frames[which], op->d);
        break;
    case 4:
        while (q->count > 0)
            take_out(q, q->count - 1);
        break;
    case 5:
        pass(p, times[op->a & 7] * (1 + (op->b & 3u)), false);
        break;
    case 6: /* the network behaves for a while */
        p->at_once = true;
        pass(p, times[op->a & 7], op->b & 1);
        p->at_once = false;
        break;
    case 7:
        meet(p, op);
        break;
    default:
        user_calls(p, op);
        break;
    }
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static bool begin_end(struct pair *p, unsigned which, const struct fuzz_program *program)
{
    static const uint32_t mtus[] = {1500, 576, 1280, 9000, 65535, 296, 1500, 1400};
    static const char *const names[2][2] = {{"198.18.0.1", "198.18.0.2"},
                                            {"2001:db8::1", "2001:db8::2"}};
    static char labels[2][4] = {"a", "  b"};
    bool v6 = fuzz_head(program, 6) & 1;
    struct end *end = &p->ends[which];
    struct hawser_config config;
    struct hawser_link_config link = {.kind = HAWSER_LINK_IP,
                                      .mtu = mtus[fuzz_head(program, 6) >> 2 & 7]};
    if (v6 && link.mtu < 1280)
        link.mtu = 1280;
    memset(end, 0, sizeof *end);
    end->pair = p;
    end->machine.now_ns = p->now_ns;
    end->machine.sent = sent;
    end->machine.context = end;
    fuzz_config(program, &end->machine.memory, &config);
    if (which == 1) { /* not twins */
        config.entropy[0] ^= 0x55;
        config.timestamps ^= fuzz_head(program, 7) & 1;
        config.sack ^= fuzz_head(program, 7) >> 1 & 1;
        config.window_scaling ^= fuzz_head(program, 7) >> 2 & 1;
    }
    end->machine.memory.refuse_nth = 0;
    if (fuzz_aloud()) {
        config.trace = fuzz_trace;
        config.trace_context = labels[which];
    }
    machine_start(&end->machine, &config, &link);
    REQUIRE(end->machine.host != NULL);
    REQUIRE(hawser_address_scan(names[v6][which], &end->address) == 0);
    REQUIRE(hawser_address_scan(names[v6][!which], &end->users.remote.address) == 0);
    end->users.host = end->machine.host;
    end->users.ledger = &p->ledger;
    return hawser_address_add(end->machine.host, end->machine.link, &end->address, v6 ? 64 : 24) ==
           0;
}

/* The programs are through with everything that nothing ended (users_finish). */
static void require_done(const struct users *u)
{
    for (unsigned i = 0; i < USERS_SLOTS; i++)
        REQUIRE(u->slots[i].tcp == 0 || u->slots[i].listener);
}

static void finish(struct pair *p)
{
    p->at_once = true;
    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &p->ends[i];
        end->machine.memory.refuse_nth = 0;
        for (unsigned slot = 0; slot < USERS_SLOTS; slot++)
            users_be_impatient(&end->users, slot);
    }
    pass(p, 6 * 3600 * FUZZ_S, true);
    for (unsigned i = 0; i < 2; i++)
        require_done(&p->ends[i].users);
    for (unsigned i = 0; i < 2; i++)
        users_leave(&p->ends[i].users);
    pass(p, 3600 * FUZZ_S, false);
    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &p->ends[i];
        machine_require_empty(&end->machine);
        machine_end(&end->machine);
        while (end->queue.count > 0)
            take_out(&end->queue, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pair p;
    struct fuzz_program program;
    struct fuzz_op op;
    fuzz_program_begin(&program, data, size);
    p.now_ns = FUZZ_S;
    p.at_once = false;
    p.ledger = (struct ledger){0};
    REQUIRE(begin_end(&p, 0, &program));
    REQUIRE(begin_end(&p, 1, &program));
    while (fuzz_next(&program, &op)) {
        run_op(&p, &op);
        if (!(op.code & 0x80)) /* with the bit: several things at one time */
            settle(&p);
    }
    finish(&p);
    return 0;
}
