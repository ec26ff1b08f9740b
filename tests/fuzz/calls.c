/* SPDX-License-Identifier: MIT */
/* Fuzz target: user calls in any order with any arguments on one host, whose connections go to
 * itself over a loopback link, or into the void. */
#include "fuzz/machine.h"

#define PORTS 4u

struct calls {
    struct machine machine;
    struct users users;
    struct ledger ledger;
    struct hawser_address self, elsewhere;
};

static void arrange(struct calls *c, const struct fuzz_op *op)
{
    struct hawser_host *host = c->machine.host;
    struct hawser_address address = op->a & 1 ? c->self : c->elsewhere;
    uint32_t link = op->b % 3u;
    if (op->a & 2)
        memset(address.bytes + op->c % 16u, op->d & 0xff, 16 - op->c % 16u);
    int results[] = {
        op->a & 4 ? hawser_address_add(host, link, &address, op->e) : 0,
        op->a & 8 ? hawser_address_remove(host, &address) : 0,
        op->a & 16
            ? hawser_route_add(host, &address, op->e, op->f & 1 ? &c->elsewhere : NULL, link, op->f)
            : 0,
        op->a & 32 ? hawser_route_remove(host, &address, op->e, link) : 0,
    };
    for (unsigned i = 0; i < COUNT_OF(results); i++) {
        int r = results[i];
        REQUIRE(r == 0 || r == HAWSER_ERR_INVALID || r == HAWSER_ERR_EXISTS ||
                r == HAWSER_ERR_RESOURCES || r == HAWSER_ERR_ADDRESS_NOT_LOCAL ||
                r == HAWSER_ERR_UNREACHABLE);
    }
}

/* Other settings for the living host; and what it says of its ports. */
static void configure(struct calls *c, const struct fuzz_op *op)
{
    struct hawser_host *host = c->machine.host;
    struct hawser_config config = *hawser_config_of(host);
    struct hawser_endpoint local = {op->a & 1 ? c->self : (struct hawser_address){{0}}, op->d};
    config.msl_ns = op->e * FUZZ_MS;
    config.rto_min_ns = op->f * FUZZ_MS;
    config.retries2 = op->b;
    config.syn_cookies = op->c & 1;
    config.sack = op->c & 2;
    config.timewait_reuse = op->c >> 2 & 3;
    config.port_first = op->g;
    config.send_buffer_bytes = op->d;
    if (op->a & 16)
        config.memory_bytes++;
    const char *field = NULL;
    int sound = hawser_config_check(&config, &field), result;
    result = hawser_host_configure(host, c->machine.now_ns, &config);
    REQUIRE(result == 0 || result == HAWSER_ERR_CONFIG);
    REQUIRE(result != 0 || (sound == 0 && !(op->a & 16)));
    uint16_t port = hawser_port_choose(host, c->machine.now_ns, &local.address, op->a & 2);
    local.port = port;
    const struct hawser_config *now = hawser_config_of(host);
    REQUIRE(port == 0 || (port >= now->port_first && port <= now->port_last));
    REQUIRE(port == 0 || hawser_port_users(host, c->machine.now_ns, &local, op->a & 2) == 0);
}

static void memory_runs_out(struct fuzz_memory *memory, const struct fuzz_op *op)
{
    memory->refuse_nth = op->a == 0 ? 0 : memory->requests_count + op->a;
    memory->refuse_all = op->b & 1;
}

static void run_op(struct calls *c, const struct fuzz_op *op)
{
    static const uint64_t times[] = {FUZZ_MS,        10 * FUZZ_MS, 50 * FUZZ_MS, 300 * FUZZ_MS,
                                     1100 * FUZZ_MS, 7 * FUZZ_S,   65 * FUZZ_S,  600 * FUZZ_S};
    struct users *u = &c->users;
    switch (op->code % 19) {
    case 0:
        users_listen(u, op, (uint16_t)(1 + op->a % PORTS));
        break;
    case 1:
    case 2:
        u->remote.address = op->g & 1 ? c->elsewhere : c->self;
        users_open(u, op, (uint16_t)(op->g & 2 ? 51000u + op->a % 4u : 1 + op->a % PORTS));
        break;
    case 3:
    case 4:
        users_accept(u, op->a);
        break;
    case 5:
    case 6:
        users_send(u, op->a, op->d, op->b & 7);
        break;
    case 7:
        users_receive(u, op->a, op->d, op->b % 3);
        break;
    case 8:
        users_shutdown(u, op->a);
        break;
    case 9:
        users_close(u, op->a);
        break;
    case 10:
        users_abort(u, op->a);
        break;
    case 11:
        users_option(u, op->a, op->b, op->d);
        break;
    case 12:
        users_ask(u, op->a);
        break;
    case 13:
        users_calls_in_vain(u, op->a);
        break;
    case 14:
        arrange(c, op);
        break;
    case 15:
        memory_runs_out(&c->machine.memory, op);
        break;
    case 16:
        configure(c, op);
        break;
    default:
        machine_wait(&c->machine, times[op->a & 7], NULL);
        break;
    }
}

/* Link 0 leads to the void, link 1 to the host itself. */
static bool begin(struct calls *c, const struct fuzz_program *program)
{
    struct hawser_config config;
    const struct hawser_link_config out = {.kind = HAWSER_LINK_IP, .mtu = 1500};
    const struct hawser_link_config loop = {.kind = HAWSER_LINK_LOOPBACK, .mtu = 65535};
    uint32_t link;
    bool v6 = fuzz_head(program, 6) & 1;
    memset(c, 0, sizeof *c);
    c->machine.now_ns = FUZZ_S;
    fuzz_config(program, &c->machine.memory, &config);
    if (fuzz_aloud()) {
        config.trace = fuzz_trace;
        config.trace_context = "  ";
    }
    REQUIRE(hawser_address_scan(v6 ? "2001:db8::1" : "198.18.0.1", &c->self) == 0);
    REQUIRE(hawser_address_scan(v6 ? "2001:db8::2" : "198.18.0.2", &c->elsewhere) == 0);
    machine_start(&c->machine, &config, &out);
    if (c->machine.host == NULL)
        return false;
    c->users = (struct users){.host = c->machine.host, .ledger = &c->ledger};
    if (hawser_link_add(c->machine.host, &loop, &link) == 0) {
        REQUIRE(link == 1);
        hawser_address_add(c->machine.host, 0, &c->self, v6 ? 64 : 24);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct calls c;
    struct fuzz_program program;
    struct fuzz_op op;
    fuzz_program_begin(&program, data, size);
    if (!begin(&c, &program))
        return 0;
    while (fuzz_next(&program, &op)) {
        c.users.now_ns = c.machine.now_ns;
        run_op(&c, &op);
        if (!(op.code & 0x80))
            machine_wait(&c.machine, 0, NULL);
        users_events(&c.users);
    }
    c.machine.memory.refuse_nth = 0;
    users_leave(&c.users);
    machine_wait(&c.machine, 3 * 3600 * FUZZ_S, NULL);
    machine_require_empty(&c.machine);
    machine_end(&c.machine);
    return 0;
}
