/* SPDX-License-Identifier: MIT */
/* Speed of the wire layer: each version of the checksum and of copying with it, by size, beside
 * memcpy; then header parsing and writing. Times are the best of several rounds on one core.
 * wire_bench [OFFSET]     buffers start OFFSET bytes behind a multiple of 64 (default 2: what
 * stands behind an Ethernet, an IPv4 and a TCP header with timestamps) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/checksum_impl.h"
#include "wire/ip.h"
#include "wire/print.h"
#include "wire/tcp.h"

#define ROUNDS 7u
#define ROOM 131072u

static uint8_t from[ROOM] __attribute__((aligned(64)));
static uint8_t to[ROOM] __attribute__((aligned(64)));
static volatile uint32_t sink; /* keeps results from being thrown away */

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint32_t plain_copy(uint8_t *restrict dst, const uint8_t *restrict src, size_t n)
{
    memcpy(dst, src, n);
    return dst[0];
}

/* Nanoseconds a call; either sum or copy is NULL. */
static double measure(const struct checksum_flavour *f, bool copying, size_t offset, size_t n)
{
    unsigned calls = (unsigned)(8000000 / (n + 100));
    double best = 1;

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = seconds();
        for (unsigned i = 0; i < calls; i++)
            sink += copying ? f->copy(to + offset, from + offset, n) : f->sum(from + offset, n);
        double taken = (seconds() - start) / calls;
        if (taken < best)
            best = taken;
    }
    return best * 1e9;
}

static void print_row(const struct checksum_flavour *f, bool copying, size_t offset)
{
    static const size_t sizes[] = {20, 40, 64, 128, 512, 1448, 65535};

    printf("%-9s", f->name);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double ns = measure(f, copying, offset, sizes[i]);
        printf(" %6.1f (%6.1f)", (double)sizes[i] / ns, ns);
    }
    putchar('\n');
}

static void bench_checksums(size_t offset)
{
    static const struct checksum_flavour chosen = {"chosen", checksum_sum, checksum_copy, NULL};
    static const struct checksum_flavour libc = {"memcpy", NULL, plain_copy, NULL};
    size_t count;
    const struct checksum_flavour *flavours = checksum_flavours(&count);

    for (int copying = 0; copying < 2; copying++) {
        printf("\n%s, GB/s (ns), buffers at +%zu, this machine takes %s\n%-9s",
               copying ? "copy and sum" : "sum", offset, checksum_flavour(), "bytes");
        printf("%16d%16d%16d%16d%16d%16d%16d\n", 20, 40, 64, 128, 512, 1448, 65535);
        for (size_t i = 0; i < count; i++)
            if (flavours[i].is_usable())
                print_row(&flavours[i], copying, offset);
        print_row(&chosen, copying, offset);
        if (copying)
            print_row(&libc, copying, offset);
    }
}

/* A segment as a connection with timestamps sends it, with text of n bytes; its length. */
static size_t make_packet(uint8_t *p, uint32_t n)
{
    struct hawser_address src = address_of_v4((const uint8_t[]){198, 18, 0, 1});
    struct hawser_address dst = address_of_v4((const uint8_t[]){198, 18, 0, 2});
    struct segment seg = {.seq = {1}, .ack = {2}, .flags = TCP_ACK, .options = TCP_OPT_TIMESTAMPS};
    uint32_t header = tcp_header_bytes(&seg);
    struct ip_emit e = {.src = &src,
                        .dst = &dst,
                        .payload_len = header + n,
                        .protocol = IP_PROTO_TCP,
                        .hop_limit = 64,
                        .dont_fragment = true};
    uint8_t *tcp = p + ip_emit(&e, p);

    tcp_emit_header(&seg, tcp);
    uint32_t sum = checksum_copy(tcp + header, from, n);
    sum = checksum_add(sum, checksum_sum(tcp, header));
    sum = checksum_add(sum, checksum_pseudo(&src, &dst, IP_PROTO_TCP, header + n));
    tcp_emit_checksum(tcp, sum);
    return (size_t)(tcp - p) + header + n;
}

static void take_packet(const uint8_t *p, size_t n)
{
    struct ip_packet ip;
    struct segment seg;

    if (ip_parse(p, n, &ip) != IP_PARSE_OK ||
        tcp_parse(ip.payload, ip.payload_len,
                  checksum_pseudo(&ip.src, &ip.dst, IP_PROTO_TCP, ip.payload_len), true,
                  &seg) != TCP_PARSE_OK)
        abort();
    sink += seg.text_len;
}

static void bench_packets(uint32_t text)
{
    enum { CALLS = 100000 };
    double emit = 1, parse = 1, print = 1;
    char line[300];
    size_t n = make_packet(to, text);

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = seconds();
        for (unsigned i = 0; i < CALLS; i++)
            sink += (uint32_t)make_packet(to, text);
        double middle = seconds();
        for (unsigned i = 0; i < CALLS; i++)
            take_packet(to, n);
        double late = seconds();
        for (unsigned i = 0; i < CALLS / 10; i++)
            sink += (uint32_t)packet_print(false, to, n, line, sizeof line);
        double end = seconds();
        emit = middle - start < emit ? middle - start : emit;
        parse = late - middle < parse ? late - middle : parse;
        print = end - late < print ? end - late : print;
    }
    printf("IPv4 and TCP with timestamps, %4u bytes of text: write %5.1f ns, parse %5.1f ns, "
           "print %6.1f ns\n",
           text, emit / CALLS * 1e9, parse / CALLS * 1e9, print / CALLS * 1e10);
}

int main(int argc, char **argv)
{
    size_t offset = argc > 1 ? strtoul(argv[1], NULL, 10) % 64 : 2;

    for (size_t i = 0; i < ROOM; i++)
        from[i] = (uint8_t)(i * 2654435761u >> 13);
    memset(to, 1, ROOM); /* pages are there before the clock runs */
    bench_checksums(offset);
    putchar('\n');
    bench_packets(0);
    bench_packets(1448);
    return 0;
}
