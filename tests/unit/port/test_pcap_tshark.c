/* SPDX-License-Identifier: MIT */
/* Capture files as others read them: tshark shows each frame, its nanoseconds, no complaint. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <hawser/port/pcap.h>

#include "support/unit.h"

static char folder[] = "/tmp/hawser-test-XXXXXX";

/* A SYN from 192.0.2.1 port 40000 to 192.0.2.2 port 80, behind an Ethernet header. */
static const uint8_t syn[] = {0x02, 0x48, 0x57, 0x00, 0x00, 0x02, 0x02, 0x48,
                              0x57, 0x00, 0x00, 0x01, 0x08, 0x00, /* Ethernet */
                              0x45, 0x00, 0x00, 0x28, 0x00, 0x00, 0x40, 0x00,
                              0x40, 0x06, 0xb6, 0xcc, 192,  0,    2,    1, /* IPv4 */
                              192,  0,    2,    2,    0x9c, 0x40, 0x00, 0x50,
                              0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, /* TCP */
                              0x50, 0x02, 0xff, 0xff, 0x8f, 0x4d, 0x00, 0x00};

static void read_all(const char *command, char *out, size_t cap)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n = fread(out, 1, cap - 1, pipe);
    out[n] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

static void show(enum hawser_link_kind kind, const char *expected)
{
    char path[64], command[512], out[4096];
    struct hawser_port_error error;
    (void)snprintf(path, sizeof path, "%s/test.pcap", folder);
    struct hawser_pcap_config config = {
        .path = path, .kind = kind, .epoch_ns = UINT64_C(1700000000000000000), .end = -1};
    struct hawser_pcap_writer *writer = NULL;
    size_t skip_bytes = kind == HAWSER_LINK_ETHERNET ? 0 : 14;
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(hawser_pcap_write(writer, i * UINT64_C(1000000007) + 5, syn + skip_bytes,
                                           sizeof syn - skip_bytes),
                         0);
    assert_int_equal(hawser_pcap_close(writer, &error), 0);

    /* What it says to a superuser about being one is no complaint about the file. */
    (void)snprintf(command, sizeof command,
                   "tshark -n -r %s -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -T fields "
                   "-e frame.time_epoch -e frame.len -e frame.encap_type -e ip.src -e tcp.dstport "
                   "-e tcp.flags -e tcp.checksum.status -e ip.checksum.status -e _ws.malformed "
                   "2>&1 | grep -v 'Running as user'",
                   path);
    read_all(command, out, sizeof out);
    (void)unlink(path);
    assert_string_equal(out, expected);
}

static void test_tshark(void **state)
{
    (void)state;
    show(HAWSER_LINK_ETHERNET, "1700000000.000000005\t54\t1\t192.0.2.1\t80\t0x0002\t1\t1\t\n"
                               "1700000001.000000012\t54\t1\t192.0.2.1\t80\t0x0002\t1\t1\t\n");
    show(HAWSER_LINK_IP, "1700000000.000000005\t40\t7\t192.0.2.1\t80\t0x0002\t1\t1\t\n"
                         "1700000001.000000012\t40\t7\t192.0.2.1\t80\t0x0002\t1\t1\t\n");
}

int main(void)
{
    if (system("tshark -v >/dev/null 2>&1") != 0) {
        printf("SKIP: tshark is not installed\n");
        return 77;
    }
    if (mkdtemp(folder) == NULL)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tshark),
    };
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(folder) == 0 ? result : 1;
}
