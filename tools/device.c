/* SPDX-License-Identifier: MIT */
/* A host on a TAP device: the options for it, setting it up, and its loop. */
#include "device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <hawser/port/clock.h>
#include <hawser/port/entropy.h>
#include <hawser/port/memory.h>
#include <hawser/port/netns.h>

#include "reactor.h"
#include "signals.h"

#define OTHERS_MAX 8u
#define LAST_TURNS 1000u
#define IPV6_MTU_MIN 1280u /* RFC 8200 5 */

/* ---- options -------------------------------------------------------------------------------- */

enum { KEY_TAP = 0x1000, KEY_ADDRESS, KEY_PEER, KEY_GATEWAY, KEY_MTU, KEY_CAPTURE };

static const struct argp_option device_options_list[] = {
    {NULL, 0, NULL, 0, "The device:", 10},
    {"tap", KEY_TAP, "NAME", 0, "TAP device, made if it is not there", 0},
    {"address", KEY_ADDRESS, "A/L", 0,
     "Hawser's address and prefix length; may be given several times", 0},
    {"peer", KEY_PEER, "A/L", 0, "address for the kernel's side of the device", 0},
    {"gateway", KEY_GATEWAY, "A", 0, "router to everywhere else (the --peer if there is one)", 0},
    {"mtu", KEY_MTU, "BYTES", 0, "of the device, 576 to 65535 (1500)", 0},
    {"capture", KEY_CAPTURE, "FILE", 0, "writes every frame to a pcap file", 0},
    {0},
};

static void add_prefix(struct argp_state *state, const char *option, const char *text,
                       struct device_prefixes *to)
{
    if (to->count == DEVICE_ADDRESSES_MAX)
        argp_error(state, "--%s: at most %u of them", option, DEVICE_ADDRESSES_MAX);
    else
        cli_prefix(state, option, text, &to->list[to->count++]);
}

static void default_address(struct device_options *options, bool v4, unsigned host)
{
    char text[HAWSER_ADDRESS_TEXT_MAX];
    struct device_prefixes *to = host == 2 ? &options->addresses : &options->peers;
    struct cli_prefix *prefix = &to->list[to->count++];
    if (v4)
        snprintf(text, sizeof text, "10.72.%u.%u", options->subnet, host);
    else
        snprintf(text, sizeof text, "fd48:5753:0:%u::%u", options->subnet, host);
    hawser_address_scan(text, &prefix->address);
    prefix->bits = v4 ? 24 : 64;
}

void device_complete(struct device_options *options)
{
    if (options->addresses.count == 0) {
        for (unsigned host = 1; host <= 2; host++) {
            default_address(options, true, host);
            if (options->mtu >= IPV6_MTU_MIN)
                default_address(options, false, host);
        }
    }
    if (options->gateways.count == 0)
        options->gateways = options->peers;
}

