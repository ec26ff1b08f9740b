/* SPDX-License-Identifier: MIT */
/* Part 1 of hawser demo: Hawser and the kernel's TCP, both roles, on a TAP device in a private
 * network namespace. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <hawser/port/clock.h>
#include <hawser/port/netns.h>

#include "child.h"
#include "content.h"
#include "demo.h"
#include "device.h"
#include "http_client.h"
#include "http_server.h"
#include "signals.h"
#include "term.h"

#define CHECK_NS 30000000000u /* most time a transfer gets */
#define START_NS 10000000000u /* most time the kernel's server gets to start */
#define RETRY_NS 20000000u
#define TICK_NS 100000000u
#define IDLE_NS 60000000000u
#define KERNEL_PORT 8000

struct kernel_demo {
    struct report *report;
    struct device device;
    struct device_options options;
    struct content content;
};

static json_t *figures_of(uint64_t bytes, uint64_t ns)
{
    double mib = (double)bytes / 1048576;
    return json_pack("{s:I, s:f, s:f}", "bytes", (json_int_t)bytes, "seconds", (double)ns / 1e9,
                     "mib_per_second", ns != 0 ? mib * 1e9 / (double)ns : 0.0);
}

static void report_transfer(struct kernel_demo *demo, const char *what, struct digest *digest,
                            uint64_t ns, const char *why)
{
    uint64_t bytes = digest->bytes;
    double mib = (double)bytes / 1048576;
    bool same = content_equals(&demo->content, digest);
    bool ok = same && why == NULL;
    if (why == NULL)
        why = same ? "SHA-256 equal" : "SHA-256 DIFFERS";
    if (signals_pending())
        return;
    report_check(demo->report, ok, what, figures_of(bytes, ns),
                 "%.1f MiB in %.2f s, %.0f MiB/s, %s", mib, (double)ns / 1e9,
                 ns != 0 ? mib * 1e9 / (double)ns : 0.0, why);
}

/* ---- curl downloads from Hawser ------------------------------------------------------------- */

/* Reads what the child printed so far; false = that was all. */
static bool drain(int fd, struct digest *digest)
{
    uint8_t buffer[65536];
    for (unsigned i = 0; i < 16; i++) { /* then the stack has its turn */
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n > 0)
            digest_add(digest, buffer, (size_t)n);
        else
            return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
    return true;
}

/* NULL, or why it went wrong. */
static const char *download(struct kernel_demo *demo, struct http_server *server,
                            struct child *curl, struct digest *digest, const char *what)
{
    struct progress progress;
    uint64_t deadline = hawser_clock_now() + CHECK_NS;
    const char *why = NULL;
    progress_start(&progress, what);
    while (why == NULL && !signals_pending()) {
        uint64_t now = hawser_clock_now();
        struct pollfd output = {.fd = curl->out, .events = POLLIN};
        if (!device_turn(&demo->device, now + TICK_NS, &output, 1))
            why = "the device is gone";
        if (output.revents != 0 && !drain(curl->out, digest))
            break;
        http_server_expire(server, hawser_clock_now());
        if (now >= deadline)
            why = "not done after 30 s";
        progress_show(&progress, digest->bytes, demo->content.size);
    }
    progress_end(&progress);
    int status = child_end(curl, why != NULL || signals_pending());
    return why == NULL && status != 0 ? "curl failed" : why;
}

static void kernel_downloads(struct kernel_demo *demo, const char *what, const char *url)
{
    struct http_server *server;
    struct child curl = {.out = -1};
    struct digest digest;
    const struct http_server_config config = {
        .host = demo->device.host,
        .port = 80,
        .source = content_source(&demo->content),
        .connections_max = 16,
        .idle_ns = IDLE_NS,
    };
    /* -q: without the user's .curlrc; -g: brackets in URLs are brackets. */
    const char *const argv[] = {"curl", "-q", "-g", "-sS", "-f", "--noproxy", "*", url, NULL};
    digest_start(&digest);
    uint64_t start_ns = hawser_clock_now();
    int error = http_server_start(&config, start_ns, &server);
    if (error != 0) {
        report_check(demo->report, false, what, NULL, "%s", hawser_error_text(error));
        return;
    }
    error = child_start(&curl, argv, true, true, -1);
    if (error != 0) {
        report_check(demo->report, false, what, NULL, "curl: %s", strerror(-error));
    } else {
        const char *why = download(demo, server, &curl, &digest, what);
        report_transfer(demo, what, &digest, hawser_clock_now() - start_ns, why);
    }
    http_server_stop(server);
}

/* ---- Hawser fetches from a kernel server ---------------------------------------------------- */

static bool take(void *context, const void *data, size_t n)
{
    digest_add(context, data, n);
    return true;
}

