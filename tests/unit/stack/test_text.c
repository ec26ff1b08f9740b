/* SPDX-License-Identifier: MIT */
/* Names and texts of the public lists, printed trace events. */
#include "lan.h"

static void test_errors(void **state)
{
    (void)state;
    assert_string_equal(hawser_error_name(0), "OK");
    assert_string_equal(hawser_error_name(HAWSER_ERR_RESET), "RESET");
    assert_string_equal(hawser_error_name(-9999), "UNKNOWN");
    assert_string_equal(hawser_error_text(HAWSER_ERR_TIMED_OUT),
                        "connection aborted due to user timeout");
    assert_non_null(hawser_error_text(5));
    assert_int_equal(hawser_error_class_of(HAWSER_ERR_AGAIN), HAWSER_CLASS_CALLER);
    assert_int_equal(hawser_error_class_of(HAWSER_ERR_REFUSED), HAWSER_CLASS_PEER);
    assert_int_equal(hawser_error_class_of(HAWSER_ERR_RESOURCES), HAWSER_CLASS_RESOURCE);
    assert_int_equal(hawser_error_class_of(0), HAWSER_CLASS_NONE);
    assert_int_equal(hawser_error_class_of(1), HAWSER_CLASS_NONE);
}

static void test_names(void **state)
{
    (void)state;
#define STATE_IS_NAMED(name, number, ss)                                                           \
    assert_string_not_equal(hawser_state_name(HAWSER_##name), "?");
    HAWSER_STATE_MAP(STATE_IS_NAMED)
    assert_string_equal(hawser_state_name(HAWSER_SYN_RECEIVED), "SYN-RECEIVED");
    assert_string_equal(hawser_state_name((enum hawser_state)12), "?");
    assert_string_equal(hawser_cause_text(HAWSER_CAUSE_RST), "RST arrived");
    assert_string_equal(hawser_cause_text(HAWSER_CAUSE_COUNT), "?");
    assert_string_equal(hawser_timer_name(HAWSER_TIMER_PERSIST), "persist");
    assert_string_equal(hawser_timer_name(HAWSER_TIMER_COUNT), "?");
    assert_string_equal(hawser_drop_text(HAWSER_DROP_PAWS), "old timestamp");
    assert_string_equal(hawser_drop_text(HAWSER_DROP_COUNT), "?");
    assert_string_equal(hawser_version(), "0.1.0");
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const texts[] = {"192.0.2.1", "2001:db8::1", "::", "0.0.0.0", "fe80::1:2"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct hawser_address address;
        char text[HAWSER_ADDRESS_TEXT_MAX];
        assert_int_equal(hawser_address_scan(texts[i], &address), 0);
        assert_int_equal(hawser_address_print(&address, text), strlen(texts[i]));
        assert_string_equal(text, texts[i]);
        assert_int_equal(hawser_address_is_v4(&address), strchr(texts[i], '.') != NULL);
    }
    struct hawser_address kept = {{9}};
    assert_int_equal(hawser_address_scan("1.2.3", &kept), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_address_scan(NULL, &kept), HAWSER_ERR_INVALID);
    assert_int_equal(kept.bytes[0], 9);
}

static struct hawser_trace_event event_of(enum hawser_trace_kind kind)
{
    return (struct hawser_trace_event){
        .kind = kind,
        .now_ns = UINT64_C(12000500999),
        .local = lan_end("198.18.0.1", 80),
        .remote = lan_end("198.18.0.2", 40000),
        .state = HAWSER_LISTEN,
        .from = HAWSER_LISTEN,
        .to = HAWSER_SYN_RECEIVED,
        .cause = HAWSER_CAUSE_SYN,
        .timer = HAWSER_TIMER_SYN_ACK,
        .drop = HAWSER_DROP_BACKLOG,
        .record = HAWSER_RECORD_ENTERED,
        .until_ns = UINT64_C(72000500000),
        .segment = {.seq = 7, .window = 64240, .flags = 2, .mss = 1460, .wscale = -1},
    };
}

static void assert_line(const struct hawser_trace_event *event, const char *expected)
{
    char line[300];
    assert_int_equal(hawser_trace_print(event, line, sizeof line), strlen(expected));
    assert_string_equal(line, expected);
    /* Cut off wherever there is no room, and never without an end. */
    for (size_t cap = 1; cap < strlen(expected); cap++) {
        memset(line, 'x', sizeof line);
        assert_int_equal(hawser_trace_print(event, line, cap), cap - 1);
        assert_memory_equal(line, expected, cap - 1);
        assert_int_equal(line[cap - 1], 0);
        assert_int_equal(line[cap], 'x');
    }
}

static void test_trace_lines(void **state)
{
    (void)state;
    struct hawser_trace_event event = event_of(HAWSER_TRACE_SEGMENT_IN);
    assert_line(&event, "12.000500 198.18.0.1:80 < 198.18.0.2:40000 LISTEN [S] seq 7, win 64240, "
                        "mss 1460, len 0");
    event = event_of(HAWSER_TRACE_SEGMENT_OUT);
    event.segment = (struct hawser_segment){.seq = 1,
                                            .ack = 2,
                                            .length = 10,
                                            .window = 5,
                                            .urgent = 3,
                                            .flags = 0x38,
                                            .retransmission = true,
                                            .wscale = 7,
                                            .sack_permitted = true,
                                            .has_timestamps = true,
                                            .ts_val = 8,
                                            .ts_ecr = 9,
                                            .sack_count = 2,
                                            .sack = {{20, 30}, {40, 50}}};
    assert_line(&event, "12.000500 198.18.0.1:80 > 198.18.0.2:40000 LISTEN [PU.] seq 1, ack 2, "
                        "win 5, urg 3, wscale 7, sackOK, TS val 8 ecr 9, sack {20:30} {40:50}, "
                        "len 10 (again)");
    event = event_of(HAWSER_TRACE_STATE);
    assert_line(&event, "12.000500 198.18.0.1:80 - 198.18.0.2:40000 LISTEN -> SYN-RECEIVED: SYN "
                        "arrived");
    event = event_of(HAWSER_TRACE_TIMER);
    assert_line(&event, "12.000500 198.18.0.1:80 - 198.18.0.2:40000 LISTEN timer synack");
    event = event_of(HAWSER_TRACE_DROP);
    assert_line(&event, "12.000500 198.18.0.1:80 - 198.18.0.2:40000 LISTEN dropped: SYN table or "
                        "accept queue full");
    event = event_of(HAWSER_TRACE_RECORD);
    assert_line(&event, "12.000500 198.18.0.1:80 - 198.18.0.2:40000 LISTEN record entered, until "
                        "72.000500");
    event.record = HAWSER_RECORD_EVICTED;
    event.local = lan_end("2001:db8::1", 80);
    assert_line(&event, "12.000500 [2001:db8::1]:80 - 198.18.0.2:40000 LISTEN record evicted");
}

static void test_frames(void **state)
{
    (void)state;
    char line[100];
    const uint8_t rubbish[3] = {1, 2, 3};
    assert_true(hawser_frame_print(HAWSER_LINK_ETHERNET, rubbish, 3, line, sizeof line) > 0);
    assert_true(hawser_frame_print(HAWSER_LINK_IP, rubbish, 0, line, sizeof line) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_trace_lines),
        cmocka_unit_test(test_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
