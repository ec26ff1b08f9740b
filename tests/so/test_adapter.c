/* SPDX-License-Identifier: MIT */
/* libhawser-packetdrill.so in hands that are clumsy or worse: adapter.c, calls.c, choice.c,
 * descriptors.c, settings.c, threads.c, transfer.c of pkt/so. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pkt/live.h"
#include "pkt/parse.h"
#include "pkt/so/interface.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOBODY 987654

static packetdrill_interface_init_function *init;
static struct packetdrill_interface ifc;
static uint32_t isn; /* of the last connection */

static void begin(const char *flags)
{
    memset(&ifc, 0, sizeof ifc);
    init(flags, &ifc);
}

static void end(void)
{
    ifc.free(ifc.userdata);
}

static int tcp_socket(void)
{
    return ifc.socket(ifc.userdata, AF_INET, SOCK_STREAM, IPPROTO_TCP);
}

static int listener(void)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int fd = tcp_socket();
    assert_true(fd >= 0);
    assert_int_equal(ifc.bind(ifc.userdata, fd, (struct sockaddr *)&local, sizeof local), 0);
    assert_int_equal(ifc.listen(ifc.userdata, fd, 5), 0);
    return fd;
}

static int64_t now_us(void)
{
    struct timeval now;
    assert_int_equal(ifc.gettimeofday(ifc.userdata, &now, NULL), 0);
    return now.tv_sec * 1000000LL + now.tv_usec;
}

/* A segment of the peer, port 1024, to port 8080. */
static size_t segment(uint16_t flags, uint32_t seq, uint32_t ack, uint32_t length,
                      uint8_t out[2048])
{
    struct pkt_options options;
    struct pkt_error error;
    pkt_options_default(&options, PKT_IPV4);
    assert_int_equal(pkt_options_complete(&options, &error), 0);
    const struct pkt_ends ends = {.source = options.remote,
                                  .destination = options.local,
                                  .source_port = 1024,
                                  .destination_port = 8080};
    const struct pkt_packet packet = {
        .inbound = true,
        .ip = {.tos = -1, .flow_label = -1, .ttl = -1},
        .tcp = {.flags = flags, .seq = seq, .ack = ack, .length = length, .window = 65535}};
    return pkt_build(&packet, &ends, out, 2048);
}

static void send_segment(uint16_t flags, uint32_t seq, uint32_t ack, uint32_t length)
{
    uint8_t data[2048];
    size_t size = segment(flags, seq, ack, length, data);
    assert_true(size > 0);
    assert_int_equal(ifc.netdev_send(ifc.userdata, data, size), 0);
}

/* The next segment that was sent; its TCP sequence number. */
static uint32_t receive_segment(void)
{
    static uint8_t data[65536];
    size_t size = sizeof data;
    long long time_us;
    struct pkt_live *live = calloc(1, sizeof *live);
    assert_int_equal(ifc.netdev_receive(ifc.userdata, data, &size, &time_us), 0);
    assert_true(size > 0);
    assert_int_equal(pkt_read(data, size, live), 0);
    uint32_t seq = live->packet.tcp.seq;
    free(live);
    return seq;
}

