/* SPDX-License-Identifier: MIT */
/* Real TAP and TUN devices, in a namespace of the test's own: frames both ways, and every refusal.
 * */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <hawser/port/tun.h>

#include "private_net.h"
#include "support/unit.h"

#define ETHERTYPE_TEST                                                                             \
    0x88b5 /* IEEE 802: for local experiments; the kernel sends none of these itself */

static struct hawser_port_error error;

static struct hawser_tun *open_device(enum hawser_link_kind kind, const char *name, uint32_t mtu)
{
    struct hawser_tun_config config = {.kind = kind, .name = name, .mtu = mtu, .up = true};
    struct hawser_tun *tun = NULL;
    error.text[0] = '\0';
    if (hawser_tun_open(&config, &tun, &error) != 0)
        fail_msg("%s", error.text);
    return tun;
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        struct hawser_tun_config config;
        int result;
        const char *text;
    } rows[] = {
        {{.kind = HAWSER_LINK_LOOPBACK}, -EINVAL, "TAP device is an Ethernet link"},
        {{.kind = HAWSER_LINK_ETHERNET, .mtu = 67}, -EINVAL, "68 to 65521"},
        {{.kind = HAWSER_LINK_ETHERNET, .mtu = 65522}, -EINVAL, "68 to 65521"},
        {{.kind = HAWSER_LINK_IP, .mtu = 65536}, -EINVAL, "68 to 65535"},
        {{.kind = HAWSER_LINK_IP, .name = "sixteen-letters-"}, -ENAMETOOLONG, "1 to 15"},
        {{.kind = HAWSER_LINK_ETHERNET, .name = "lo"}, -EINVAL, "of another kind"},
        {{.kind = HAWSER_LINK_ETHERNET, .name = "bad/name"}, -EINVAL, "the name is bad"},
        {{.kind = HAWSER_LINK_ETHERNET, .name = "taken"}, -EBUSY, "another program has it open"},
        {{.kind = HAWSER_LINK_IP, .name = "taken"}, -EINVAL, "of another kind"},
    };
    struct hawser_tun *taken = open_device(HAWSER_LINK_ETHERNET, "taken", 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_tun *tun = NULL;
        assert_int_equal(hawser_tun_open(&rows[i].config, &tun, &error), rows[i].result);
        assert_null(tun);
        if (strstr(error.text, rows[i].text) == NULL)
            fail_msg("row %zu says: %s", i, error.text);
        assert_int_equal(hawser_tun_open(&rows[i].config, &tun, NULL), rows[i].result);
    }
    hawser_tun_close(taken);
    hawser_tun_close(NULL);
    assert_int_equal(if_nametoindex("taken"), 0); /* gone with its descriptor */
}

static void test_without_privilege(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct hawser_tun_config config = {.kind = HAWSER_LINK_ETHERNET};
        struct hawser_tun *tun = NULL;
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(77); /* in a user namespace there is nobody else to become */
        int result = hawser_tun_open(&config, &tun, &error);
        /* Which of the two depends on the rights of the device node. */
        bool said = strstr(error.text, "run as root") != NULL;
        _exit((result == -EPERM || result == -EACCES) && said ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}

static void test_opening(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t mtu, has;
    } rows[] = {{"named", 0, 1500}, {"t%d", 9000, 9000}, {NULL, 576, 576}, {"", 65521, 65521}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_tun *tun = open_device(HAWSER_LINK_ETHERNET, rows[i].name, rows[i].mtu);
        const char *name = hawser_tun_name(tun);
        uint32_t mtu = 0;
        uint8_t mac[6] = {1};
        assert_true(i != 0 || strcmp(name, "named") == 0);
        assert_true(i != 1 || strcmp(name, "t0") == 0);
        assert_true(if_nametoindex(name) != 0);
        assert_int_equal(hawser_interface_mtu(name, &mtu, &error), 0);
        assert_int_equal(mtu, rows[i].has);
        assert_int_equal(hawser_tun_mtu(tun), rows[i].has);
        assert_int_equal(hawser_interface_mac(name, mac, &error), 0);
        assert_int_equal(mac[0] & 3, 2); /* unicast, locally administered: what the kernel draws */
        hawser_tun_close(tun);
        assert_int_equal(if_nametoindex("named"), 0);
    }
}

/* The kernel's side of a TAP device, for frames of the test's own type. */
static int packet_socket(const char *name)
{
    struct sockaddr_ll where = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETHERTYPE_TEST),
                                .sll_ifindex = (int)if_nametoindex(name)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETHERTYPE_TEST));
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof where), 0);
    return fd;
}

