/* SPDX-License-Identifier: MIT */
/* The driver of the interop tests: makes a TAP device with a host on it as its argument, an object
 * of JSON, says; then obeys the lines of JSON on its standard input, and prints answers and events,
 * one line each. It ends with its input, so it never outlives the test. */
#include "driver.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include <hawser/port/clock.h>
#include <hawser/port/entropy.h>
#include <hawser/port/memory.h>
#include <hawser/port/netns.h>

#include "flow.h"

#define LINE_MAX_BYTES 262144u

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    exit(1);
}

void emit(json_t *object)
{
    if (object == NULL)
        die("no object to print");
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

/* ---- setting up ------------------------------------------------------------------------------ */

struct prefix {
    struct hawser_address address;
    unsigned bits;
};

static struct prefix scan_prefix(const char *text)
{
    struct prefix prefix;
    char address[HAWSER_ADDRESS_TEXT_MAX + 1];
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof address)
        die("%s is not A/L", text);
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    if (hawser_address_scan(address, &prefix.address) != 0)
        die("%s is no address", address);
    prefix.bits = (unsigned)atoi(slash + 1);
    return prefix;
}

static void configure(struct hawser_config *config, json_t *given)
{
    const char *key;
    json_t *value;
    const struct {
        const char *name;
        void *field;
        size_t bytes;
    } fields[] = {
#define FIELD(name) {#name, &config->name, sizeof config->name}
        FIELD(connections_max),
        FIELD(halfopen_max),
        FIELD(timewait_max),
        FIELD(syn_retries),
        FIELD(syn_cookies),
        FIELD(window_scaling),
        FIELD(timestamps),
        FIELD(sack),
        FIELD(send_buffer_bytes),
        FIELD(receive_buffer_bytes),
        FIELD(delayed_ack_ns),
        FIELD(msl_ns),
        FIELD(fin_wait_2_ns),
        FIELD(rfc1337),
        FIELD(timewait_reuse),
        FIELD(path_mtu_discovery),
        FIELD(timewait_reuse_delay_ns),
        FIELD(neighbour_reachable_ns),
        FIELD(receive_window_initial_bytes),
#undef FIELD
    };
    json_object_foreach(given, key, value)
    {
        size_t i = 0;
        while (i < sizeof fields / sizeof *fields && strcmp(fields[i].name, key) != 0)
            i++;
        if (i == sizeof fields / sizeof *fields)
            die("no field %s of the configuration", key);
        uint64_t number = (uint64_t)json_integer_value(value); /* little-endian, as the tests are */
        memcpy(fields[i].field, &number, fields[i].bytes);
    }
}

static void make_device(struct driver *driver, json_t *settings)
{
    struct hawser_port_error error;
    const char *name, *capture = NULL;
    json_t *peers, *peer;
    int mtu, link_mtu;
    size_t i;
    if (json_unpack(settings, "{s:s, s:i, s:i, s:o, s?s}", "tap", &name, "mtu", &mtu, "link_mtu",
                    &link_mtu, "peers", &peers, "capture", &capture) != 0)
        die("settings of the device");
    /* Its buffers must have room for what either end sends. */
    const struct hawser_tun_config config = {
        .kind = HAWSER_LINK_ETHERNET,
        .name = name,
        .mtu = (uint32_t)(mtu > link_mtu ? mtu : link_mtu),
        .up = true,
    };
    if (hawser_tun_open(&config, &driver->tun, &error) != 0 ||
        hawser_interface_set_mtu(name, (uint32_t)mtu, &error) != 0)
        die("%s", error.text);
    json_array_foreach(peers, i, peer)
    {
        struct prefix prefix = scan_prefix(json_string_value(peer));
        if (hawser_interface_add_address(name, &prefix.address, prefix.bits, &error) != 0)
            die("%s", error.text);
    }
    if (capture == NULL)
        return;
    const struct hawser_pcap_config pcap = {
        .path = capture,
        .kind = HAWSER_LINK_ETHERNET,
        .epoch_ns = hawser_clock_wall() - hawser_clock_now(),
        .end = 0,
    };
    if (hawser_pcap_open(&pcap, &driver->capture, &error) != 0 ||
        hawser_pcap_start(driver->capture, &error) != 0)
        die("%s", error.text);
    hawser_tun_set_tap(driver->tun, hawser_pcap_tap, driver->capture);
}

