/* SPDX-License-Identifier: MIT */
/* As much of an iperf3 server as one TCP stream needs, in either direction. The protocol has no
 * document; this is what iperf 3.12's client says and waits for: a cookie on each connection, then
 * on the first one states of one byte, and JSON behind a length of four bytes. */
#include <stdlib.h>
#include <string.h>

#include <hawser/port/clock.h>

#include "driver.h"

#define COOKIE_BYTES 37u
#define JSON_BYTES_MAX 16384u
#define PIECE_BYTES 65536u

enum iperf3_state { /* the numbers are on the wire */
                    IPERF3_TEST_START = 1,
                    IPERF3_TEST_RUNNING = 2,
                    IPERF3_TEST_END = 4,
                    IPERF3_PARAM_EXCHANGE = 9,
                    IPERF3_CREATE_STREAMS = 10,
                    IPERF3_EXCHANGE_RESULTS = 13,
                    IPERF3_DISPLAY_RESULTS = 14,
                    IPERF3_DONE = 16,
};

struct iperf3 {
    struct target listener, control, data; /* the first says which one an event is for */
    hawser_tcp listener_tcp, control_tcp, data_tcp;
    enum iperf3_state state; /* last one sent or received; 0 = none */
    size_t cookie_left;      /* of the data connection's, which we do not compare */
    uint8_t in[JSON_BYTES_MAX];
    size_t in_length;
    bool reverse;
    uint64_t bytes; /* of the test, whoever sends */
    uint64_t start_ns, end_ns;
};

static struct iperf3 iperf3;

static void finish(struct driver *driver, const char *why)
{
    emit(json_pack("{s:s, s:s, s:I, s:b}", "event", "iperf3", "why", why, "bytes",
                   (json_int_t)iperf3.bytes, "reverse", iperf3.reverse));
    hawser_close(driver->host, iperf3.data_tcp);
    hawser_close(driver->host, iperf3.control_tcp);
    iperf3.data_tcp = iperf3.control_tcp = 0;
}

/* Control messages are short: they fit, or something is wrong. */
static void say(struct driver *driver, const void *data, size_t n)
{
    if (hawser_send(driver->host, iperf3.control_tcp, data, n, 0) != (int64_t)n)
        finish(driver, "the control connection takes nothing");
}

static void say_state(struct driver *driver, enum iperf3_state state)
{
    const uint8_t byte = (uint8_t)state;
    iperf3.state = state;
    say(driver, &byte, 1);
}

static void say_results(struct driver *driver)
{
    double seconds = (double)(iperf3.end_ns - iperf3.start_ns) / 1e9;
    json_t *results = json_pack(
        "{s:f, s:f, s:f, s:i, s:[{s:i, s:I, s:i, s:f, s:i, s:i, s:f, s:f}]}", "cpu_util_total", 0.0,
        "cpu_util_user", 0.0, "cpu_util_system", 0.0, "sender_has_retransmits", 0, "streams", "id",
        1, "bytes", (json_int_t)iperf3.bytes, "retransmits", 0, "jitter", 0.0, "errors", 0,
        "packets", 0, "start_time", 0.0, "end_time", seconds);
    char *text = json_dumps(results, JSON_COMPACT);
    size_t n = strlen(text);
    const uint8_t length[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                               (uint8_t)n};
    say(driver, length, sizeof length);
    say(driver, text, n);
    free(text);
    json_decref(results);
}

/* The JSON at the front of what has arrived, taken out; NULL: not all of it is there yet. */
static json_t *heard(void)
{
    if (iperf3.in_length < 4)
        return NULL;
    size_t n = (size_t)iperf3.in[0] << 24 | (size_t)iperf3.in[1] << 16 | (size_t)iperf3.in[2] << 8 |
               iperf3.in[3];
    if (n > JSON_BYTES_MAX - 4)
        die("iperf3 sends %zu bytes of JSON", n);
    if (iperf3.in_length < 4 + n)
        return NULL;
    json_t *object = json_loadb((const char *)iperf3.in + 4, n, 0, NULL);
    iperf3.in_length -= 4 + n;
    memmove(iperf3.in, iperf3.in + 4 + n, iperf3.in_length);
    return object != NULL ? object : json_object();
}

/* ---- the data connection --------------------------------------------------------------------- */

