/* SPDX-License-Identifier: MIT */
/* The Internet checksum: every version that this machine can run, against the plain one; also
 * those of checksum_x86.c. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/unit.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "wire/checksum.h"
#include "wire/checksum_impl.h"
#include "wire/ip.h"

#define LENGTH_MAX 2100u
#define ALIGNMENTS 64u
#define PAGE 4096u

enum filling { ZEROS, ONES, RANDOM, FILLINGS };

static void fill(uint8_t *p, size_t n, enum filling filling, uint64_t seed)
{
    struct prng prng;

    prng_init(&prng, seed);
    for (size_t i = 0; i < n; i++)
        p[i] = filling == RANDOM ? (uint8_t)prng_next(&prng) : filling == ONES ? 0xff : 0;
}

/* The versions this machine can run, and the dispatching functions as one more. */
static size_t usable_flavours(struct checksum_flavour out[CHECKSUM_FLAVOURS_MAX + 1])
{
    size_t count, usable = 0;
    const struct checksum_flavour *all = checksum_flavours(&count);

    for (size_t i = 0; i < count; i++)
        if (all[i].is_usable())
            out[usable++] = all[i];
    out[usable++] = (struct checksum_flavour){"chosen", checksum_sum, checksum_copy, NULL};
    return usable;
}

/* RFC 1071 3: the example of the clause, and what follows from the definition. */
static void test_known_values(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[9];
        size_t n;
        uint32_t sum;
    } rows[] = {
        {{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, 8, 0xddf2},
        {{0}, 0, 0},
        {{0}, 9, 0},
        {{0xab}, 1, 0xab00},
        {{0xff, 0xff}, 2, 0xffff},
        {{0xff, 0xff, 0x00, 0x01}, 4, 0x0001},
        {{0x12, 0x34, 0x56}, 3, 0x6834},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 9, 0xff00},
    };
    struct checksum_flavour flavours[CHECKSUM_FLAVOURS_MAX + 1];
    size_t count = usable_flavours(flavours);

    for (size_t f = 0; f < count; f++)
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            assert_int_equal(flavours[f].sum(rows[i].bytes, rows[i].n), rows[i].sum);
}

/* Every length at every alignment. Bytes around the piece are 0xff where that would show. */
static void check_sums(enum filling filling)
{
    static uint8_t room[ALIGNMENTS + LENGTH_MAX + ALIGNMENTS] __attribute__((aligned(64)));
    struct checksum_flavour flavours[CHECKSUM_FLAVOURS_MAX + 1];
    size_t count = usable_flavours(flavours);

    fill(room, sizeof room, filling, 1);
    for (size_t offset = 0; offset < ALIGNMENTS; offset++) {
        for (size_t n = 0; n <= LENGTH_MAX; n++) {
            uint8_t before = room[offset + n];
            room[offset + n] = 0x5a;
            uint32_t expected = checksum_sum_plain(room + offset, n);
            for (size_t f = 0; f < count; f++)
                if (flavours[f].sum(room + offset, n) != expected)
                    fail_msg("%s: %zu bytes at +%zu", flavours[f].name, n, offset);
            room[offset + n] = before;
        }
    }
}

static void test_sums_equal_plain(void **state)
{
    (void)state;
    for (enum filling filling = ZEROS; filling < FILLINGS; filling++)
        check_sums(filling);
}

/* Every length at every alignment of the destination (the source's goes along, differently); what
 * stands before and behind the destination stays. */