static size_t build_frame(uint8_t *out, uint32_t number, size_t length)
{
    memset(out, (int)number, length);
    memset(out, 0xff, 6); /* to everybody */
    memcpy(out + 6, "\x02\x48\x57\x00\x00\x01", 6);
    out[12] = ETHERTYPE_TEST >> 8;
    out[13] = ETHERTYPE_TEST & 0xff;
    memcpy(out + 14, &number, sizeof number);
    return length;
}

static bool is_ours(const struct hawser_frame *frame)
{
    return frame->length >= 18 && frame->data[12] == ETHERTYPE_TEST >> 8 &&
           frame->data[13] == (ETHERTYPE_TEST & 0xff);
}

struct heard {
    unsigned counts[2][4]; /* by sender and verdict */
    uint64_t last_number[2];
};

static void hear(void *context, const struct hawser_tap_event *event)
{
    struct heard *heard = context;
    heard->counts[event->from][event->verdict]++;
    heard->last_number[event->from] = event->number;
    assert_int_equal(event->kind, HAWSER_LINK_ETHERNET);
    assert_true(event->now_ns == 5 || event->now_ns == 6);
}

static void wait_readable(int fd)
{
    struct pollfd wait_for = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait_for, 1, 10000), 1);
}

static void test_tap_in(void **state)
{
    (void)state;
    struct hawser_tun *tun = open_device(HAWSER_LINK_ETHERNET, NULL, 0);
    int fd = packet_socket(hawser_tun_name(tun));
    struct heard heard = {{{0}}, {0}};
    hawser_tun_set_tap(tun, hear, &heard);
    static const size_t lengths[] = {18, 60, 1513, 1514};
    uint8_t frame[1514], expected[1514];
    uint32_t sent = 0, received = 0;
    for (; sent < 100; sent++) {
        size_t length = lengths[sent % COUNT_OF(lengths)];
        build_frame(frame, sent, length);
        assert_int_equal(send(fd, frame, length, 0), length);
    }
    while (received < sent) {
        struct hawser_frame frames[2 * HAWSER_TUN_BATCH];
        wait_readable(hawser_tun_fd(tun));
        int n = hawser_tun_read(tun, 5, frames, COUNT_OF(frames));
        assert_in_range(n, 1, HAWSER_TUN_BATCH);
        for (int i = 0; i < n; i++) {
            if (!is_ours(&frames[i]))
                continue; /* the kernel's own, such as a report of multicast groups */
            size_t length = build_frame(expected, received, lengths[received % COUNT_OF(lengths)]);
            assert_int_equal(frames[i].length, length);
            assert_memory_equal(frames[i].data, expected, length);
            received++;
        }
    }
    const struct hawser_tun_counters *counters = hawser_tun_counters_of(tun);
    assert_true(counters->frames_in >= 100);
    assert_int_equal(heard.counts[1][HAWSER_TAP_SENT], counters->frames_in);
    assert_int_equal(heard.counts[1][HAWSER_TAP_DELIVERED], counters->frames_in);
    assert_int_equal(heard.last_number[1], counters->frames_in);
    close(fd);
    hawser_tun_close(tun);
}

static void test_tap_out(void **state)
{
    (void)state;
    struct hawser_tun *tun = open_device(HAWSER_LINK_ETHERNET, NULL, 0);
    int fd = packet_socket(hawser_tun_name(tun));
    struct heard heard = {{{0}}, {0}};
    hawser_tun_set_tap(tun, hear, &heard);
    struct hawser_buffer *buffers = hawser_tun_buffers(tun);
    for (uint32_t i = 0; i < HAWSER_TUN_BATCH; i++) {
        assert_true(buffers[i].capacity >= 1514);
        buffers[i].length = (uint32_t)build_frame(buffers[i].data, i, 60 + 40 * i);
    }
    assert_int_equal(hawser_tun_write(tun, 6, buffers, HAWSER_TUN_BATCH), 0);
    for (uint32_t i = 0; i < HAWSER_TUN_BATCH; i++) {
        uint8_t frame[2000], expected[2000];
        size_t length = build_frame(expected, i, 60 + 40 * i);
        wait_readable(fd);
        assert_int_equal(recv(fd, frame, sizeof frame, 0), length);
        assert_memory_equal(frame, expected, length);
    }
    const struct hawser_tun_counters *counters = hawser_tun_counters_of(tun);
    assert_int_equal(counters->frames_out, HAWSER_TUN_BATCH);
    assert_int_equal(counters->frames_lost, 0);

    /* What no device takes is lost, and only that. */
    buffers[0].length = 13;
    assert_int_equal(hawser_tun_write(tun, 6, buffers, 2), 0);
    assert_int_equal(counters->frames_lost, 1);
    assert_int_equal(counters->frames_out, HAWSER_TUN_BATCH + 1);
    assert_int_equal(hawser_interface_down(hawser_tun_name(tun), &error), 0);
    assert_int_equal(hawser_tun_write(tun, 6, buffers + 1, 3), 0);
    assert_int_equal(counters->frames_lost, 4);
    assert_int_equal(heard.counts[0][HAWSER_TAP_LOST], 4);
    assert_int_equal(heard.counts[0][HAWSER_TAP_SENT], HAWSER_TUN_BATCH + 5);
    close(fd);
    hawser_tun_close(tun);
}

