/* SPDX-License-Identifier: MIT */
/* Capture files: what is written is read back, byte for byte and nanosecond for nanosecond.
 * Of pcap_link.c, pcap_read.c and pcap_write.c. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hawser/port/pcap.h>
#include <hawser/port/wire.h>

#include "support/unit.h"

static char folder[] = "/tmp/hawser-test-XXXXXX";
static char path[64];
static struct hawser_port_error error;

static int setup(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/test.pcap", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* fails when something else was left behind */
}

static struct hawser_pcap_writer *new_writer(enum hawser_link_kind kind, uint64_t epoch_ns, int end)
{
    struct hawser_pcap_config config = {
        .path = path, .kind = kind, .epoch_ns = epoch_ns, .end = end};
    struct hawser_pcap_writer *writer = NULL;
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    return writer;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const enum hawser_link_kind kinds[] = {HAWSER_LINK_ETHERNET, HAWSER_LINK_IP};
    static const struct {
        uint64_t now_ns;
        size_t length;
    } rows[] = {{0, 60}, {1, 1}, {999999999, 1514}, {1000000000, 65549}, {12345678901234, 14}};
    const uint64_t epoch = UINT64_C(1700000000123456789);
    static uint8_t bytes[65549];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct hawser_pcap_writer *writer = new_writer(kinds[k], epoch, HAWSER_PCAP_AS_SENT);
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            assert_int_equal(hawser_pcap_write(writer, rows[i].now_ns, bytes, rows[i].length), 0);
        assert_int_equal(hawser_pcap_count(writer), COUNT_OF(rows));
        assert_int_equal(hawser_pcap_close(writer, &error), 0);

        struct hawser_pcap_reader *reader = NULL;
        enum hawser_link_kind kind = HAWSER_LINK_LOOPBACK;
        struct hawser_pcap_packet packet;
        assert_int_equal(hawser_pcap_read_open(path, &reader, &kind, &error), 0);
        assert_int_equal(kind, kinds[k]);
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            assert_int_equal(hawser_pcap_read(reader, &packet, &error), 1);
            assert_int_equal(packet.time_ns, epoch + rows[i].now_ns);
            assert_int_equal(packet.length, rows[i].length);
            assert_int_equal(packet.original_length, rows[i].length);
            assert_memory_equal(packet.data, bytes, rows[i].length);
        }
        assert_int_equal(hawser_pcap_read(reader, &packet, &error), 0);
        assert_int_equal(hawser_pcap_read(reader, &packet, &error), 0);
        hawser_pcap_read_close(reader);
    }
}

static void test_lazy(void **state)
{
    (void)state;
    struct stat about;
    assert_int_equal(hawser_pcap_close(new_writer(HAWSER_LINK_IP, 0, 0), &error), 0);
    assert_int_equal(stat(path, &about), -1); /* no frame, no file */

    struct hawser_pcap_writer *writer = new_writer(HAWSER_LINK_IP, 0, 0);
    assert_int_equal(hawser_pcap_flush(writer), 0);
    assert_int_equal(stat(path, &about), -1);
    assert_int_equal(hawser_pcap_start(writer, &error), 0);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 24); /* the header is there at once */
    assert_int_equal(hawser_pcap_write(writer, 0, "x", 1), 0);
    assert_int_equal(hawser_pcap_flush(writer), 0);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 24 + 16 + 1);
    assert_int_equal(hawser_pcap_close(writer, &error), 0);
    assert_int_equal(hawser_pcap_close(NULL, &error), 0);
}

static void test_stream(void **state)
{
    (void)state;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    struct hawser_pcap_config config = {.file = file, .kind = HAWSER_LINK_IP};
    struct hawser_pcap_writer *writer = NULL;
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    assert_int_equal(hawser_pcap_write(writer, 5, "abc", 3), 0);
    assert_int_equal(hawser_pcap_close(writer, &error), 0);
    struct hawser_pcap_reader *reader = NULL;
    struct hawser_pcap_packet packet;
    assert_int_equal(hawser_pcap_read_open(path, &reader, NULL, &error), 0);
    assert_int_equal(hawser_pcap_read(reader, &packet, &error), 1);
    assert_memory_equal(packet.data, "abc", 3);
    hawser_pcap_read_close(reader);

    /* A stream that never got a frame is closed all the same (the leak checker knows). */
    config.file = fopen(path, "wb");
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    assert_int_equal(hawser_pcap_close(writer, &error), 0);
}

static void test_config(void **state)
{
    (void)state;
    const struct hawser_pcap_config rows[] = {
        {.kind = HAWSER_LINK_IP},
        {.path = path, .file = stdout, .kind = HAWSER_LINK_IP},
        {.path = path, .kind = HAWSER_LINK_LOOPBACK},
        {.path = path, .kind = HAWSER_LINK_IP, .end = 2},
        {.path = path, .kind = HAWSER_LINK_IP, .end = -2},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_pcap_writer *writer = NULL;
        assert_int_equal(hawser_pcap_open(&rows[i], &writer, &error), -EINVAL);
        assert_null(writer);
    }
}