static void on_data(struct driver *driver, struct target *target, uint32_t events)
{
    static uint8_t piece[PIECE_BYTES];
    int64_t n;
    (void)target;
    (void)events;
    if (iperf3.data_tcp == 0)
        return;
    while (iperf3.cookie_left != 0) {
        n = hawser_receive(driver->host, iperf3.data_tcp, piece, iperf3.cookie_left);
        if (n <= 0)
            return;
        iperf3.cookie_left -= (size_t)n;
        if (iperf3.cookie_left == 0) {
            iperf3.start_ns = hawser_clock_now();
            say_state(driver, IPERF3_TEST_START);
            say_state(driver, IPERF3_TEST_RUNNING);
        }
    }
    bool running = iperf3.state == IPERF3_TEST_RUNNING; /* later bytes do not count */
    while (iperf3.reverse && running &&
           (n = hawser_send(driver->host, iperf3.data_tcp, piece, sizeof piece, 0)) > 0)
        iperf3.bytes += (uint64_t)n;
    while (!iperf3.reverse &&
           (n = hawser_receive(driver->host, iperf3.data_tcp, piece, sizeof piece)) > 0)
        iperf3.bytes += running ? (uint64_t)n : 0;
}

/* ---- the control connection ------------------------------------------------------------------ */

/* One message of the client's, if it is all there. */
static bool obey(struct driver *driver)
{
    json_t *object;
    switch ((int)iperf3.state) {
    case 0:
        if (iperf3.in_length < COOKIE_BYTES)
            return false;
        iperf3.in_length -= COOKIE_BYTES;
        memmove(iperf3.in, iperf3.in + COOKIE_BYTES, iperf3.in_length);
        say_state(driver, IPERF3_PARAM_EXCHANGE);
        return true;
    case IPERF3_PARAM_EXCHANGE:
        object = heard();
        if (object == NULL)
            return false;
        iperf3.reverse = json_is_true(json_object_get(object, "reverse"));
        json_decref(object);
        say_state(driver, IPERF3_CREATE_STREAMS);
        return true;
    case IPERF3_EXCHANGE_RESULTS:
        object = heard();
        if (object == NULL)
            return false;
        json_decref(object);
        say_results(driver);
        say_state(driver, IPERF3_DISPLAY_RESULTS);
        return true;
    default:
        if (iperf3.in_length == 0)
            return false;
        iperf3.state = (enum iperf3_state)iperf3.in[0];
        memmove(iperf3.in, iperf3.in + 1, --iperf3.in_length);
        break;
    }
    if (iperf3.state == IPERF3_TEST_END) {
        iperf3.end_ns = hawser_clock_now();
        say_state(driver, IPERF3_EXCHANGE_RESULTS);
        return true;
    }
    finish(driver, iperf3.state == IPERF3_DONE ? "done" : "the client gave up");
    return false;
}

static void on_control(struct driver *driver, struct target *target, uint32_t events)
{
    (void)target;
    (void)events;
    if (iperf3.control_tcp == 0)
        return;
    for (;;) {
        int64_t n = hawser_receive(driver->host, iperf3.control_tcp, iperf3.in + iperf3.in_length,
                                   sizeof iperf3.in - iperf3.in_length);
        if (n > 0)
            iperf3.in_length += (size_t)n;
        while (iperf3.control_tcp != 0 && obey(driver))
            continue;
        if (iperf3.control_tcp == 0 || n == HAWSER_ERR_AGAIN)
            return;
        if (n <= 0) {
            finish(driver, n == 0 ? "the client closed" : hawser_error_name((int)n));
            return;
        }
    }
}

static void on_listener(struct driver *driver, struct target *target, uint32_t events)
{
    hawser_tcp tcp;
    (void)target;
    (void)events;
    while (hawser_accept(driver->host, iperf3.listener_tcp, &tcp) == 0) {
        if (iperf3.control_tcp == 0) { /* the next test */
            iperf3.control_tcp = tcp;
            iperf3.state = (enum iperf3_state)0;
            iperf3.in_length = 0;
            iperf3.bytes = 0;
            hawser_set_user(driver->host, tcp, &iperf3.control);
            on_control(driver, &iperf3.control, 0);
        } else if (iperf3.data_tcp == 0) {
            iperf3.data_tcp = tcp;
            iperf3.cookie_left = COOKIE_BYTES;
            hawser_set_user(driver->host, tcp, &iperf3.data);
            on_data(driver, &iperf3.data, 0);
        } else {
            hawser_abort(driver->host, tcp);
        }
    }
}

int iperf3_start(struct driver *driver, uint16_t port)
{
    const struct hawser_listen_options options = {
        .local.port = port, .backlog = 8, .reuse_address = true, .user = &iperf3.listener};
    iperf3.listener.on_event = on_listener;
    iperf3.control.on_event = on_control;
    iperf3.data.on_event = on_data;
    return hawser_listen(driver->host, hawser_clock_now(), &options, &iperf3.listener_tcp);
}
