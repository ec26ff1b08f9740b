/* SPDX-License-Identifier: MIT */
/* The machine: machine.c, machine_file.c, machine_socket.c, machine_transfer.c, machine_wait.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "pkt/live.h"
#include "pkt/machine.h"

#define START_NS 5000000000LL
#define MS 1000000LL

static struct pkt_machine *make(void)
{
    struct pkt_machine_config config = {.prefix_bits = 24, .mtu = 1500, .start_ns = START_NS};
    struct hawser_config host;
    struct pkt_machine *machine;
    assert_int_equal(hawser_address_scan("192.0.2.2", &config.local), 0);
    pkt_machine_host_defaults(&host);
    assert_int_equal(pkt_machine_create(&config, &host, &machine), 0);
    return machine;
}

/* A call that must not wait. */
static int64_t now(struct pkt_machine *machine, struct pkt_syscall call)
{
    pkt_machine_start(machine, &call);
    assert_true(call.done);
    return call.result;
}

static int open_socket(struct pkt_machine *machine)
{
    return (int)now(machine, (struct pkt_syscall){.kind = PKT_SYS_SOCKET,
                                                  .fd = -1,
                                                  .other_fd = -1,
                                                  .domain = AF_INET,
                                                  .type = SOCK_STREAM});
}

static struct sockaddr_in peer(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0xc6336401); /* 198.51.100.1 */
    return address;
}

static void test_create(void **state)
{
    struct pkt_machine_config config = {.prefix_bits = 24, .mtu = 10};
    struct hawser_config host;
    struct pkt_machine *machine;
    (void)state;
    hawser_address_scan("192.0.2.2", &config.local);
    pkt_machine_host_defaults(&host);
    assert_int_equal(pkt_machine_create(&config, &host, &machine), -EINVAL);
    config.mtu = 1500;
    config.prefix_bits = 99;
    assert_int_equal(pkt_machine_create(&config, &host, &machine), -EINVAL);
    pkt_machine_destroy(NULL);
}

/* connect() sends SYNs at 0, 1, 3 s; each is found with its own time, and the call ends in time. */
static void test_clock(void **state)
{
    static const int64_t times[] = {0, 1000 * MS, 3000 * MS};
    struct pkt_machine *machine = make();
    struct sockaddr_in address = peer(80);
    struct pkt_syscall call = {.kind = PKT_SYS_CONNECT,
                               .fd = open_socket(machine),
                               .other_fd = -1,
                               .address = (struct sockaddr *)&address,
                               .address_length = sizeof address};
    struct pkt_datagram datagram;
    (void)state;
    pkt_machine_start(machine, &call);
    assert_false(call.done);
    pkt_machine_advance(machine, START_NS + 3500 * MS);
    assert_int_equal(pkt_machine_now(machine), START_NS + 3500 * MS);
    for (size_t i = 0; i < 3; i++) {
        assert_true(pkt_machine_receive(machine, START_NS, &datagram));
        assert_int_equal(datagram.time_ns, START_NS + times[i]);
    }
    assert_false(pkt_machine_receive(machine, START_NS + 3600 * MS, &datagram));
    assert_int_equal(pkt_machine_now(machine), START_NS + 3600 * MS);
    assert_true(pkt_machine_receive(machine, INT64_MAX, &datagram));
    assert_int_equal(datagram.time_ns, START_NS + 7000 * MS);
    pkt_machine_await(machine, &call, START_NS + 1000000 * MS);
    assert_true(call.done);
    assert_int_equal(call.result, -ETIMEDOUT);
    assert_int_equal(call.ended_ns, pkt_machine_now(machine));
    pkt_machine_destroy(machine);
}

static void test_cancel(void **state)
{
    struct pkt_machine *machine = make();
    struct sockaddr_in address = peer(80);
    struct pkt_syscall call = {.kind = PKT_SYS_CONNECT,
                               .fd = open_socket(machine),
                               .other_fd = -1,
                               .address = (struct sockaddr *)&address,
                               .address_length = sizeof address};
    (void)state;
    pkt_machine_start(machine, &call);
    pkt_machine_cancel(machine, &call);
    assert_true(call.done);
    assert_int_equal(call.result, -EINTR);
    /* The descriptor may be closed while a call uses what it refers to. */
    struct pkt_syscall reading = {.kind = PKT_SYS_POLL,
                                  .fd = -1,
                                  .other_fd = -1,
                                  .polls = &(struct pollfd){.fd = 99, .events = POLLIN},
                                  .number = 1,
                                  .timeout_ms = -1};
    pkt_machine_start(machine, &reading);
    assert_true(reading.done); /* POLLNVAL */
    assert_int_equal(reading.polls[0].revents, POLLNVAL);
    pkt_machine_destroy(machine);
}

