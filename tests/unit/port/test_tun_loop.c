/* SPDX-License-Identifier: MIT */
/* One turn of the loop over a real TAP device, with a host that is not a host. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <hawser/port/clock.h>
#include <hawser/port/tun.h>

#include "private_net.h"
#include "support/unit.h"

#define MS UINT64_C(1000000)
#define ETHERTYPE_TEST 0x88b5 /* IEEE 802: for local experiments */

/* Takes the place of the library's host in this program: answers frames of the test's type. */
struct hawser_host {
    uint64_t deadline_ns;
    unsigned to_send, sent, received, expired;
    uint64_t expired_at_ns;
};

size_t hawser_output(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                     struct hawser_buffer *buffers, size_t count)
{
    assert_int_equal(link, 4);
    assert_true(now_ns <= hawser_clock_now());
    size_t n = 0;
    for (; n < count && host->to_send > 0; n++, host->to_send--) {
        memset(buffers[n].data, 0xff, 60);
        buffers[n].data[6] = 2;
        buffers[n].data[12] = ETHERTYPE_TEST >> 8;
        buffers[n].data[13] = ETHERTYPE_TEST & 0xff;
        buffers[n].length = 60;
        host->sent++;
    }
    return n;
}

void hawser_input(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                  const struct hawser_frame *frames, size_t count)
{
    assert_int_equal(link, 4);
    assert_true(now_ns <= hawser_clock_now());
    for (size_t i = 0; i < count; i++)
        if (frames[i].length >= 14 && frames[i].data[12] == ETHERTYPE_TEST >> 8 &&
            frames[i].data[13] == (ETHERTYPE_TEST & 0xff)) {
            host->received++;
            host->to_send++;
        }
}

uint64_t hawser_next_deadline(struct hawser_host *host)
{
    return host->to_send > 0 ? 0 : host->deadline_ns;
}

void hawser_expire(struct hawser_host *host, uint64_t now_ns)
{
    host->expired++;
    host->expired_at_ns = now_ns;
}

static struct hawser_port_error error;
static struct hawser_tun *tun;
static int packets; /* the kernel's side */
static struct hawser_host host;

static int setup(void **state)
{
    (void)state;
    struct hawser_tun_config config = {.kind = HAWSER_LINK_ETHERNET, .up = true};
    assert_int_equal(hawser_tun_open(&config, &tun, &error), 0);
    struct sockaddr_ll where = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETHERTYPE_TEST),
                                .sll_ifindex = (int)if_nametoindex(hawser_tun_name(tun))};
    packets = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETHERTYPE_TEST));
    assert_true(packets >= 0);
    assert_int_equal(bind(packets, (struct sockaddr *)&where, sizeof where), 0);
    host = (struct hawser_host){.deadline_ns = UINT64_MAX};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(packets);
    hawser_tun_close(tun);
    return 0;
}

static int run_once(uint64_t timeout_ns, struct pollfd *others, size_t count)
{
    return hawser_tun_run_once(tun, &host, 4, timeout_ns, others, count, &error);
}

/* Until the kernel has said what it says when an interface comes up (it may take a second or two).
 * */
static void swallow(void)
{
    struct pollfd readable = {.fd = hawser_tun_fd(tun), .events = POLLIN};
    struct hawser_frame frames[HAWSER_TUN_BATCH];
    while (poll(&readable, 1, 0) > 0)
        assert_true(hawser_tun_read(tun, 0, frames, HAWSER_TUN_BATCH) > 0);
}

static void test_frames_both_ways(void **state)
{
    (void)state;
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1};
    frame[12] = ETHERTYPE_TEST >> 8;
    frame[13] = ETHERTYPE_TEST & 0xff;
    host.to_send = 100; /* more than a batch */
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(send(packets, frame, sizeof frame, 0), sizeof frame);
    int in = 0;
    for (unsigned turn = 0; turn < 100 && host.received < 200; turn++) {
        int n = run_once(1000 * MS, NULL, 0);
        assert_true(n >= 0);
        in += n;
        if (turn == 0)
            assert_int_equal(host.sent, 100); /* sent before it waited */
    }
    assert_int_equal(host.received, 200);
    assert_true(in >= 200);
    assert_true(run_once(0, NULL, 0) >= 0);
    assert_int_equal(host.sent, 300); /* the answers */
    unsigned arrived = 0;
    struct pollfd readable = {.fd = packets, .events = POLLIN};
    while (arrived < 300) {
        assert_int_equal(poll(&readable, 1, 10000), 1);
        while (recv(packets, frame, sizeof frame, 0) > 0)
            arrived++;
    }
    assert_int_equal(arrived, 300);
}