static void make_host(struct driver *driver, json_t *settings)
{
    struct hawser_config config;
    const char *field = "";
    json_t *addresses, *gateways, *given, *text;
    int mtu;
    size_t i;
    if (json_unpack(settings, "{s:i, s:o, s:o, s:o}", "link_mtu", &mtu, "addresses", &addresses,
                    "gateways", &gateways, "config", &given) != 0)
        die("settings of the host");
    hawser_config_defaults(&config);
    configure(&config, given);
    config.memory = hawser_memory_default(NULL);
    if (hawser_entropy(config.entropy) != 0)
        die("no entropy");
    if (hawser_host_create(&config, hawser_clock_now(), &driver->host) != 0) {
        hawser_config_check(&config, &field);
        die("the host cannot be made: %s", field);
    }
    const struct hawser_link_config link = {
        .kind = HAWSER_LINK_ETHERNET, .mac = {2, 0x48, 0x57, 0, 0, 2}, .mtu = (uint32_t)mtu};
    if (hawser_link_add(driver->host, &link, &driver->link) != 0)
        die("no link");
    json_array_foreach(addresses, i, text)
    {
        struct prefix prefix = scan_prefix(json_string_value(text));
        if (hawser_address_add(driver->host, driver->link, &prefix.address, prefix.bits) != 0)
            die("address %s", json_string_value(text));
    }
    json_array_foreach(gateways, i, text)
    {
        struct hawser_address any = {{0}}, gateway;
        if (hawser_address_scan(json_string_value(text), &gateway) != 0)
            die("gateway %s", json_string_value(text));
        if (hawser_address_is_v4(&gateway))
            memset(any.bytes + 10, 0xff, 2);
        if (hawser_route_add(driver->host, &any, 0, &gateway, driver->link, 0) != 0)
            die("route by %s", json_string_value(text));
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* As hawser_tun_run_once, but what comes stays in the device. */
static void run_paused(struct driver *driver, struct pollfd *input)
{
    struct hawser_buffer *buffers = hawser_tun_buffers(driver->tun);
    size_t n;
    do {
        uint64_t now_ns = hawser_clock_now();
        n = hawser_output(driver->host, driver->link, now_ns, buffers, HAWSER_TUN_BATCH);
        hawser_tun_write(driver->tun, now_ns, buffers, n);
    } while (n != 0);
    uint64_t deadline = hawser_next_deadline(driver->host), now = hawser_clock_now();
    uint64_t wait_ms = deadline <= now ? 0 : (deadline - now) / 1000000 + 1;
    if (poll(input, 1, wait_ms > 1000 ? 1000 : (int)wait_ms) < 0 && errno != EINTR)
        die("poll: %s", strerror(errno));
    hawser_expire(driver->host, hawser_clock_now());
}

static void read_commands(struct driver *driver)
{
    static char lines[LINE_MAX_BYTES];
    static size_t there;
    ssize_t got = read(STDIN_FILENO, lines + there, sizeof lines - there);
    if (got <= 0) {
        driver->ending = true;
        return;
    }
    there += (size_t)got;
    char *start = lines, *end;
    while ((end = memchr(start, '\n', there)) != NULL) {
        size_t length = (size_t)(end - start) + 1;
        command(driver, start, length);
        start += length;
        there -= length;
    }
    memmove(lines, start, there);
    if (there == sizeof lines)
        die("a line is too long");
}

static void dispatch(struct driver *driver)
{
    struct hawser_event events[64];
    size_t count;
    while ((count = hawser_events(driver->host, events, 64)) != 0) {
        for (size_t i = 0; i < count; i++) {
            struct target *target = events[i].user;
            if (target != NULL) /* not accepted yet */
                target->on_event(driver, target, events[i].events);
        }
    }
}

static void loop(struct driver *driver)
{
    struct hawser_port_error error;
    while (!driver->ending) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        if (driver->paused)
            run_paused(driver, &input);
        else if (hawser_tun_run_once(driver->tun, driver->host, driver->link, UINT64_MAX, &input, 1,
                                     &error) < 0)
            die("%s", error.text);
        if (input.revents != 0)
            read_commands(driver);
        dispatch(driver);
    }
}

int main(int argc, char **argv)
{
    struct driver driver = {0};
    struct hawser_port_error error;
    json_error_t why;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* its input tells, too; this one cannot be missed */
    if (argc != 2)
        die("usage: driver SETTINGS");
    json_t *settings = json_loads(argv[1], 0, &why);
    if (settings == NULL)
        die("settings: %s", why.text);
    make_device(&driver, settings);
    make_host(&driver, settings);
    json_decref(settings);
    emit(json_pack("{s:s}", "event", "ready"));
    loop(&driver);
    hawser_host_destroy(driver.host);
    hawser_tun_close(driver.tun);
    flow_destroy_all(&driver);
    if (hawser_pcap_close(driver.capture, &error) != 0)
        die("%s", error.text);
    return 0;
}
