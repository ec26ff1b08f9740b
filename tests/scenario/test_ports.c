/* SPDX-License-Identifier: MIT */
/* Local ends: which port and address an open gets (RFC 6056, RFC 9293 3.9.1.1), who may listen
 * where, and what happens when nothing is left. */
#include "scenario/forge.h"

static const bool families[] = {false, true};

static int open_from(struct peer *p, struct hawser_endpoint local, struct hawser_endpoint remote,
                     bool reuse_address, hawser_tcp *out)
{
    struct hawser_open_options options = {
        .local = local, .remote = remote, .reuse_address = reuse_address};
    return hawser_open(p->host, p->now_ns, &options, out);
}

/* The n-th of many remote ends. */
static struct hawser_endpoint remote_of(const struct peer *p, uint32_t n)
{
    struct hawser_endpoint remote = {p->peer_address, (uint16_t)(80 + n / 200)};
    remote.address.bytes[15] = (uint8_t)(10 + n % 200);
    return remote;
}

static uint16_t local_port(struct peer *p, hawser_tcp tcp)
{
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(p->host, p->now_ns, tcp, &info), 0);
    return info.local.port;
}

/* The port that an open gets; the connection is gone again afterwards. */
static uint16_t port_chosen(struct peer *p, struct hawser_endpoint remote)
{
    hawser_tcp tcp;
    assert_int_equal(open_from(p, (struct hawser_endpoint){.port = 0}, remote, false, &tcp), 0);
    uint16_t port = local_port(p, tcp);
    assert_int_equal(hawser_abort(p->host, tcp), 0);
    return port;
}

static uint32_t connections(const struct peer *p)
{
    struct hawser_usage usage;
    hawser_usage_of(p->host, &usage);
    return usage.connections;
}

/* ---- the choice ---- */

#define CHOICES 10000u

/* Ten thousand opens to as many ends: even over the range, and no port follows from the one before.
 * EVIDENCE 6056-01 5927-06 */
static void choices_cannot_be_foreseen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        uint32_t bins[2][64] = {{0}}, before = 0;
        double sum[2] = {0, 0}, expected = CHOICES / 64.0;
        peer_start(&p, families[i], NULL);
        uint32_t first = p.config.port_first, count = p.config.port_last - first + 1u;
        for (uint32_t n = 0; n < CHOICES; n++) {
            uint32_t port = port_chosen(&p, remote_of(&p, n));
            assert_in_range(port, p.config.port_first, p.config.port_last);
            bins[0][(port - first) * 64 / count]++;
            bins[1][(port + count - before) % count * 64 / count]++;
            before = port;
        }
        for (unsigned b = 0; b < 128; b++) {
            double off = bins[b / 64][b % 64] - expected;
            sum[b / 64] += off * off / expected;
        }
        /* 63 degrees of freedom: 104 is passed by chance once in a thousand times. */
        if (sum[0] > 104 || sum[1] > 104)
            fail_msg("chi-square: %f of ports, %f of differences", sum[0], sum[1]);
        peer_end(&p);
    }
}

static void another_secret(struct hawser_config *config)
{
    config->entropy[31] ^= 1;
}

/* EVIDENCE 6056-01 6056-03 */
static void the_secret_decides(void **state)
{
    (void)state;
    struct peer a, b;
    unsigned same = 0;
    peer_start(&a, false, NULL);
    peer_start(&b, false, another_secret);
    for (uint32_t n = 0; n < 1000; n++)
        same += port_chosen(&a, remote_of(&a, n)) == port_chosen(&b, remote_of(&b, n));
    assert_in_range(same, 0, 3);
    peer_end(&a);
    peer_end(&b);
}

static void hundred_ports(struct hawser_config *config)
{
    config->port_first = 50000;
    config->port_last = 50099;
    config->timewait_reuse = 0;
}

/* Over a small range the choice for many ends is even too: 99 degrees of freedom.
 * EVIDENCE 6056-01 6056-02 */
static void a_small_range_is_used_evenly(void **state)
{
    (void)state;
    struct peer p;
    uint32_t bins[100] = {0};
    double sum = 0, expected = CHOICES / 100.0;
    peer_start(&p, false, hundred_ports);
    for (uint32_t n = 0; n < CHOICES; n++)
        bins[port_chosen(&p, remote_of(&p, n)) - 50000]++;
    for (unsigned b = 0; b < 100; b++)
        sum += (bins[b] - expected) * (bins[b] - expected) / expected;
    if (sum > 149)
        fail_msg("chi-square %f", sum);
    peer_end(&p);
}