static void test_timeouts(void **state)
{
    struct pkt_machine *machine = make();
    int fds[2];
    (void)state;
    struct pkt_syscall pipes = {.kind = PKT_SYS_PIPE, .fd = -1, .other_fd = -1};
    pkt_machine_start(machine, &pipes);
    memcpy(fds, pipes.pair, sizeof fds);
    struct pollfd entry = {.fd = fds[0], .events = POLLIN};
    struct pkt_syscall call = {.kind = PKT_SYS_POLL,
                               .fd = -1,
                               .other_fd = -1,
                               .polls = &entry,
                               .number = 1,
                               .timeout_ms = 250};
    pkt_machine_start(machine, &call);
    assert_int_equal(pkt_machine_deadline(machine), START_NS + 250 * MS);
    pkt_machine_advance(machine, START_NS + 1000 * MS);
    assert_true(call.done);
    assert_int_equal(call.result, 0);
    assert_int_equal(call.ended_ns, START_NS + 250 * MS);

    call.timeout_ms = -1; /* for ever, until somebody writes */
    pkt_machine_start(machine, &call);
    assert_int_equal(pkt_machine_deadline(machine), INT64_MAX);
    assert_int_equal(now(machine, (struct pkt_syscall){.kind = PKT_SYS_WRITE,
                                                       .fd = fds[1],
                                                       .other_fd = -1,
                                                       .data = (char[]){"x"},
                                                       .size = 1}),
                     1);
    assert_true(call.done);
    assert_int_equal(call.result, 1);
    assert_int_equal(entry.revents, POLLIN);
    pkt_machine_destroy(machine);
}

static void test_descriptors(void **state)
{
    struct pkt_machine *machine = make();
    (void)state;
    int fd = open_socket(machine);
    assert_int_equal(fd, 3);
    int copy = (int)now(
        machine,
        (struct pkt_syscall){
            .kind = PKT_SYS_FCNTL, .fd = fd, .other_fd = -1, .command = F_DUPFD, .number = 10});
    assert_int_equal(copy, 10);
    struct pkt_syscall close_one = {.kind = PKT_SYS_CLOSE, .fd = fd, .other_fd = -1};
    assert_int_equal(now(machine, close_one), 0);
    assert_int_equal(now(machine, close_one), -EBADF);
    struct pkt_syscall listening = {
        .kind = PKT_SYS_LISTEN, .fd = copy, .other_fd = -1, .number = 1};
    assert_int_equal(now(machine, listening), 0); /* the socket is still there */
    listening.fd = fd;
    assert_int_equal(now(machine, listening), -EBADF);
    assert_int_equal(open_socket(machine), 3);
    pkt_machine_destroy(machine);
}

static void test_refusals(void **state)
{
    struct pkt_machine *machine = make();
    struct pkt_syscall call = {
        .kind = PKT_SYS_SOCKET, .fd = -1, .other_fd = -1, .domain = AF_INET, .type = SOCK_DGRAM};
    (void)state;
    assert_true(now(machine, call) < 0);
    assert_string_equal(pkt_machine_unsupported(machine), "UDP sockets");
    assert_null(pkt_machine_unsupported(machine));
    call.domain = AF_UNIX;
    assert_true(now(machine, call) < 0);
    assert_non_null(pkt_machine_unsupported(machine));
    char path[] = "/nowhere/at/all";
    struct pkt_syscall opening = {
        .kind = PKT_SYS_OPEN, .fd = -1, .other_fd = -1, .data = path, .flags = O_WRONLY | O_CREAT};
    assert_int_equal(now(machine, opening), -EOPNOTSUPP);
    opening.flags = O_RDONLY;
    assert_int_equal(now(machine, opening), -ENOENT);
    pkt_machine_destroy(machine);
}

static void test_settings(void **state)
{
    struct pkt_machine *machine = make();
    const char *why = NULL;
    (void)state;
    assert_int_equal(pkt_machine_set(machine, "net.ipv4.tcp_fin_timeout", "7", &why), 0);
    assert_int_equal(pkt_machine_set(machine, "net.ipv4.tcp_frobnicate", "7", &why), -ENOENT);
    assert_int_equal(pkt_machine_set(machine, "net.ipv4.tcp_fin_timeout", "x", &why), -EINVAL);
    assert_int_equal(pkt_machine_reset(machine), 0);
    pkt_machine_destroy(machine);
}

/* The same calls at the same times give the same bytes: nothing of the real machine gets in. */
static void test_determinism(void **state)
{
    uint8_t first[128] = {0};
    size_t length = 0;
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        struct pkt_machine *machine = make();
        struct sockaddr_in address = peer(80);
        struct pkt_datagram datagram;
        struct pkt_syscall call = {.kind = PKT_SYS_CONNECT,
                                   .fd = open_socket(machine),
                                   .other_fd = -1,
                                   .address = (struct sockaddr *)&address,
                                   .address_length = sizeof address};
        pkt_machine_start(machine, &call);
        assert_true(pkt_machine_receive(machine, START_NS, &datagram));
        assert_true(datagram.length < sizeof first);
        if (round == 0)
            memcpy(first, datagram.data, length = datagram.length);
        assert_int_equal(datagram.length, length);
        assert_memory_equal(datagram.data, first, length);
        pkt_machine_destroy(machine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),      cmocka_unit_test(test_clock),
        cmocka_unit_test(test_cancel),      cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_descriptors), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_settings),    cmocka_unit_test(test_determinism),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
