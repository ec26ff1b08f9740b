/* SPDX-License-Identifier: MIT */
/* Captures into scripts: which connection, which side, what is passed over, and that nothing but
 * a capture's own size limits it. Of record.c, record_calls.c, record_write.c; that what is written
 * replays is in tests/tool/test_record.py. */
#include <string.h>

#include "pkt/live.h"
#include "pkt/parse.h"
#include "pkt/record.h"
#include "support/unit.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

static struct pkt_arena arena;
static struct pkt_record *record;
static struct pkt_record_choice choice;
static uint8_t data[PKT_DATAGRAM_MAX];

static int setup(void **state)
{
    (void)state;
    record = pkt_record_new(&arena);
    choice = (struct pkt_record_choice){.path = "a\n.pcap"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pkt_arena_free(&arena);
    return 0;
}

struct row {
    unsigned ms;
    unsigned client_port;
    bool from_client;
    uint16_t flags;
    uint32_t seq, ack, length;
};

static size_t build(const struct row *row)
{
    struct pkt_ends ends;
    assert_int_equal(hawser_address_scan("192.0.2.1", &ends.source), 0);
    assert_int_equal(hawser_address_scan("198.51.100.7", &ends.destination), 0);
    ends.source_port = (uint16_t)row->client_port;
    ends.destination_port = 80;
    if (!row->from_client)
        ends = (struct pkt_ends){ends.destination, ends.source, 80, (uint16_t)row->client_port};
    const struct pkt_packet packet = {.ip = {.tos = -1, .flow_label = -1, .ttl = -1},
                                      .tcp = {.flags = row->flags,
                                              .seq = row->seq,
                                              .ack = row->ack,
                                              .length = row->length,
                                              .window = 1000}};
    size_t length = pkt_build(&packet, &ends, data, sizeof data);
    assert_true(length > 0);
    return length;
}

static void add(const struct row *row)
{
    size_t length = build(row);
    assert_int_equal(pkt_record_add(record, row->ms * MS, data, length, length), 0);
}

static const struct row talk[] = {
    {1000, 1024, true, PKT_SYN, 7000, 0, 0},
    {1000, 1024, false, PKT_SYN | PKT_ACK, 9000, 7001, 0},
    {1100, 1024, true, PKT_ACK, 7001, 9001, 0},
    {1200, 1024, true, PKT_ACK | PKT_PSH, 7001, 9001, 300},
    {1200, 1024, false, PKT_ACK, 9001, 7301, 0},
    {1300, 1024, false, PKT_ACK | PKT_PSH, 9001, 7301, 500},
    {1400, 1024, true, PKT_ACK, 7301, 9501, 0},
    {1500, 1024, false, PKT_ACK | PKT_FIN, 9501, 7301, 0},
    {1600, 1024, true, PKT_ACK | PKT_FIN, 7301, 9502, 0},
    {1600, 1024, false, PKT_ACK, 9502, 7302, 0},
};

static void add_talk(void)
{
    for (size_t i = 0; i < COUNT_OF(talk); i++)
        add(&talk[i]);
}

static const char *script_of(void)
{
    const char *why = NULL;
    struct pkt_script script;
    struct pkt_error error;
    const char *text = pkt_record_script(record, &choice, &why);
    if (text == NULL)
        fail_msg("%s", why);
    const struct pkt_parse_input input = {.path = "recorded", .text = text, .length = strlen(text)};
    if (pkt_parse(&input, &arena, &script, &error) != 0)
        fail_msg("%u: %s\n%s", error.place.line, error.text, text);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in\n%s", part, text);
}

static void test_server(void **state)
{
    (void)state;
    add_talk();
    const char *text = script_of();
    assert_has(text, "connection 1 of 1, 192.0.2.1:1024 > 198.51.100.7:80");
    assert_has(text, "from a?.pcap:"); /* a name is no line of the script */
    assert_has(text, "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n");
    assert_has(text, "+0 listen(3, 5) = 0\n"
                     "+0 < S 0:0(0) win 1000\n"
                     "+0 > S. 0:0(0) ack 1 win 1000\n"
                     "+0.1 < . 1:1(0) ack 1 win 1000\n"
                     "+0 accept(3, ..., ...) = 4\n"
                     "+0.1 < P. 1:301(300) ack 1 win 1000\n"
                     "+0 > . 1:1(0) ack 301 win 1000\n");
    assert_has(text, "+0.1 write(4, ..., 500) = 500\n"
                     "+0 > P. 1:501(500) ack 301 win 1000\n");
    assert_has(text, "+0 > F. 501:501(0) ack 301 win 1000\n");
}

static void test_client(void **state)
{
    (void)state;
    add_talk();
    choice.has_local = true;
    assert_int_equal(hawser_address_scan("192.0.2.1", &choice.local), 0);
    const char *text = script_of();
    assert_has(text, "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
                     "+0 > S 0:0(0) win 1000\n"
                     "+0 < S. 0:0(0) ack 1 win 1000\n");
    assert_has(text, "write(3, ..., 300) = 300\n");
    choice.loose = true;
    assert_has(script_of(), "+0 > S 0:0(0)\n");
    choice.local_port = 80; /* the other host's */
    const char *why = NULL;
    assert_null(pkt_record_script(record, &choice, &why));
    assert_has(why, "1: 192.0.2.1:1024 > 198.51.100.7:80, 10 packets");
}

static void test_which(void **state)
{
    static const struct row before[] = {
        {1, 1, true, PKT_ACK, 1, 1, 10}, /* in the middle */
        {2, 2, true, PKT_SYN, 5, 0, 0},  /* never answered */
        {3, 3, true, PKT_SYN, 5, 0, 0},  /* refused */
        {3, 3, false, PKT_RST | PKT_ACK, 0, 6, 0},
    };
    const char *why = NULL;
    (void)state;
    assert_null(pkt_record_script(record, &choice, &why));
    assert_has(why, "no TCP is in it");
    add(&before[0]);
    assert_null(pkt_record_script(record, &choice, &why));
    assert_has(why, "without its beginning");
    for (size_t i = 1; i < COUNT_OF(before); i++)
        add(&before[i]);
    assert_has(script_of(), "connection 2 of 3"); /* the first with a SYN */
    add_talk();
    assert_has(script_of(), "connection 4 of 4"); /* the first that was answered */
    choice.connection = 3;
    const char *refused = script_of();
    assert_has(refused, "0 < S 0:0(0) win 1000\n+0 > R. 0:0(0) ack 1 win 1000\n");
    assert_null(strstr(refused, "socket")); /* nobody listened */
    choice.connection = 1;
    assert_null(pkt_record_script(record, &choice, &why));
    choice.connection = 5;
    assert_null(pkt_record_script(record, &choice, &why));
    assert_has(why, "4: 192.0.2.1:1024");
}

/* The same ends again, after the end: another connection. */
static void test_again(void **state)
{
    (void)state;
    add_talk();
    for (size_t i = 0; i < COUNT_OF(talk); i++) {
        struct row row = talk[i];
        row.ms += 5000;
        row.seq += 1000000;
        row.ack += row.ack != 0 ? 1000000 : 0;
        add(&row);
    }
    assert_has(script_of(), "connection 1 of 2");
    choice.connection = 2;
    assert_has(script_of(), "+0.1 write(4, ..., 500) = 500\n");
}

/* What the capture has cut off was zeros anyway, unless it is the header. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(talk); i++) {
        size_t length = build(&talk[i]);
        size_t kept = length < 40 ? length : 40;
        assert_int_equal(pkt_record_add(record, talk[i].ms * MS, data, kept, length), 0);
        assert_int_equal(pkt_record_add(record, talk[i].ms * MS, data, 39, length), 0);
    }
    const char *text = script_of();
    assert_has(text, "< P. 1:301(300) ack 1 win 1000\n");
    assert_has(text, "10 packets without their headers");
}

/* Padding of short frames is not payload; captures on the sending side are larger than a link. */
static void test_lengths(void **state)
{
    static const struct row large = {1700, 1024, true, PKT_ACK, 7302, 9502, 60000};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t length = build(&talk[i]);
        memset(data + length, 0xee, 20);
        assert_int_equal(pkt_record_add(record, talk[i].ms * MS, data, length + 20, length + 20),
                         0);
    }
    size_t length = build(&large);
    data[2] = data[3] = 0; /* too large to be said */
    assert_int_equal(pkt_record_add(record, 1700 * MS, data, 100, length), 0);
    const char *text = script_of();
    assert_has(text, "+0.1 < . 1:1(0) ack 1 win 1000\n");
    assert_has(text, "(60000)");
}