static uint16_t checksum(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* Bare IP packets: the kernel answers our ping. */
static void test_tun_ping(void **state)
{
    (void)state;
    struct hawser_tun *tun = open_device(HAWSER_LINK_IP, "ping", 1400);
    struct hawser_address kernel = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};
    assert_int_equal(hawser_interface_add_address("ping", &kernel, 24, &error), 0);
    uint8_t packet[28] = {0x45, 0, 0,   28, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0,
                          2,    7, 192, 0,  2, 1, 8, 0, 0,  0, 1, 2, 3,   4};
    uint16_t sum = checksum(packet, 20);
    packet[10] = (uint8_t)(sum >> 8);
    packet[11] = (uint8_t)sum;
    sum = checksum(packet + 20, 8);
    packet[22] = (uint8_t)(sum >> 8);
    packet[23] = (uint8_t)sum;
    struct hawser_buffer *buffers = hawser_tun_buffers(tun);
    memcpy(buffers[0].data, packet, sizeof packet);
    buffers[0].length = sizeof packet;
    assert_int_equal(hawser_tun_write(tun, 1, buffers, 1), 0);
    bool answered = false;
    for (unsigned i = 0; i < 50 && !answered; i++) {
        struct hawser_frame frame;
        wait_readable(hawser_tun_fd(tun));
        int n = hawser_tun_read(tun, 2, &frame, 1);
        assert_in_range(n, 0, 1);
        answered = n == 1 && frame.length == sizeof packet && frame.data[0] == 0x45 &&
                   frame.data[9] == 1 && frame.data[20] == 0 &&
                   memcmp(frame.data + 24, packet + 24, 4) == 0;
    }
    assert_true(answered);
    hawser_tun_close(tun);
}

/* An IPv6 address of the kernel's can be used at once: no second of duplicate address detection. */
static void test_address_without_delay(void **state)
{
    (void)state;
    struct hawser_tun *tun = open_device(HAWSER_LINK_ETHERNET, NULL, 0);
    struct hawser_address kernel = {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}};
    const char *name = hawser_tun_name(tun);
    assert_int_equal(hawser_interface_add_address(name, &kernel, 64, &error), 0);
    struct sockaddr_in6 bind_to = {.sin6_family = AF_INET6};
    memcpy(&bind_to.sin6_addr, kernel.bytes, 16);
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&bind_to, sizeof bind_to), 0);
    close(fd);
    hawser_tun_close(tun);
}

/* `ip link delete`. */
static void delete_device(const char *name)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg message;
    } request = {.header = {.nlmsg_len = sizeof request,
                            .nlmsg_type = RTM_DELLINK,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                 .message = {.ifi_index = (int)if_nametoindex(name)}};
    char answer[1024];
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, &request, sizeof request, 0), sizeof request);
    assert_true(recv(fd, answer, sizeof answer, 0) > 0);
    close(fd);
    assert_int_equal(if_nametoindex(name), 0);
}

static void test_device_goes_away(void **state)
{
    (void)state;
    struct hawser_tun *tun = open_device(HAWSER_LINK_ETHERNET, "going", 0);
    struct hawser_frame frame;
    struct hawser_buffer *buffers = hawser_tun_buffers(tun);
    delete_device("going");
    buffers[0].length = (uint32_t)build_frame(buffers[0].data, 1, 60);
    assert_int_equal(hawser_tun_read(tun, 1, &frame, 1), -EBADFD);
    assert_int_equal(hawser_tun_write(tun, 1, buffers, 1), -EBADFD);
    hawser_tun_close(tun);
}

int main(void)
{
    enter_private_net(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_without_privilege),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_tap_in),
        cmocka_unit_test(test_tap_out),
        cmocka_unit_test(test_tun_ping),
        cmocka_unit_test(test_address_without_delay),
        cmocka_unit_test(test_device_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