/* An accepted connection. */
static int connection(int listening)
{
    send_segment(PKT_SYN, 0, 0, 0);
    isn = receive_segment();
    send_segment(PKT_ACK, 1, isn + 1, 0);
    int fd = ifc.accept(ifc.userdata, listening, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

/* ---- flags ---------------------------------------------------------------------------------- */

static void test_flags(void **state)
{
    static const struct {
        const char *flags;
        bool good;
    } rows[] = {
        {NULL, true},
        {"", true},
        {" \t ", true},
        {"ipv4", true},
        {"ipv6", true},
        {"ipv6 local=fd00::1 remote=fd00::2 mtu=1280", true},
        {"local=fd00::1 remote=fd00::2", true},
        {"net.ipv4.tcp_sack=0 net.ipv4.tcp_rmem=4096,131072,6291456", true},
        {"patience=0.5", true},
        {"ipv5", false},
        {"local", false},
        {"local=", false},
        {"local=1.2.3", false},
        {"ipv6 local=1.2.3.4", false},
        {"local=1.2.3.4 remote=1.2.3.4", false},
        {"mtu=0", false},
        {"mtu=-1", false},
        {"mtu=99999999999", false},
        {"patience=never", false},
        {"patience=-1", false},
        {"sysctl=", false},
        {"colour=red", false},
        {"net.ipv4.tcp_sack=2", false},
        {"net.ipv4.tcp_ecn=1", false},
        {"net.ipv4.tcp_nonsense=1", false},
        {"=", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        begin(rows[i].flags);
        int fd = tcp_socket();
        if ((fd >= 0) != rows[i].good)
            fail_msg("'%s' gives %d", rows[i].flags != NULL ? rows[i].flags : "NULL", fd);
        now_us();
        assert_int_equal(ifc.usleep(ifc.userdata, 1000), 0);
        assert_int_equal(close(fd), fd >= 0 ? 0 : -1);
        end();
    }
}

/* ---- time ----------------------------------------------------------------------------------- */

static void test_clock(void **state)
{
    (void)state;
    begin(NULL);
    int64_t first = now_us();
    assert_int_equal(ifc.usleep(ifc.userdata, 1000000), 0);
    assert_in_range(now_us(), first + 1000000, first + 1000002);
    int fd = tcp_socket();
    assert_int_equal(now_us(), first + 1000000);
    for (unsigned i = 0; i < 1000; i++) /* whoever spins gets on */
        now_us();
    assert_in_range(now_us(), first + 1000010, first + 1001000);
    close(fd);
    end();
}

/* A SYN is sent again until nobody hopes any more; then nothing will come. */
static void test_nothing_will_come(void **state)
{
    struct sockaddr_in remote = {
        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0xc0000201)};
    uint8_t data[2048];
    size_t size, count = 0;
    long long time_us, last = 0;
    (void)state;
    begin(NULL);
    size = sizeof data;
    assert_int_equal(ifc.netdev_receive(ifc.userdata, data, &size, &time_us), 0);
    assert_int_equal(size, 0);
    int fd = ifc.socket(ifc.userdata, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(ifc.connect(ifc.userdata, fd, (struct sockaddr *)&remote, sizeof remote), -1);
    assert_int_equal(errno, EINPROGRESS);
    for (;; count++, last = time_us) {
        size = sizeof data;
        assert_int_equal(ifc.netdev_receive(ifc.userdata, data, &size, &time_us), 0);
        if (size == 0)
            break;
        assert_true(time_us > last);
        assert_true(count < 100);
    }
    assert_in_range(count, 3, 20);
    /* What does not fit is cut off. */
    listener();
    send_segment(PKT_SYN, 0, 0, 0);
    size = 7;
    assert_int_equal(ifc.netdev_receive(ifc.userdata, data, &size, &time_us), 0);
    assert_int_equal(size, 7);
    assert_int_equal(ifc.netdev_receive(ifc.userdata, NULL, &size, &time_us), -1);
    end();
}

/* ---- descriptors ---------------------------------------------------------------------------- */

static void test_unknown_descriptors(void **state)
{
    static const int fds[] = {-1, 0, 1, NOBODY, INT_MAX, INT_MIN};
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    struct sockaddr_storage address = {.ss_family = AF_INET};
    socklen_t length = sizeof address;
    struct epoll_event event = {0};
    int value = 0;
    loff_t offset = 0;
    (void)state;
    begin(NULL);
    void *u = ifc.userdata;
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        int fd = fds[i];
        assert_int_equal(ifc.bind(u, fd, (struct sockaddr *)&address, 16), -1);
        assert_int_equal(errno, EBADF);
        assert_int_equal(ifc.connect(u, fd, (struct sockaddr *)&address, 16), -1);
        assert_int_equal(ifc.connect(u, fd, NULL, 16), -1);
        assert_int_equal(ifc.connect(u, fd, (struct sockaddr *)&address, UINT_MAX), -1);
        assert_int_equal(ifc.listen(u, fd, 1), -1);
        assert_int_equal(ifc.accept(u, fd, (struct sockaddr *)&address, &length), -1);
        assert_int_equal(ifc.accept(u, fd, (struct sockaddr *)&address, NULL), -1);
        assert_int_equal(ifc.read(u, fd, &byte, 1), -1);
        assert_int_equal(ifc.readv(u, fd, &iov, 1), -1);
        assert_int_equal(ifc.readv(u, fd, NULL, 1), -1);
        assert_int_equal(ifc.recv(u, fd, &byte, 1, 0), -1);
        assert_int_equal(ifc.recvfrom(u, fd, &byte, 1, 0, NULL, NULL), -1);
        assert_int_equal(ifc.recvfrom(u, fd, &byte, 1, 0, (struct sockaddr *)&address, NULL), -1);
        assert_int_equal(ifc.recvmsg(u, fd, &message, 0), -1);
        assert_int_equal(ifc.recvmsg(u, fd, NULL, 0), -1);
        assert_int_equal(ifc.write(u, fd, &byte, 1), -1);
        assert_int_equal(ifc.write(u, fd, &byte, SIZE_MAX), -1);
        assert_int_equal(ifc.writev(u, fd, &iov, INT_MIN), -1);
        assert_int_equal(ifc.send(u, fd, &byte, 1, 0), -1);
        assert_int_equal(ifc.sendto(u, fd, &byte, 1, 0, NULL, 0), -1);
        assert_int_equal(ifc.sendmsg(u, fd, &message, 0), -1);
        assert_int_equal(ifc.fcntl(u, fd, F_GETFL), -1);
        assert_int_equal(ifc.fcntl(u, fd, F_SETFL, O_NONBLOCK), -1);
        assert_int_equal(ifc.fcntl(u, fd, F_DUPFD, -1), -1);
        assert_int_equal(ifc.ioctl(u, fd, 0x541bUL, &value), -1);
        assert_int_equal(ifc.shutdown(u, fd, SHUT_WR), -1);
        assert_int_equal(ifc.getsockopt(u, fd, SOL_SOCKET, SO_ERROR, &value, &length), -1);
        assert_int_equal(ifc.getsockopt(u, fd, SOL_SOCKET, SO_ERROR, &value, NULL), -1);
        assert_int_equal(ifc.setsockopt(u, fd, SOL_SOCKET, SO_KEEPALIVE, NULL, 4), -1);
        assert_int_equal(ifc.epoll_ctl(u, fd, EPOLL_CTL_ADD, fd, &event), -1);
        assert_int_equal(ifc.epoll_wait(u, fd, &event, 1, 0), -1);
        assert_int_equal(ifc.epoll_wait(u, fd, NULL, 1, 0), -1);
        assert_int_equal(ifc.splice(u, fd, &offset, fd, NULL, SIZE_MAX, 0), -1);
        assert_int_equal(ifc.close(u, fd), -1);
        assert_int_equal(errno, EBADF);
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        assert_int_equal(ifc.poll(u, &polled, 1, 0), fd < 0 ? 0 : 1);
        assert_int_equal(polled.revents, fd < 0 ? 0 : POLLNVAL);
    }
    assert_int_equal(ifc.poll(u, NULL, 1, 0), -1);
    assert_int_equal(ifc.poll(u, NULL, ULONG_MAX, 0), -1);
    assert_int_equal(ifc.pipe(u, NULL), -1);
    assert_int_equal(ifc.epoll_create(u, 0), -1);
    end();
}

static void test_descriptors(void **state)
{
    char byte = 7;
    int pair[2];
    (void)state;
    begin(NULL);
    void *u = ifc.userdata;
    int fd = tcp_socket(), high = ifc.fcntl(u, fd, F_DUPFD, 700);
    assert_true(high >= 700);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); /* the real machine knows it */
    assert_int_equal(ifc.close(u, fd), 0);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(ifc.listen(u, high, 1), 0);
    /* Closed behind our back, and its number given again: the new one is meant. */
    fd = tcp_socket();
    close(fd);
    int again = tcp_socket();
    assert_int_equal(again, fd);
    assert_int_equal(ifc.listen(u, again, 1), 0);
    assert_int_equal(ifc.pipe(u, pair), 0);
    assert_int_equal(ifc.write(u, pair[1], &byte, 1), 1);
    byte = 0;
    assert_int_equal(ifc.read(u, pair[0], &byte, 1), 1);
    assert_int_equal(byte, 7);
    int epoll = ifc.epoll_create(u, 1);
    struct epoll_event event = {.events = EPOLLOUT, .data.fd = 42}, got = {0};
    assert_int_equal(ifc.epoll_ctl(u, epoll, EPOLL_CTL_ADD, pair[1], &event), 0);
    assert_int_equal(ifc.epoll_wait(u, epoll, &got, 1, 0), 1);
    assert_int_equal(got.data.fd, 42);
    const int all[] = {high, again, pair[0], pair[1], epoll};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_int_equal(close(all[i]), 0);
    end();
}

static void test_too_many_descriptors(void **state)
{
    static int fds[2000];
    size_t count = 0;
    (void)state;
    begin(NULL);
    while (count < COUNT_OF(fds) && (fds[count] = tcp_socket()) >= 0)
        count++;
    assert_int_equal(errno, EMFILE);
    assert_in_range(count, 100, 1024);
    for (size_t i = 0; i < count; i += 2)
        assert_int_equal(ifc.close(ifc.userdata, fds[i]), 0);
    fds[0] = tcp_socket();
    assert_true(fds[0] >= 0);
    close(fds[0]);
    for (size_t i = 1; i < count; i += 2)
        close(fds[i]);
    end();
}

/* ---- settings that are followed -------------------------------------------------------------- */

static void put_setting(const char *folder, const char *value)
{
    char path[256];
    snprintf(path, sizeof path, "%s/net/ipv4/tcp_sack", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(value, file);
    fclose(file);
}

static bool syn_has_sack(void)
{
    struct sockaddr_in remote = {
        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0xc0000201)};
    static uint8_t data[2048];
    size_t size = sizeof data;
    long long time_us;
    int fd = ifc.socket(ifc.userdata, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ifc.connect(ifc.userdata, fd, (struct sockaddr *)&remote, sizeof remote);
    ifc.netdev_receive(ifc.userdata, data, &size, &time_us);
    struct pkt_live *live = calloc(1, sizeof *live);
    assert_int_equal(pkt_read(data, size, live), 0);
    bool sack = false;
    for (size_t i = 0; i < live->packet.tcp.options_count; i++)
        sack = sack || live->options[i].kind == PKT_OPT_SACK_OK;
    free(live);
    ifc.close(ifc.userdata, fd);
    return sack;
}

static void test_settings_are_followed(void **state)
{
    char folder[] = "/tmp/hawser-test-XXXXXX", command[512], flags[128];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "mkdir -p %s/net/ipv4", folder);
    assert_int_equal(system(command), 0);
    snprintf(flags, sizeof flags, "sysctl=%s", folder);
    put_setting(folder, "0\n"); /* it stood there before: not the scripts' doing */
    begin(flags);
    assert_true(syn_has_sack());
    put_setting(folder, "1\n");
    assert_true(syn_has_sack());
    put_setting(folder, "0\n");
    assert_false(syn_has_sack());
    put_setting(folder, "2\n"); /* refused, with a message */
    assert_false(syn_has_sack());
    end();
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

/* ---- garbage --------------------------------------------------------------------------------- */

static void test_garbage(void **state)
{
    uint8_t data[2048];
    uint64_t random = 1;
    (void)state;
    begin(NULL);
    int fd = listener(), child = connection(fd);
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t size = segment((uint16_t)(random >> 8 & 0x3f), (uint32_t)(random >> 16), 1,
                              (uint32_t)(random >> 40 & 127), data);
        unsigned flips = (unsigned)(random >> 60);
        for (unsigned k = 0; k < flips && size > 0; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            data[(random >> 33) % size] ^= (uint8_t)(random >> 24);
        }
        size_t cut = (random >> 56) < 32 ? (size_t)(random >> 20) % (size + 1) : size;
        assert_int_equal(ifc.netdev_send(ifc.userdata, data, cut), 0);
    }
    assert_int_equal(ifc.netdev_send(ifc.userdata, NULL, 10), -1);
    assert_int_equal(ifc.netdev_send(ifc.userdata, data, 0), 0);
    close(child);
    close(fd);
    end();
}

/* ---- threads -------------------------------------------------------------------------------- */

struct reader {
    pthread_t thread;
    int fd;
    ssize_t result;
    int error;
    int64_t ended_us;
    atomic_bool begun, over;
};

static void *read_once(void *self)
{
    struct reader *reader = self;
    char byte;
    atomic_store(&reader->begun, true);
    reader->result = ifc.read(ifc.userdata, reader->fd, &byte, 1);
    reader->error = errno;
    reader->ended_us = now_us();
    atomic_store(&reader->over, true);
    return NULL;
}

static void start_reader(struct reader *reader, int fd)
{
    *reader = (struct reader){.fd = fd};
    assert_int_equal(pthread_create(&reader->thread, NULL, read_once, reader), 0);
    while (!atomic_load(&reader->begun))
        usleep(100);
    usleep(20000); /* it sleeps by now */
}

/* A packet wakes it, and later a timeout; each time the clock stands still until it was read. */
static void test_time_waits_for_the_woken(void **state)
{
    struct timeval limit = {.tv_sec = 2};
    struct reader reader;
    (void)state;
    begin(NULL);
    int fd = listener(), child = connection(fd);
    int64_t before = now_us();
    start_reader(&reader, child);
    ifc.usleep(ifc.userdata, 500000);
    assert_false(atomic_load(&reader.over));
    send_segment(PKT_ACK | PKT_PSH, 1, isn + 1, 1);
    ifc.usleep(ifc.userdata, 3000000);
    pthread_join(reader.thread, NULL);
    assert_int_equal(reader.result, 1);
    assert_in_range(reader.ended_us, before + 500000, before + 500001);

    ifc.setsockopt(ifc.userdata, child, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    before = now_us();
    start_reader(&reader, child);
    ifc.usleep(ifc.userdata, 30000000);
    pthread_join(reader.thread, NULL);
    assert_int_equal(reader.result, -1);
    assert_int_equal(reader.error, EAGAIN);
    assert_in_range(reader.ended_us, before + 2000000, before + 2000001);
    close(child);
    close(fd);
    end();
}

static void *read_until_freed(void *self)
{
    struct reader *reader = self;
    char byte;
    atomic_store(&reader->begun, true);
    reader->result = ifc.read(ifc.userdata, reader->fd, &byte, 1);
    reader->error = errno;
    usleep(50000);
    atomic_store(&reader->over, true);
    now_us(); /* as packetdrill does: what it asks must still be there */
    return NULL;
}

static void test_free_ends_calls(void **state)
{
    struct reader reader;
    (void)state;
    begin(NULL);
    int fd = listener(), child = connection(fd);
    reader = (struct reader){.fd = child};
    assert_int_equal(pthread_create(&reader.thread, NULL, read_until_freed, &reader), 0);
    while (!atomic_load(&reader.begun))
        usleep(100);
    usleep(20000);
    close(child);
    close(fd);
    end();
    assert_true(atomic_load(&reader.over));
    pthread_join(reader.thread, NULL);
    assert_int_equal(reader.result, -1);
    assert_int_equal(reader.error, EINTR);
}

struct crowd {
    int fd;
    unsigned seed;
};

static void *wander(void *self)
{
    const struct crowd *crowd = self;
    uint8_t data[2048];
    char bytes[64] = {0};
    uint64_t random = crowd->seed;
    for (unsigned i = 0; i < 1000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct pollfd polled = {.fd = crowd->fd, .events = POLLIN};
        switch (random >> 61) {
        case 0:
            ifc.usleep(ifc.userdata, (useconds_t)(random >> 50 & 1023));
            break;
        case 1:
            ifc.poll(ifc.userdata, &polled, 1, 3); /* another thread ends it */
            now_us();                              /* and waits for this */
            break;
        case 2:
            ifc.send(ifc.userdata, crowd->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
            break;
        case 3:
            ifc.recv(ifc.userdata, crowd->fd, bytes, sizeof bytes, MSG_DONTWAIT);
            break;
        case 4: {
            size_t size = segment(PKT_ACK, 1 + (uint32_t)(random & 31), isn + 1, 10, data);
            ifc.netdev_send(ifc.userdata, data, size);
            break;
        }
        case 5: {
            int fd = tcp_socket();
            if (fd >= 0)
                ifc.close(ifc.userdata, fd);
            break;
        }
        default:
            now_us();
            break;
        }
    }
    return NULL;
}

static void *run_the_clock(void *stop)
{
    while (!atomic_load((atomic_bool *)stop)) {
        ifc.usleep(ifc.userdata, 1000);
        now_us();
        usleep(50);
    }
    return NULL;
}

static void test_crowd(void **state)
{
    pthread_t threads[3], clock;
    struct crowd crowds[3];
    atomic_bool stop = false;
    (void)state;
    begin("patience=10");
    int fd = listener(), child = connection(fd);
    assert_int_equal(pthread_create(&clock, NULL, run_the_clock, &stop), 0);
    for (unsigned i = 0; i < COUNT_OF(threads); i++) {
        crowds[i] = (struct crowd){.fd = child, .seed = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, wander, &crowds[i]), 0);
    }
    for (unsigned i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    atomic_store(&stop, true);
    pthread_join(clock, NULL);
    close(child);
    close(fd);
    end();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_nothing_will_come),
        cmocka_unit_test(test_unknown_descriptors),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_too_many_descriptors),
        cmocka_unit_test(test_settings_are_followed),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_time_waits_for_the_woken),
        cmocka_unit_test(test_free_ends_calls),
        cmocka_unit_test(test_crowd),
    };
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : NULL;
    if (library == NULL)
        fprintf(stderr, "usage: test_adapter LIBRARY: %s\n", argc == 2 ? dlerror() : "");
    else
        init = (packetdrill_interface_init_function *)dlsym(library, PACKETDRILL_INTERFACE_INIT);
    return init == NULL ? 2 : cmocka_run_group_tests(tests, NULL, NULL);
}