/* One server: a port comes again when the range is spent, not before, though each is free again at
 * once. EVIDENCE 6056-03 */
static void a_port_comes_again_as_late_as_can_be(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, hundred_ports);
    for (unsigned round = 0; round < 3; round++) {
        bool used[100] = {false};
        for (unsigned n = 0; n < 100; n++) {
            unsigned at = port_chosen(&p, remote_of(&p, 0)) - 50000u;
            assert_false(used[at]);
            used[at] = true;
        }
    }
    peer_end(&p);
}

/* ---- until none is left ---- */

/* Two remote ends, a hundred ports: each port serves both, until none is left for either. What is
 * given back is found again, wherever it lies. EVIDENCE 6056-04 6056-02 9293-3.10.1-3 */
static void until_none_is_left(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        hawser_tcp tcp[2][100], none = 4711;
        peer_start(&p, families[i], hundred_ports);
        for (unsigned end = 0; end < 2; end++) {
            bool used[100] = {false};
            for (unsigned n = 0; n < 100; n++) {
                struct hawser_endpoint any = {.port = 0};
                assert_int_equal(open_from(&p, any, remote_of(&p, end), false, &tcp[end][n]), 0);
                unsigned at = local_port(&p, tcp[end][n]) - 50000u;
                assert_in_range(at, 0, 99);
                assert_false(used[at]);
                used[at] = true;
            }
        }
        assert_int_equal(peer_pending(&p), 200);
        peer_drop_out(&p);
        struct hawser_endpoint any = {.port = 0};
        for (unsigned end = 0; end < 2; end++)
            assert_int_equal(open_from(&p, any, remote_of(&p, end), false, &none),
                             HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
        assert_int_equal(none, 4711);
        peer_quiet(&p);
        assert_int_equal(connections(&p), 200);
        for (unsigned n = 0; n < 100; n += 7) {
            uint16_t port = local_port(&p, tcp[1][n]);
            assert_int_equal(hawser_abort(p.host, tcp[1][n]), 0);
            assert_int_equal(open_from(&p, any, remote_of(&p, 0), false, &none),
                             HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
            assert_int_equal(open_from(&p, any, remote_of(&p, 1), false, &tcp[1][n]), 0);
            assert_int_equal(local_port(&p, tcp[1][n]), port);
        }
        assert_int_equal(open_from(&p, any, remote_of(&p, 2), false, &none), 0); /* a third end */
        peer_drop_out(&p);
        peer_end(&p);
    }
}

static void two_ports(struct hawser_config *config)
{
    config->port_first = 50000;
    config->port_last = 50001;
    config->timewait_reuse = 0;
}

/* What somebody listens on, and what a record keeps quiet, is not chosen.
 * EVIDENCE 6056-02 6056-04 */
static void ports_that_are_spoken_for(void **state)
{
    (void)state;
    struct peer p;
    struct hawser_endpoint any = {.port = 0};
    hawser_tcp tcp;
    peer_start(&p, false, two_ports);
    p.host_port = 50000;
    peer_listen(&p, 1);
    for (unsigned n = 0; n < 20; n++)
        assert_int_equal(port_chosen(&p, remote_of(&p, n)), 50001);
    peer_connect(&p, PEER_ALL);
    assert_int_equal(p.host_port, 50001);
    struct hawser_endpoint remote = {p.peer_address, p.peer_port};
    assert_int_equal(open_from(&p, any, remote, false, &tcp), HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
    peer_to_state(&p, HAWSER_TIME_WAIT);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    assert_int_equal(open_from(&p, any, remote, false, &tcp), HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
    assert_int_equal(port_chosen(&p, remote_of(&p, 3)), 50001);
    peer_pass(&p, 60 * NS_PER_S); /* 2 MSL */
    assert_int_equal(port_chosen(&p, remote), 50001);
    assert_int_equal(hawser_close(p.host, p.listener), 0);
    peer_end(&p);
}

/* ---- given ends ---- */

/* EVIDENCE 9293-3.10.1-4 6056-04 */
static void an_open_from_a_given_port(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        hawser_tcp first, second, none;
        peer_start(&p, families[i], NULL);
        struct hawser_endpoint local = {p.host_address, 700};
        assert_int_equal(open_from(&p, local, remote_of(&p, 0), false, &first), 0);
        assert_int_equal(open_from(&p, local, remote_of(&p, 0), true, &none), HAWSER_ERR_EXISTS);
        assert_int_equal(open_from(&p, local, remote_of(&p, 0), false, &none), HAWSER_ERR_EXISTS);
        assert_int_equal(open_from(&p, local, remote_of(&p, 1), false, &none),
                         HAWSER_ERR_ADDRESS_IN_USE);
        assert_int_equal(open_from(&p, local, remote_of(&p, 1), true, &second), 0);
        peer_drop_out(&p);
        assert_int_equal(hawser_abort(p.host, first), 0);
        assert_int_equal(hawser_abort(p.host, second), 0);
        assert_int_equal(open_from(&p, local, remote_of(&p, 0), false, &first), 0);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

static int listen_on(struct peer *p, struct hawser_endpoint local, bool reuse_address,
                     hawser_tcp *out)
{
    struct hawser_listen_options options = {
        .local = local, .backlog = 4, .reuse_address = reuse_address};
    return hawser_listen(p->host, p->now_ns, &options, out);
}

/* A passive open makes something new or fails; nobody who was there before notices.
 * EVIDENCE 9293-MUST-41 */
static void listening_disturbs_nobody(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        hawser_tcp none = 4711;
        peer_start(&p, families[i], NULL);
        peer_accept(&p, PEER_MSS);
        struct hawser_endpoint everywhere = {.port = PEER_HOST_PORT};
        struct hawser_endpoint here = {p.host_address, PEER_HOST_PORT};
        for (unsigned reuse = 0; reuse < 2; reuse++) {
            assert_int_equal(listen_on(&p, everywhere, reuse, &none), HAWSER_ERR_ADDRESS_IN_USE);
            assert_int_equal(listen_on(&p, here, reuse, &none), HAWSER_ERR_ADDRESS_IN_USE);
        }
        assert_int_equal(none, 4711);
        peer_in(&p, P | A, 1, 1, 10);
        peer_read(&p, 10);
        peer_drop_out(&p);
        p.peer_port++;
        p.timestamps = false;
        peer_accept(&p, PEER_MSS); /* by the first listener */
        assert_int_equal(hawser_close(p.host, p.listener), 0);
        assert_int_equal(listen_on(&p, everywhere, false, &none), HAWSER_ERR_ADDRESS_IN_USE);
        assert_int_equal(listen_on(&p, everywhere, true, &p.listener), 0);
        peer_write(&p, 5);
        peer_out(&p, P | A, 1, 1, 5);
        p.peer_port++;
        peer_accept(&p, PEER_MSS);
        peer_end(&p);
    }
}

/* The port of a connection that is being opened, from here or from there, can be listened on; and a
 * third host is served there. EVIDENCE 9293-MUST-42 */
static void listening_on_the_port_of_an_open(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(families); i++) {
        struct peer p;
        hawser_tcp opening, listener = 0;
        peer_start(&p, families[i % 2], NULL);
        struct hawser_endpoint local = {p.host_address, 700};
        struct hawser_endpoint silent = {p.peer_address, 9};
        assert_int_equal(open_from(&p, local, silent, false, &opening), 0);
        peer_drop_out(&p);
        p.tcp = opening;
        p.host_port = 700;
        p.peer_port = 9;
        enum hawser_state state_now = HAWSER_SYN_SENT;
        if (i >= 2) { /* simultaneous open */
            struct segment syn = peer_syn_options(&p, PEER_MSS);
            peer_inject(&p, &syn);
            peer_drop_out(&p);
            state_now = HAWSER_SYN_RECEIVED;
        }
        assert_int_equal(peer_state(&p), state_now);
        assert_int_equal(listen_on(&p, local, true, &listener), 0);
        assert_int_equal(peer_state(&p), state_now);
        p.listener = listener;
        p.peer_port = 4321;
        peer_accept(&p, PEER_MSS);
        p.tcp = opening;
        assert_int_equal(peer_state(&p), state_now);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-43 */
static void one_of_two_addresses(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        struct hawser_address first = p.host_address;
        struct hawser_address second = forge_address(families[i] ? "2001:db8::2" : "198.18.0.2");
        struct hawser_endpoint foreign = {p.peer_address, 80};
        assert_int_equal(listen_on(&p, foreign, false, &p.listener), HAWSER_ERR_ADDRESS_NOT_LOCAL);
        assert_int_equal(open_from(&p, foreign, remote_of(&p, 0), false, &p.tcp),
                         HAWSER_ERR_ADDRESS_NOT_LOCAL);
        struct hawser_endpoint local = {second, PEER_HOST_PORT};
        assert_int_equal(listen_on(&p, local, false, &p.listener), 0);
        peer_in(&p, S, 0, 0, 0); /* to the first: nobody is there */
        assert_int_equal(peer_next(&p)->seg.flags, R | A);
        p.host_address = second;
        peer_accept(&p, PEER_MSS);
        struct hawser_tcp_info info = peer_info(&p);
        assert_memory_equal(&info.local.address, &second, sizeof second);
        struct hawser_endpoint from[] = {{first, 0}, {second, 0}};
        for (unsigned n = 0; n < 2; n++) {
            assert_int_equal(open_from(&p, from[n], remote_of(&p, n), false, &p.tcp), 0);
            assert_memory_equal(&peer_next(&p)->src, &from[n].address, sizeof first);
            info = peer_info(&p);
            assert_memory_equal(&info.local.address, &from[n].address, sizeof first);
        }
        peer_end(&p);
    }
}

/* ---- two links ---- */

static uint32_t second_link(struct peer *p)
{
    struct hawser_link_config config = {.kind = HAWSER_LINK_IP, .mtu = 1500};
    struct hawser_address v4 = forge_address("203.0.113.1"), v6 = forge_address("2001:db8:2::1");
    uint32_t link;
    assert_int_equal(hawser_link_add(p->host, &config, &link), 0);
    assert_int_equal(hawser_address_add(p->host, link, &v4, 24), 0);
    assert_int_equal(hawser_address_add(p->host, link, &v6, 64), 0);
    return link;
}

/* The source address of the one packet that a link has to send, and the first has none. */
static struct hawser_address source_on(struct peer *p, uint32_t link)
{
    uint8_t space[1600];
    struct hawser_buffer buffer = {.data = space, .capacity = sizeof space};
    struct ip_packet ip;
    assert_int_equal(hawser_output(p->host, p->link, p->now_ns, &buffer, 1), 0);
    assert_int_equal(hawser_output(p->host, link, p->now_ns, &buffer, 1), 1);
    assert_int_equal(ip_parse(space, buffer.length, &ip), IP_PARSE_OK);
    return ip.src;
}

/* The route chooses the local address; and what it would choose later does not matter any more.
 * EVIDENCE 9293-MUST-44 9293-MUST-45 */
static void the_route_chooses_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        bool v6 = families[i];
        peer_start(&p, v6, NULL);
        uint32_t other = second_link(&p);
        struct hawser_address first = p.host_address;
        struct hawser_address second = forge_address(v6 ? "2001:db8:2::1" : "203.0.113.1");
        struct hawser_endpoint any = {.port = 0};
        struct hawser_endpoint near = {p.peer_address, 80};
        struct hawser_endpoint far = {forge_address(v6 ? "2001:db8:2::9" : "203.0.113.9"), 80};
        hawser_tcp there;
        assert_int_equal(open_from(&p, any, far, false, &there), 0);
        struct hawser_address source = source_on(&p, other);
        assert_memory_equal(&source, &second, sizeof source);
        assert_int_equal(open_from(&p, any, near, false, &p.tcp), 0);
        p.host_port = local_port(&p, p.tcp);
        p.peer_port = 80;
        assert_memory_equal(&peer_out(&p, S, 0, 0, 0)->src, &first, sizeof first);
        struct segment answer = peer_syn_options(&p, PEER_MSS);
        answer.flags = S | A;
        answer.ack = seq_add(p.host_isn, 1);
        peer_inject(&p, &answer);
        peer_out(&p, A, 1, 1, 0);

        /* now the second link leads to the peer */
        assert_int_equal(hawser_route_add(p.host, &p.peer_address, v6 ? 128 : 32, NULL, other, 0),
                         0);
        assert_int_equal(hawser_send(p.host, p.tcp, "abc", 3, 0), 3);
        source = source_on(&p, other);
        assert_memory_equal(&source, &first, sizeof source);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        near.port++;
        assert_int_equal(open_from(&p, any, near, false, &there), 0); /* a new one is chosen anew */
        source = source_on(&p, other);
        assert_memory_equal(&source, &second, sizeof source);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_cannot_be_foreseen),
        cmocka_unit_test(the_secret_decides),
        cmocka_unit_test(a_small_range_is_used_evenly),
        cmocka_unit_test(a_port_comes_again_as_late_as_can_be),
        cmocka_unit_test(until_none_is_left),
        cmocka_unit_test(ports_that_are_spoken_for),
        cmocka_unit_test(an_open_from_a_given_port),
        cmocka_unit_test(listening_disturbs_nobody),
        cmocka_unit_test(listening_on_the_port_of_an_open),
        cmocka_unit_test(one_of_two_addresses),
        cmocka_unit_test(the_route_chooses_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