static error_t parse_device(int key, char *argument, struct argp_state *state)
{
    struct device_options *options = state->input;
    switch (key) {
    case KEY_TAP:
        if (argument[0] == '\0' || strlen(argument) > 15)
            argp_error(state, "--tap: a device's name has 1 to 15 characters");
        options->tap = argument;
        return 0;
    case KEY_ADDRESS:
        add_prefix(state, "address", argument, &options->addresses);
        return 0;
    case KEY_PEER:
        add_prefix(state, "peer", argument, &options->peers);
        return 0;
    case KEY_GATEWAY:
        add_prefix(state, "gateway", argument, &options->gateways);
        return 0;
    case KEY_MTU:
        options->mtu = (uint32_t)cli_number(state, "mtu", argument, 576, 65535);
        return 0;
    case KEY_CAPTURE:
        options->capture = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->addresses.count == 0 && options->peers.count + options->gateways.count != 0)
            argp_error(state, "--peer and --gateway need an --address");
        device_complete(options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp device_argp = {.options = device_options_list, .parser = parse_device};

void device_defaults(struct device_options *options, const char *tap, unsigned subnet)
{
    *options = (struct device_options){.tap = tap, .subnet = subnet, .mtu = 1500};
}

bool device_address_of(const struct device_options *options, bool v4, struct hawser_address *out)
{
    for (unsigned i = 0; i < options->addresses.count; i++) {
        if (hawser_address_is_v4(&options->addresses.list[i].address) == v4) {
            *out = options->addresses.list[i].address;
            return true;
        }
    }
    return false;
}

/* ---- setting up ----------------------------------------------------------------------------- */

static int fail(struct hawser_port_error *error, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct hawser_port_error *error, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

static int setup_kernel_side(struct device *device, const struct device_options *options,
                             struct hawser_port_error *error)
{
    const char *name = hawser_tun_name(device->tun);
    for (unsigned i = 0; i < options->peers.count; i++) {
        const struct cli_prefix *peer = &options->peers.list[i];
        int status = hawser_interface_add_address(name, &peer->address, peer->bits, error);
        if (status != 0 && status != -EEXIST)
            return status;
    }
    return 0;
}

static int setup_host(struct device *device, const struct device_options *options,
                      const struct hawser_config *given, struct hawser_port_error *error)
{
    struct hawser_config config;
    struct hawser_link_config link = {.kind = HAWSER_LINK_ETHERNET, .mtu = options->mtu};
    uint8_t random[32];
    if (given != NULL)
        config = *given;
    else
        hawser_config_defaults(&config);
    config.memory = hawser_memory_default(NULL);
    if (hawser_entropy(config.entropy) != 0 || hawser_entropy(random) != 0)
        return fail(error, -ENOSYS, "the kernel gives no random numbers");
    int status = hawser_host_create(&config, hawser_clock_now(), &device->host);
    if (status == 0) {
        memcpy(link.mac, random, sizeof link.mac);
        link.mac[0] = (uint8_t)((link.mac[0] & 0xfc) | 0x02); /* unicast, of local making */
        status = hawser_link_add(device->host, &link, &device->link);
    }
    if (status != 0)
        return fail(error, -EINVAL, "the host cannot be made: %s", hawser_error_text(status));
    return 0;
}

static int setup_addresses(struct device *device, const struct device_options *options,
                           struct hawser_port_error *error)
{
    char text[HAWSER_ADDRESS_TEXT_MAX];
    for (unsigned i = 0; i < options->addresses.count; i++) {
        const struct cli_prefix *own = &options->addresses.list[i];
        int status = hawser_address_add(device->host, device->link, &own->address, own->bits);
        hawser_address_print(&own->address, text);
        if (status != 0)
            return fail(error, -EINVAL, "--address %s/%u: %s", text, own->bits,
                        hawser_error_text(status));
    }
    for (unsigned i = 0; i < options->gateways.count; i++) {
        const struct hawser_address *gateway = &options->gateways.list[i].address;
        struct hawser_address any = {{0}};
        if (hawser_address_is_v4(gateway))
            memset(any.bytes + 10, 0xff, 2);
        int status = hawser_route_add(device->host, &any, 0, gateway, device->link, i);
        hawser_address_print(gateway, text);
        if (status != 0 && status != HAWSER_ERR_EXISTS)
            return fail(error, -EINVAL, "--gateway %s: %s", text, hawser_error_text(status));
    }
    return 0;
}

static int setup_capture(struct device *device, const struct device_options *options,
                         struct hawser_port_error *error)
{
    if (options->capture == NULL)
        return 0;
    const struct hawser_pcap_config config = {
        .path = options->capture,
        .kind = HAWSER_LINK_ETHERNET,
        .epoch_ns = hawser_clock_wall() - hawser_clock_now(),
        .end = 0,
    };
    int status = hawser_pcap_open(&config, &device->capture, error);
    if (status == 0)
        status = hawser_pcap_start(device->capture, error);
    if (status == 0)
        hawser_tun_set_tap(device->tun, hawser_pcap_tap, device->capture);
    return status;
}

int device_open(struct device *device, const struct device_options *options,
                const struct hawser_config *config, struct hawser_port_error *error)
{
    const struct hawser_tun_config tun = {
        .kind = HAWSER_LINK_ETHERNET,
        .name = options->tap,
        .mtu = options->mtu,
        .up = true,
    };
    *device = (struct device){0};
    int status = hawser_tun_open(&tun, &device->tun, error);
    if (status == 0)
        status = setup_kernel_side(device, options, error);
    if (status == 0)
        status = setup_host(device, options, config, error);
    if (status == 0)
        status = setup_addresses(device, options, error);
    if (status == 0)
        status = setup_capture(device, options, error);
    if (status != 0)
        device_close(device);
    return status;
}

bool device_close(struct device *device)
{
    struct hawser_port_error error;
    /* Resets and FINs of the last calls. */
    for (unsigned i = 0; i < LAST_TURNS && device->host != NULL && device->tun != NULL; i++)
        if (hawser_tun_run_once(device->tun, device->host, device->link, 0, NULL, 0, NULL) < 0 ||
            hawser_next_deadline(device->host) != 0)
            break;
    hawser_tun_close(device->tun);
    hawser_host_destroy(device->host);
    int status = hawser_pcap_close(device->capture, &error);
    if (status != 0)
        cli_error("%s", error.text);
    *device = (struct device){0};
    return status == 0;
}

bool device_turn(struct device *device, uint64_t until_ns, struct pollfd *others,
                 size_t others_count)
{
    struct hawser_port_error error;
    struct pollfd polled[OTHERS_MAX + 1] = {{.fd = signals_fd(), .events = POLLIN}};
    size_t count = others_count < OTHERS_MAX ? others_count : OTHERS_MAX;
    for (size_t i = 0; i < count; i++)
        polled[i + 1] = others[i];
    uint64_t now = hawser_clock_now();
    uint64_t timeout = until_ns == UINT64_MAX ? UINT64_MAX : until_ns > now ? until_ns - now : 0;
    if (hawser_tun_run_once(device->tun, device->host, device->link, timeout, polled, count + 1,
                            &error) < 0) {
        cli_error("%s", error.text);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        others[i] = polled[i + 1];
    reactor_dispatch(device->host, hawser_clock_now());
    return true;
}
