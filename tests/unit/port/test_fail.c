/* SPDX-License-Identifier: MIT */
/* struct hawser_port_error, as every function of port/ fills it. */
#include <errno.h>

#include <hawser/port/pcap.h>

#include "support/unit.h"

static void test_contract(void **state)
{
    (void)state;
    struct hawser_pcap_reader *reader = NULL;
    struct hawser_port_error error;
    memset(&error, 0x55, sizeof error);

    assert_int_equal(hawser_pcap_read_open("/nowhere/to/be.found", &reader, NULL, NULL), -ENOENT);
    assert_int_equal(hawser_pcap_read_open("/nowhere/to/be.found", &reader, NULL, &error), -ENOENT);
    assert_null(reader);
    assert_string_equal(error.text, "cannot open /nowhere/to/be.found: No such file or directory");

    char path[1000]; /* longer than the text: cut, and ended all the same */
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(hawser_pcap_read_open(path, &reader, NULL, &error), -ENAMETOOLONG);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void test_untouched_on_success(void **state)
{
    (void)state;
    struct hawser_port_error error = {.text = "as before"};
    struct hawser_pcap_writer *writer = NULL;
    struct hawser_pcap_config config = {.path = "/nowhere/at.all", .kind = HAWSER_LINK_IP};
    assert_int_equal(hawser_pcap_open(&config, &writer, &error), 0);
    assert_int_equal(hawser_pcap_close(writer, &error), 0); /* no frame, so no file either */
    assert_string_equal(error.text, "as before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_untouched_on_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