/* Waits as long as the sooner of timeout and deadline; frames of the kernel's own can end a wait
 * early. */
static void test_waits(void **state)
{
    (void)state;
    static const struct {
        uint64_t timeout_ns, deadline_ns, waits_ns; /* deadline: from now, UINT64_MAX = none */
    } rows[] = {
        {0, UINT64_MAX, 0},
        {30 * MS, UINT64_MAX, 30 * MS},
        {UINT64_MAX, 30 * MS, 30 * MS},
        {5000 * MS, 30 * MS, 30 * MS},
        {30 * MS, 5000 * MS, 30 * MS},
        {UINT64_MAX, 0, 0},
    };
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        bool waited = false;
        for (unsigned attempt = 0; attempt < 20 && !waited; attempt++) {
            swallow();
            uint64_t start = hawser_clock_now();
            bool none = rows[row].deadline_ns == UINT64_MAX;
            host.deadline_ns = none ? UINT64_MAX : start + rows[row].deadline_ns;
            unsigned expired = host.expired;
            int n = run_once(rows[row].timeout_ns, NULL, 0);
            uint64_t took = hawser_clock_now() - start;
            assert_true(n >= 0);
            assert_int_equal(host.expired, expired + 1);
            assert_true(host.expired_at_ns >= start);
            assert_true(took < 4000 * MS);
            waited = n == 0 && took >= rows[row].waits_ns;
            assert_true(waited || n > 0);
        }
        assert_true(waited);
    }
}

static void test_other_descriptors(void **state)
{
    (void)state;
    int pipe_fds[2][2];
    assert_int_equal(pipe(pipe_fds[0]), 0);
    assert_int_equal(pipe(pipe_fds[1]), 0);
    struct pollfd others[] = {{.fd = pipe_fds[0][0], .events = POLLIN, .revents = 77},
                              {.fd = pipe_fds[1][0], .events = POLLIN, .revents = 77}};
    assert_true(run_once(0, others, 2) >= 0);
    assert_int_equal(others[0].revents, 0);
    assert_int_equal(others[1].revents, 0);
    assert_int_equal(write(pipe_fds[1][1], "x", 1), 1);
    uint64_t start = hawser_clock_now();
    assert_true(run_once(UINT64_MAX, others, 2) >= 0);
    assert_true(hawser_clock_now() - start < 4000 * MS);
    assert_int_equal(others[0].revents, 0);
    assert_int_equal(others[1].revents, POLLIN);

    struct pollfd many[64] = {{.fd = -1}};
    assert_int_equal(run_once(0, many, 64), -EINVAL);
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i].fd = -1; /* poll leaves these out */
    assert_true(run_once(0, many, 63) >= 0);
    for (unsigned i = 0; i < 4; i++)
        close(pipe_fds[i / 2][i % 2]);
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void test_signal_ends_the_wait(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = 0}, old;
    struct itimerval timer = {.it_value = {.tv_usec = 30000}, .it_interval = {.tv_usec = 30000}};
    struct itimerval none = {{0, 0}, {0, 0}};
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    signals = 0;
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    for (unsigned turn = 0; turn < 1000 && signals == 0; turn++)
        assert_true(run_once(UINT64_MAX, NULL, 0) >= 0);
    assert_true(signals > 0);
    assert_int_equal(setitimer(ITIMER_REAL, &none, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

#define WITH_TAP(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    enter_private_net(true);
    const struct CMUnitTest tests[] = {
        WITH_TAP(test_frames_both_ways),
        WITH_TAP(test_waits),
        WITH_TAP(test_other_descriptors),
        WITH_TAP(test_signal_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