/* One attempt: false = the server does not listen yet. */
static bool fetch_once(struct kernel_demo *demo, const struct http_client_config *config,
                       const char *what)
{
    struct http_client client;
    struct progress progress;
    uint64_t start_ns = hawser_clock_now();
    const char *why = NULL;
    int error = http_client_start(&client, config, start_ns);
    if (error != 0) {
        report_check(demo->report, false, what, NULL, "%s", hawser_error_text(error));
        return true;
    }
    progress_start(&progress, what);
    while (client.state == HTTP_CLIENT_RUNNING && why == NULL && !signals_pending()) {
        uint64_t now = hawser_clock_now();
        if (!device_turn(&demo->device, now + TICK_NS, NULL, 0))
            why = "the device is gone";
        else if (now - start_ns > CHECK_NS)
            why = "not done after 30 s";
        progress_show(&progress, client.received, client.length);
    }
    progress_end(&progress);
    http_client_stop(&client);
    if (client.state == HTTP_CLIENT_FAILED && client.error == HAWSER_ERR_REFUSED)
        return false;
    if (client.state == HTTP_CLIENT_FAILED)
        why = client.why;
    report_transfer(demo, what, config->context, hawser_clock_now() - start_ns, why);
    return true;
}

static void hawser_fetches(struct kernel_demo *demo, const char *what, const char *address,
                           const char *authority)
{
    struct digest digest;
    uint64_t give_up_ns = hawser_clock_now() + START_NS;
    char target[16];
    snprintf(target, sizeof target, "/%d",
             CHILD_FD); /* the file in memory is in the server's /proc/self/fd */
    struct http_client_config config = {
        .host = demo->device.host,
        .remote.port = KERNEL_PORT,
        .authority = authority,
        .target = target,
        .take = take,
        .context = &digest,
    };
    hawser_address_scan(address, &config.remote.address);
    do {
        digest_start(&digest);
        if (signals_pending() || fetch_once(demo, &config, what))
            return;
        device_turn(&demo->device, hawser_clock_now() + RETRY_NS, NULL, 0);
    } while (hawser_clock_now() < give_up_ns);
    report_check(demo->report, false, what, NULL, "the kernel's server did not start within 10 s");
}

static void with_kernel_server(struct kernel_demo *demo)
{
    static const char *const what = "Hawser fetches from a kernel server";
    struct child server = {.out = -1};
    /* Debian's own before what else may be called so. */
    const char *python = access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3";
    const char *const argv[] = {python,   "-I", "-m",          "http.server",
                                "--bind", "::", "--directory", "/proc/self/fd",
                                "8000",   NULL};
    if (python[0] != '/' && !child_exists(python)) {
        report_check(demo->report, false, what, NULL, "python3 is not installed");
        return;
    }
    int error = child_start(&server, argv, false, false, demo->content.fd);
    if (error != 0) {
        report_check(demo->report, false, what, NULL, "python3: %s", strerror(-error));
        return;
    }
    hawser_fetches(demo, "Hawser's client <- python3's server, IPv4", "10.72.87.1",
                   "10.72.87.1:8000");
    if (!signals_pending())
        hawser_fetches(demo, "Hawser's client <- python3's server, IPv6", "fd48:5753:0:87::1",
                       "[fd48:5753:0:87::1]:8000");
    child_end(&server, true);
}

/* True if the machine allows it; why not stands in error. */
static bool enter(struct kernel_demo *demo, struct hawser_port_error *error)
{
    if (hawser_netns_enter(error) != 0)
        return false;
    device_defaults(&demo->options, "hawser0", 87);
    device_complete(&demo->options);
    return device_open(&demo->device, &demo->options, NULL, error) == 0;
}

void demo_kernel(struct report *report, const struct demo_options *options)
{
    struct kernel_demo demo = {.report = report};
    struct hawser_port_error why;
    report_heading(
        report, 1,
        "Hawser and the Linux kernel on a TAP device, in a network namespace of their own");
    if (!enter(&demo, &why)) {
        report_skip(report, "everything with the kernel", why.text);
        return;
    }
    int error = content_make(&demo.content, options->bytes, options->seed);
    if (error != 0) {
        report_check(report, false, "content", NULL, "%s", strerror(-error));
    } else {
        if (child_exists("curl")) {
            kernel_downloads(&demo, "the kernel's curl <- Hawser's server, IPv4",
                             "http://10.72.87.2/");
            if (!signals_pending())
                kernel_downloads(&demo, "the kernel's curl <- Hawser's server, IPv6",
                                 "http://[fd48:5753:0:87::2]/");
        } else {
            report_check(report, false, "the kernel's curl <- Hawser's server", NULL,
                         "curl is not installed");
        }
        if (!signals_pending())
            with_kernel_server(&demo);
        content_drop(&demo.content);
    }
    device_close(&demo.device);
}