static void test_others(void **state)
{
    static const uint8_t junk[][24] = {{0}, {0x45}, {0x4f, 0, 0, 20}, {0x60}, {0xff}};
    (void)state;
    add_talk();
    for (size_t i = 0; i < COUNT_OF(junk); i++)
        for (size_t length = 0; length <= sizeof junk[i]; length++)
            assert_int_equal(pkt_record_add(record, 0, junk[i], length, length), 0);
    size_t length = build(&talk[3]);
    data[6] = 0x20; /* a fragment */
    assert_int_equal(pkt_record_add(record, 0, data, length, length), 0);
    assert_has(script_of(), "10 packets. The stack");
    assert_has(script_of(), "1 fragments");
}

/* Times are the capture's, to 10 us; a clock that goes back stands still. */
static void test_times(void **state)
{
    (void)state;
    size_t length = build(&talk[0]);
    assert_int_equal(pkt_record_add(record, 5000 * MS, data, length, length), 0);
    length = build(&talk[1]);
    assert_int_equal(pkt_record_add(record, 5000 * MS + 123456, data, length, length), 0);
    length = build(&talk[2]);
    assert_int_equal(pkt_record_add(record, 1 * MS, data, length, length), 0);
    const char *text = script_of();
    assert_has(text, "+0.00012 > S. 0:0(0) ack 1 win 1000\n+0 < . 1:1(0)");
}

#define WITH_RECORD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RECORD(test_server), WITH_RECORD(test_client), WITH_RECORD(test_which),
        WITH_RECORD(test_again),  WITH_RECORD(test_cut),    WITH_RECORD(test_lengths),
        WITH_RECORD(test_others), WITH_RECORD(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
