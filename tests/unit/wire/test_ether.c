/* SPDX-License-Identifier: MIT */
/* Ethernet headers and ARP: both ways, and what is refused. */
#include "support/unit.h"

#include "frames.h"
#include "wire/ether.h"

static const struct mac one = {{0x02, 0, 0, 0, 0, 1}};
static const struct mac two = {{0x02, 0, 0, 0, 0, 2}};

static void test_ether_both_ways(void **state)
{
    (void)state;
    uint8_t frame[FRAME_MAX], again[ETHER_HEADER_BYTES];
    size_t n = frame_take("v4_syn", frame);
    struct ether e;

    assert_true(ether_parse(frame, n, &e));
    assert_true(mac_equal(&e.dst, &two));
    assert_true(mac_equal(&e.src, &one));
    assert_false(mac_equal(&e.src, &two));
    assert_int_equal(e.type, ETHER_TYPE_IPV4);
    ether_emit(&e, again);
    assert_memory_equal(again, frame, sizeof again);
}

static void test_ether_lengths(void **state)
{
    (void)state;
    uint8_t frame[FRAME_MAX];
    struct ether e;

    frame_take("v6_syn", frame);
    for (size_t n = 0; n <= 15; n++) {
        uint8_t *p = exact_copy(frame, n);
        assert_int_equal(ether_parse(p, n, &e), n >= ETHER_HEADER_BYTES);
        free(p);
    }
    frame[12] = 0x05; /* a length, as in 802.3 */
    frame[13] = 0xff;
    assert_false(ether_parse(frame, 64, &e));
    frame[12] = 0x06;
    frame[13] = 0x00;
    assert_true(ether_parse(frame, 64, &e));
    assert_int_equal(e.type, 0x0600);
}

static void test_groups(void **state)
{
    (void)state;
    static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    static const struct mac multicast = {{0x33, 0x33, 0, 0, 0, 1}};

    assert_true(mac_is_group(&broadcast));
    assert_true(mac_is_group(&multicast));
    assert_false(mac_is_group(&one));
}

static void test_arp_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct arp arp;
    } rows[] = {
        {"arp_request",
         {ARP_REQUEST, {{2, 0, 0, 0, 0, 1}}, {{0}}, {198, 18, 0, 1}, {198, 18, 0, 2}}},
        {"arp_reply",
         {ARP_REPLY, {{2, 0, 0, 0, 0, 2}}, {{2, 0, 0, 0, 0, 1}}, {198, 18, 0, 2}, {198, 18, 0, 1}}},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[FRAME_MAX], again[ARP_BYTES];
        size_t n = frame_take(rows[i].name, frame);
        const struct arp *want = &rows[i].arp;
        struct arp got;
        assert_true(arp_parse(frame + ETHER_HEADER_BYTES, n - ETHER_HEADER_BYTES, &got));
        assert_int_equal(got.op, want->op);
        assert_true(mac_equal(&got.sender_mac, &want->sender_mac));
        assert_true(mac_equal(&got.target_mac, &want->target_mac));
        assert_memory_equal(got.sender_ip, want->sender_ip, 4);
        assert_memory_equal(got.target_ip, want->target_ip, 4);
        arp_emit(want, again);
        assert_memory_equal(again, frame + ETHER_HEADER_BYTES, ARP_BYTES);
    }
}

static void test_arp_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {{0, 1}, {1, 6}, {2, 0x86}, {3, 0x01}, {4, 8}, {5, 16}};
    uint8_t frame[FRAME_MAX];
    struct arp arp;

    frame_take("arp_request", frame);
    for (size_t n = 0; n <= ARP_BYTES; n++) {
        uint8_t *p = exact_copy(frame + ETHER_HEADER_BYTES, n);
        assert_int_equal(arp_parse(p, n, &arp), n == ARP_BYTES);
        free(p);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t *p = exact_copy(frame + ETHER_HEADER_BYTES, ARP_BYTES);
        p[rows[i].at] = rows[i].value;
        assert_false(arp_parse(p, ARP_BYTES, &arp));
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ether_both_ways), cmocka_unit_test(test_ether_lengths),
        cmocka_unit_test(test_groups),          cmocka_unit_test(test_arp_both_ways),
        cmocka_unit_test(test_arp_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