/* The first failure is told at the next call that can, and at the end. */
static void test_write_failures(void **state)
{
    (void)state;
    struct hawser_pcap_config config = {.path = "/dev/full", .kind = HAWSER_LINK_IP};
    struct hawser_pcap_writer *writer = NULL;
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    assert_int_equal(hawser_pcap_write(writer, 0, "abc", 3), 0); /* still in the buffer */
    assert_int_equal(hawser_pcap_close(writer, &error), -ENOSPC);
    assert_string_equal(error.text,
                        "cannot write the capture file /dev/full: No space left on device");

    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    assert_int_equal(hawser_pcap_start(writer, &error), -ENOSPC);
    assert_int_equal(hawser_pcap_write(writer, 0, "abc", 3), -ENOSPC);
    assert_int_equal(hawser_pcap_close(writer, NULL), -ENOSPC);

    static uint8_t bytes[60000];
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    int result = 0;
    for (unsigned i = 0; i < 10 && result == 0; i++)
        result = hawser_pcap_write(writer, 0, bytes, sizeof bytes);
    assert_int_equal(result, -ENOSPC);
    assert_true(hawser_pcap_count(writer) < 10);
    assert_int_equal(hawser_pcap_close(writer, &error), -ENOSPC);

    config.path = "/nowhere/at/all.pcap";
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    assert_int_equal(hawser_pcap_start(writer, &error), -ENOENT);
    assert_non_null(strstr(error.text, "/nowhere/at/all.pcap: No such file"));
    assert_int_equal(hawser_pcap_flush(writer), -ENOENT);
    assert_int_equal(hawser_pcap_close(writer, &error), -ENOENT);

    config.path = folder;
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    assert_int_equal(hawser_pcap_close(writer, &error), 0); /* never tried */
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    assert_int_equal(hawser_pcap_write(writer, 0, "abc", 3), -EISDIR);
    assert_int_equal(hawser_pcap_close(writer, &error), -EISDIR);
}

static void write_file(const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void test_read_failures(void **state)
{
    (void)state;
    struct hawser_pcap_reader *reader = NULL;
    struct hawser_pcap_packet packet;
    assert_int_equal(hawser_pcap_read_open(path, &reader, NULL, &error), -ENOENT);
    assert_int_equal(hawser_pcap_read_open(folder, &reader, NULL, &error), -EPROTO);
    write_file("", 0);
    assert_int_equal(hawser_pcap_read_open(path, &reader, NULL, &error), -EPROTO);
    write_file("this is not a capture file, and long enough", 43);
    assert_int_equal(hawser_pcap_read_open(path, &reader, NULL, &error), -EPROTO);
    assert_non_null(strstr(error.text, "is not a capture file"));

    uint32_t header[6] = {0xa1b23c4d, 0x00040002, 0, 0, 65535, DLT_IEEE802_11};
    write_file(header, sizeof header);
    assert_int_equal(hawser_pcap_read_open(path, &reader, NULL, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "IEEE802_11"));
    assert_null(reader);

    /* A file that was cut off in a packet: what is whole is read. */
    struct hawser_pcap_writer *writer = new_writer(HAWSER_LINK_IP, 0, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(hawser_pcap_write(writer, i, "0123456789", 10), 0);
    assert_int_equal(hawser_pcap_close(writer, &error), 0);
    assert_int_equal(truncate(path, 24 + 3 * 26 - 4), 0);
    assert_int_equal(hawser_pcap_read_open(path, &reader, NULL, &error), 0);
    assert_int_equal(hawser_pcap_read(reader, &packet, &error), 1);
    assert_int_equal(hawser_pcap_read(reader, &packet, &error), 1);
    assert_int_equal(hawser_pcap_read(reader, &packet, &error), -EPROTO);
    assert_non_null(strstr(error.text, "damaged"));
    hawser_pcap_read_close(reader);
    hawser_pcap_read_close(NULL);
}

#define DATAGRAM 0x45, 1, 2, 3

/* Frames of each link type, and how many bytes stand before the datagram; -1 = none is in it. */
static const struct link_row {
    uint32_t type;
    int offset;
    uint8_t frame[28];
    uint32_t length;
} link_rows[] = {
    {1, 14, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, DATAGRAM}, 18},
    {1, 18, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 5, 8, 0, DATAGRAM}, 22},
    {1,
     22,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 5, 0x86, 0xdd, 0x60},
     23},
    {1, -1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 6, DATAGRAM}, 18}, /* ARP */
    {1, -1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}, 14},
    {1, -1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 5, 8}, 17},
    {1, -1, {0}, 13},
    {1, -1, {0}, 0},
    {113, 16, {0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, DATAGRAM}, 20}, /* SLL */
    {113, -1, {0}, 15},
    {276,
     20,
     {8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, DATAGRAM},
     24}, /* SLL2 */
    {276, -1, {8, 0}, 2},
    {0, 4, {2, 0, 0, 0, DATAGRAM}, 8}, /* loopback of BSD, a family in either order */
    {108, 4, {0, 0, 0, 2, DATAGRAM}, 8},
    {0, -1, {2, 0, 0}, 3},
    {101, 0, {DATAGRAM}, 4}, /* bare */
    {101, -1, {0x55}, 1},
    {228, 0, {DATAGRAM}, 4},
    {229, 0, {0x60}, 1},
};