static void test_copies_equal_plain(void **state)
{
    (void)state;
    static uint8_t from[ALIGNMENTS + LENGTH_MAX] __attribute__((aligned(64)));
    static uint8_t to[ALIGNMENTS + LENGTH_MAX + 1] __attribute__((aligned(64)));
    struct checksum_flavour flavours[CHECKSUM_FLAVOURS_MAX + 1];
    size_t count = usable_flavours(flavours);

    fill(from, sizeof from, RANDOM, 2);
    for (size_t offset = 0; offset < ALIGNMENTS; offset++) {
        for (size_t n = 0; n <= LENGTH_MAX; n++) {
            const uint8_t *src = from + (offset * 7 + n) % ALIGNMENTS;
            uint32_t expected = checksum_sum_plain(src, n);
            for (size_t f = 0; f < count; f++) {
                uint8_t *dst = to + offset;
                memset(dst, 0xa5, n + 1);
                if (offset > 0)
                    dst[-1] = 0xa5;
                if (flavours[f].copy(dst, src, n) != expected || memcmp(dst, src, n) != 0 ||
                    dst[n] != 0xa5 || (offset > 0 && dst[-1] != 0xa5))
                    fail_msg("%s: %zu bytes to +%zu", flavours[f].name, n, offset);
            }
        }
    }
}

/* A page that may be used between two that may not. */
static uint8_t *guarded_page(void)
{
    uint8_t *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
    return p + PAGE;
}

/* Not a byte outside is read or written, on either side: such an access would end the process. */
static void test_stays_inside(void **state)
{
    (void)state;
    uint8_t *from = guarded_page(), *to = guarded_page();
    struct checksum_flavour flavours[CHECKSUM_FLAVOURS_MAX + 1];
    size_t count = usable_flavours(flavours);

    fill(from, PAGE, RANDOM, 3);
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        uint32_t first = checksum_sum_plain(from, n);
        uint32_t last = checksum_sum_plain(from + PAGE - n, n);
        for (size_t f = 0; f < count; f++) {
            assert_int_equal(flavours[f].sum(from, n), first);
            assert_int_equal(flavours[f].sum(from + PAGE - n, n), last);
            assert_int_equal(flavours[f].copy(to, from + PAGE - n, n), last);
            assert_int_equal(flavours[f].copy(to + PAGE - n, from, n), first);
        }
    }
    munmap(from - PAGE, 3 * PAGE);
    munmap(to - PAGE, 3 * PAGE);
}

/* 1 GiB of 0xff but for one byte: a lane that overflowed would lose a carry. The same 4 MiB
 * stand 256 times one behind the other, so that it takes no memory. */
static void test_a_gibibyte(void **state)
{
    (void)state;
    const size_t piece = (size_t)4 << 20, total = (size_t)1 << 30;
    struct checksum_flavour flavours[CHECKSUM_FLAVOURS_MAX + 1];
    size_t count = usable_flavours(flavours);
    int file = memfd_create("checksum", MFD_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, (off_t)piece), 0);
    uint8_t *p = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(p != MAP_FAILED);
    for (size_t at = 0; at < total; at += piece)
        assert_true(mmap(p + at, piece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) ==
                    p + at);
    memset(p, 0xff, piece);
    p[piece / 2] = 0x01; /* 256 words of 0x01ff: 0x1ff00, folded */
    for (size_t f = 0; f < count; f++) {
        assert_int_equal(flavours[f].sum(p, total), 0xff01);
        assert_int_equal(flavours[f].sum(p + 1, total - 1), /* and at an odd address */
                         checksum_swap(0xff01 + 0x00ff));
    }
    munmap(p, total);
    close(file);
}

/* Pieces at even and odd offsets give the sum of the whole. */
static void test_pieces(void **state)
{
    (void)state;
    uint8_t whole[300];

    fill(whole, sizeof whole, RANDOM, 4);
    uint16_t expected = checksum_finish(checksum_sum(whole, sizeof whole));
    for (size_t cut = 0; cut <= sizeof whole; cut++) {
        uint32_t head = checksum_sum(whole, cut);
        uint32_t tail = checksum_sum(whole + cut, sizeof whole - cut);
        uint32_t sum = checksum_add(head, cut % 2 != 0 ? checksum_swap(tail) : tail);
        assert_int_equal(checksum_finish(sum), expected);
    }
    assert_int_equal(checksum_fold(checksum_add(UINT32_MAX, UINT32_MAX)), 0xffff);
    assert_int_equal(checksum_swap(checksum_add(0xff01, 0x0100)), 0x0200);
}