/* Two frames, so that one without a datagram is seen to be passed over. */
static void test_datagrams(void **state)
{
    (void)state;
    struct hawser_pcap_reader *reader = NULL;
    struct hawser_pcap_packet packet;
    for (size_t i = 0; i < COUNT_OF(link_rows); i++) {
        const struct link_row *row = &link_rows[i];
        uint8_t bytes[24 + 2 * (16 + sizeof row->frame)];
        const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, row->type};
        const uint32_t head[4] = {7, 5, row->length, 100};
        size_t at = sizeof header;
        memcpy(bytes, header, sizeof header);
        for (unsigned k = 0; k < 2; k++, at += row->length) {
            memcpy(bytes + at, head, sizeof head);
            at += sizeof head;
            memcpy(bytes + at, row->frame, row->length);
        }
        write_file(bytes, at);
        assert_int_equal(hawser_pcap_read_open_datagrams(path, &reader, &error), 0);
        for (unsigned k = 0; k < 2 && row->offset >= 0; k++) {
            assert_int_equal(hawser_pcap_read(reader, &packet, &error), 1);
            assert_int_equal(packet.time_ns, UINT64_C(7000005000));
            assert_int_equal(packet.length, row->length - (uint32_t)row->offset);
            assert_int_equal(packet.original_length, 100 - row->offset);
            assert_memory_equal(packet.data, row->frame + row->offset, packet.length);
        }
        assert_int_equal(hawser_pcap_read(reader, &packet, &error), 0);
        hawser_pcap_read_close(reader);
    }
    const uint32_t header[6] = {0xa1b23c4d, 0x00040002, 0, 0, 65535, 105};
    write_file(header, sizeof header);
    assert_int_equal(hawser_pcap_read_open_datagrams(path, &reader, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "IEEE802_11"));
}

static enum hawser_wire_fate fate_of(void *context, unsigned from, uint64_t now_ns,
                                     const uint8_t *data, uint32_t length)
{
    (void)context, (void)from, (void)now_ns, (void)length;
    return data[0] == 'l' ? HAWSER_WIRE_LOSE : HAWSER_WIRE_PASS;
}

/* Three places to listen on one wire with 10 ns of delay; end 0 sends "a", then "l", which gets
 * lost; end 1 sends "b". */
static void test_tap(void **state)
{
    (void)state;
    static const struct {
        int end;
        const char *bytes;
        uint64_t times_ns[4];
    } rows[] = {
        {HAWSER_PCAP_AS_SENT, "alb", {100, 101, 102}},
        {0, "alb", {100, 101, 112}},
        {1, "ba", {102, 110}},
    };
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct hawser_wire_config config = {.kind = HAWSER_LINK_IP};
        struct hawser_wire_settings settings = {.delay_ns = 10};
        struct hawser_wire *wire = NULL;
        struct hawser_pcap_writer *writer = new_writer(HAWSER_LINK_IP, 0, rows[row].end);
        struct hawser_frame frames[4];
        assert_int_equal(hawser_wire_create(&config, &wire), 0);
        assert_int_equal(hawser_wire_set(wire, 2, &settings), 0);
        hawser_wire_set_filter(wire, fate_of, NULL);
        hawser_wire_set_tap(wire, hawser_pcap_tap, writer);
        assert_int_equal(hawser_wire_put(wire, 0, 100, "a", 1), 0);
        assert_int_equal(hawser_wire_put(wire, 0, 101, "l", 1), 0);
        assert_int_equal(hawser_wire_put(wire, 1, 102, "b", 1), 0);
        assert_int_equal(hawser_wire_take(wire, 1, 110, frames, 4), 1);
        assert_int_equal(hawser_wire_take(wire, 0, 112, frames, 4), 1);
        hawser_wire_destroy(wire);
        assert_int_equal(hawser_pcap_close(writer, &error), 0);

        struct hawser_pcap_reader *reader = NULL;
        struct hawser_pcap_packet packet;
        assert_int_equal(hawser_pcap_read_open(path, &reader, NULL, &error), 0);
        for (size_t i = 0; i < strlen(rows[row].bytes); i++) {
            assert_int_equal(hawser_pcap_read(reader, &packet, &error), 1);
            assert_int_equal(packet.data[0], rows[row].bytes[i]);
            assert_int_equal(packet.time_ns, rows[row].times_ns[i]);
        }
        assert_int_equal(hawser_pcap_read(reader, &packet, &error), 0);
        hawser_pcap_read_close(reader);
    }
}

#define WITH_FOLDER(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_round_trip),     WITH_FOLDER(test_lazy),
        WITH_FOLDER(test_stream),         WITH_FOLDER(test_config),
        WITH_FOLDER(test_write_failures), WITH_FOLDER(test_read_failures),
        WITH_FOLDER(test_datagrams),      WITH_FOLDER(test_tap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