/* Writes the pseudo-header down as the RFCs draw it; its length. */
static size_t draw_pseudo(const struct hawser_address *src, const struct hawser_address *dst,
                          uint8_t protocol, uint32_t length, uint8_t out[40])
{
    memset(out, 0, 40);
    if (address_is_v4(src)) { /* RFC 9293 3.1: addresses, zero, PTCL, TCP length */
        memcpy(out, src->bytes + 12, 4);
        memcpy(out + 4, dst->bytes + 12, 4);
        out[9] = protocol;
        store_be16(out + 10, length);
        return 12;
    }
    memcpy(out, src->bytes, 16); /* RFC 8200 8.1: addresses, length, three zeros, next header */
    memcpy(out + 16, dst->bytes, 16);
    store_be32(out + 32, length);
    out[39] = protocol;
    return 40;
}

/* An odd last octet is padded with zero on the right, and the pseudo-headers of both families
 * are what the RFCs draw, with the upper-layer length and the next header. */
/* EVIDENCE 9293-3.1-5 */
static void test_pseudo_header(void **state)
{
    (void)state;
    struct prng prng;
    uint8_t bytes[40 + 1501], whole[40 + 1501 + 1];

    prng_init(&prng, 5);
    for (unsigned i = 0; i < 20000; i++) {
        struct hawser_address src, dst;
        uint32_t length = prng_below(&prng, 1502);
        uint8_t protocol = (uint8_t)(i % 3 == 0   ? IP_PROTO_TCP
                                     : i % 3 == 1 ? IP_PROTO_ICMPV6
                                                  : 255);
        fill(bytes, sizeof bytes, i % 7 == 0 ? ONES : RANDOM, i);
        memcpy(src.bytes, bytes, 16);
        memcpy(dst.bytes, bytes + 16, 16);
        if (i % 2 == 0) {
            src = address_of_v4(bytes);
            dst = address_of_v4(bytes + 4);
        }
        size_t drawn = draw_pseudo(&src, &dst, protocol, length, whole);
        memcpy(whole + drawn, bytes + 40, length);
        whole[drawn + length] = 0;
        uint32_t sum = checksum_add(checksum_pseudo(&src, &dst, protocol, length),
                                    checksum_sum(bytes + 40, length));
        assert_int_equal(checksum_fold(sum),
                         checksum_sum_plain(whole, drawn + length + length % 2));
    }
}

/* A length beyond 16 bits: RFC 8200 8.1 has 32 for it. */
static void test_pseudo_long(void **state)
{
    (void)state;
    struct hawser_address a = {{0x20, 1}}, b = {{0x20, 2}};
    uint8_t drawn[40];
    size_t n = draw_pseudo(&a, &b, IP_PROTO_TCP, 0x12345678, drawn);

    assert_int_equal(checksum_fold(checksum_pseudo(&a, &b, IP_PROTO_TCP, 0x12345678)),
                     checksum_sum_plain(drawn, n));
}

static void test_flavour_is_the_last_usable(void **state)
{
    (void)state;
    struct checksum_flavour flavours[CHECKSUM_FLAVOURS_MAX + 1];
    size_t count = usable_flavours(flavours);

    assert_true(count >= 3); /* plain, words, chosen */
    assert_string_equal(checksum_flavour(), flavours[count - 2].name);
    print_message("flavours here:");
    for (size_t f = 0; f + 1 < count; f++)
        print_message(" %s", flavours[f].name);
    print_message("\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_sums_equal_plain),
        cmocka_unit_test(test_copies_equal_plain),
        cmocka_unit_test(test_stays_inside),
        cmocka_unit_test(test_a_gibibyte),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_pseudo_header),
        cmocka_unit_test(test_pseudo_long),
        cmocka_unit_test(test_flavour_is_the_last_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
