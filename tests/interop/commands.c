/* SPDX-License-Identifier: MIT */
/* What the driver can be told to do: {"do": NAME, ...}; the answer has "re": NAME and, when Hawser
 * refused, "error". */
#include <stdlib.h>
#include <string.h>

#include <hawser/port/clock.h>

#include "flow.h"

#define READ_MAX 1048576u
#define TEXT_MAX 65536u /* most bytes of a read that are shown */

static const char *text_of(json_t *line, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text != NULL ? text : otherwise;
}

static uint64_t number_of(json_t *line, const char *key, uint64_t otherwise)
{
    json_t *value = json_object_get(line, key);
    return json_is_integer(value) ? (uint64_t)json_integer_value(value) : otherwise;
}

static bool flag_of(json_t *line, const char *key)
{
    return json_is_true(json_object_get(line, key));
}

static struct flow *flow_of(struct driver *driver, json_t *line)
{
    struct flow *flow = flow_find(driver, (unsigned)number_of(line, "id", 0));
    return flow;
}

static json_t *answer(int64_t result)
{
    if (result < 0)
        return json_pack("{s:s}", "error", hawser_error_name((int)result));
    return json_pack("{s:I}", "n", (json_int_t)result);
}

static enum flow_step step_of(json_t *line, const char *key)
{
    static const char *const names[] = {"", "shutdown", "close", "abort"};
    const char *name = text_of(line, key, "");
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum flow_step)i;
    }
    die("%s: no such step", name);
}

static struct behaviour behaviour_of(json_t *line)
{
    return (struct behaviour){
        .source = number_of(line, "source", 0),
        .read = flag_of(line, "read"),
        .echo = flag_of(line, "echo"),
        .hold = flag_of(line, "hold"),
        .after = step_of(line, "after"),
        .at_end = step_of(line, "at_end"),
    };
}

static struct hawser_endpoint endpoint_of(json_t *line, const char *address, const char *port)
{
    struct hawser_endpoint endpoint = {.port = (uint16_t)number_of(line, port, 0)};
    const char *text = json_string_value(json_object_get(line, address));
    if (text != NULL && hawser_address_scan(text, &endpoint.address) != 0)
        die("%s is no address", text);
    return endpoint;
}

/* ---- opening --------------------------------------------------------------------------------- */

static json_t *do_listen(struct driver *driver, json_t *line)
{
    const struct hawser_listen_options options = {
        .local = endpoint_of(line, "address", "port"),
        .backlog = (uint32_t)number_of(line, "backlog", 4096),
        .reuse_address = true,
    };
    const struct behaviour behaviour = behaviour_of(line);
    hawser_tcp tcp;
    int error = hawser_listen(driver->host, hawser_clock_now(), &options, &tcp);
    if (error != 0)
        return answer(error);
    return json_pack("{s:i}", "id", flow_create(driver, tcp, true, &behaviour)->id);
}

/* All that wait, and from now on at once. */
static json_t *do_accept(struct driver *driver, json_t *line)
{
    struct flow *flow = flow_of(driver, line);
    flow->behaviour.hold = false;
    flow_accept_all(driver, flow);
    return answer(0);
}

static json_t *do_connect(struct driver *driver, json_t *line)
{
    const struct hawser_open_options options = {
        .local.port = (uint16_t)number_of(line, "local_port", 0),
        .remote = endpoint_of(line, "address", "port"),
        .reuse_address = true,
    };
    const struct behaviour behaviour = behaviour_of(line);
    hawser_tcp tcp;
    int error = hawser_open(driver->host, hawser_clock_now(), &options, &tcp);
    if (error != 0)
        return answer(error);
    struct flow *flow = flow_create(driver, tcp, false, &behaviour);
    flow_work(driver, flow);
    return json_pack("{s:i}", "id", flow->id);
}

/* ---- data ------------------------------------------------------------------------------------ */

static json_t *do_send(struct driver *driver, json_t *line)
{
    const char *text = text_of(line, "text", "");
    unsigned flags = (flag_of(line, "urgent") ? HAWSER_SEND_URGENT : 0) |
                     (flag_of(line, "more") ? HAWSER_SEND_MORE : 0);
    return answer(flow_send(driver, flow_of(driver, line), text, strlen(text), flags));
}

/* Shows the bytes as text: the tests send ASCII where they want to see it. */
static json_t *do_read(struct driver *driver, json_t *line)
{
    uint64_t want = number_of(line, "n", TEXT_MAX);
    uint8_t *data = malloc(READ_MAX);
    if (data == NULL || want > READ_MAX)
        die("a read of %llu", (unsigned long long)want);
    int64_t got = flow_receive(driver, flow_of(driver, line), data, (size_t)want);
    json_t *out = answer(got);
    if (got >= 0 && got <= TEXT_MAX)
        json_object_set_new(out, "text", json_stringn((const char *)data, (size_t)got));
    free(data);
    return out;
}

/* Changes what a flow does by itself. */
static json_t *do_behave(struct driver *driver, json_t *line)
{
    struct flow *flow = flow_of(driver, line);
    struct behaviour behaviour = behaviour_of(line);
    behaviour.source += flow->made;
    flow->behaviour = behaviour;
    flow->told_source = flow->stepped_after = flow->stepped_end = false;
    flow_work(driver, flow);
    return answer(0);
}

static json_t *do_digests(struct driver *driver, json_t *line)
{
    const struct flow *flow = flow_of(driver, line);
    char in[HEX_MAX], out[HEX_MAX];
    flow_digest(&flow->in, in);
    flow_digest(&flow->out, out);
    return json_pack("{s:s, s:s, s:I, s:I}", "in", in, "out", out, "bytes_in",
                     (json_int_t)flow->bytes_in, "bytes_out", (json_int_t)flow->bytes_out);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static json_t *do_shutdown(struct driver *driver, json_t *line)
{
    return answer(flow_step(driver, flow_of(driver, line), STEP_SHUTDOWN));
}

static json_t *do_close(struct driver *driver, json_t *line)
{
    return answer(flow_step(driver, flow_of(driver, line), STEP_CLOSE));
}

static json_t *do_abort(struct driver *driver, json_t *line)
{
    return answer(flow_step(driver, flow_of(driver, line), STEP_ABORT));
}

/* ---- settings and facts ---------------------------------------------------------------------- */

static json_t *do_option(struct driver *driver, json_t *line)
{
    static const struct {
        const char *name;
        enum hawser_option option;
    } options[] = {
        {"nodelay", HAWSER_OPTION_NODELAY},
        {"keepalive", HAWSER_OPTION_KEEPALIVE},
        {"keepalive_idle_ns", HAWSER_OPTION_KEEPALIVE_IDLE_NS},
        {"keepalive_interval_ns", HAWSER_OPTION_KEEPALIVE_INTERVAL_NS},
        {"keepalive_probes", HAWSER_OPTION_KEEPALIVE_PROBES},
        {"user_timeout_ns", HAWSER_OPTION_USER_TIMEOUT_NS},
        {"receive_buffer_bytes", HAWSER_OPTION_RECEIVE_BUFFER_BYTES},
        {"send_buffer_bytes", HAWSER_OPTION_SEND_BUFFER_BYTES},
        {"max_segment_bytes", HAWSER_OPTION_MAX_SEGMENT_BYTES},
        {"linger_reset", HAWSER_OPTION_LINGER_RESET},
    };
    const char *name = text_of(line, "name", "");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(options[i].name, name) == 0)
            return answer(hawser_set_option(driver->host, flow_of(driver, line)->tcp,
                                            options[i].option, number_of(line, "value", 0)));
    }
    die("no option %s", name);
}

static json_t *info_json(const struct hawser_tcp_info *info)
{
    char local[HAWSER_ADDRESS_TEXT_MAX], remote[HAWSER_ADDRESS_TEXT_MAX];
    hawser_address_print(&info->local.address, local);
    hawser_address_print(&info->remote.address, remote);
    json_t *out =
        json_pack("{s:s, s:s, s:i, s:s, s:i, s:b, s:b, s:b}", "state",
                  hawser_state_name(info->state), "local", local, "local_port", info->local.port,
                  "remote", remote, "remote_port", info->remote.port, "timestamps",
                  info->has_timestamps, "sack", info->has_sack, "wscale", info->has_wscale);
#define NUMBER(name) json_object_set_new(out, #name, json_integer((json_int_t)info->name))
    NUMBER(receive_queue_bytes);
    NUMBER(send_queue_bytes);
    NUMBER(unsent_bytes);
    NUMBER(snd_wnd);
    NUMBER(rcv_wnd);
    NUMBER(urgent_bytes);
    NUMBER(snd_wscale);
    NUMBER(rcv_wscale);
    NUMBER(send_mss_bytes);
    NUMBER(advertised_mss_bytes);
    NUMBER(path_mtu_bytes);
    NUMBER(cwnd_bytes);
    NUMBER(srtt_ns);
    NUMBER(rto_ns);
    NUMBER(bytes_retransmitted);
    NUMBER(retransmissions);
    NUMBER(segments_received);
    NUMBER(out_of_order);
#undef NUMBER
    json_object_set_new(out, "urgent", json_boolean(info->urgent));
    return out;
}

static json_t *do_status(struct driver *driver, json_t *line)
{
    struct hawser_tcp_info info;
    int error = hawser_status(driver->host, hawser_clock_now(), flow_of(driver, line)->tcp, &info);
    return error != 0 ? answer(error) : info_json(&info);
}

/* Everything the host has: "all" is a list of [state, local port, remote port]. */
static json_t *do_walk(struct driver *driver, json_t *line)
{
    (void)line;
    struct hawser_tcp_info info;
    uint64_t cursor = 0;
    json_t *all = json_array();
    while (hawser_walk(driver->host, hawser_clock_now(), &cursor, &info))
        json_array_append_new(all, json_pack("[s, i, i]", hawser_state_name(info.state),
                                             info.local.port, info.remote.port));
    return json_pack("{s:o}", "all", all);
}

static json_t *do_counters(struct driver *driver, json_t *line)
{
    (void)line;
    const struct hawser_counters *counters = hawser_counters_of(driver->host);
    json_t *out = json_object(), *drops = json_object();
#define COUNTER(name, text)                                                                        \
    json_object_set_new(out, #name, json_integer((json_int_t)counters->name));
    HAWSER_COUNTER_MAP(COUNTER)
#undef COUNTER
    for (unsigned i = 0; i < HAWSER_DROP_COUNT; i++) {
        if (counters->dropped[i] != 0)
            json_object_set_new(drops, hawser_drop_text((enum hawser_drop)i),
                                json_integer((json_int_t)counters->dropped[i]));
    }
    json_object_set_new(out, "drops", drops);
    return out;
}

/* ---- the device ------------------------------------------------------------------------------ */

static json_t *do_pause(struct driver *driver, json_t *line)
{
    (void)line;
    driver->paused = true;
    return answer(0);
}

static json_t *do_resume(struct driver *driver, json_t *line)
{
    (void)line;
    driver->paused = false;
    return answer(0);
}

/* Loses what waits in the device. */
static json_t *do_discard(struct driver *driver, json_t *line)
{
    (void)line;
    struct hawser_frame frames[HAWSER_TUN_BATCH];
    int n, total = 0;
    while ((n = hawser_tun_read(driver->tun, hawser_clock_now(), frames, HAWSER_TUN_BATCH)) > 0)
        total += n;
    return answer(total);
}

static json_t *do_flush(struct driver *driver, json_t *line)
{
    (void)line;
    return answer(driver->capture == NULL ? 0 : hawser_pcap_flush(driver->capture));
}

static json_t *do_iperf3(struct driver *driver, json_t *line)
{
    return answer(iperf3_start(driver, (uint16_t)number_of(line, "port", 5201)));
}

/* ---- lines ----------------------------------------------------------------------------------- */

void command(struct driver *driver, const char *line, size_t length)
{
    static const struct {
        const char *name;
        json_t *(*obey)(struct driver *driver, json_t *line);
    } commands[] = {
        {"listen", do_listen},   {"connect", do_connect},   {"accept", do_accept},
        {"send", do_send},       {"read", do_read},         {"behave", do_behave},
        {"digests", do_digests}, {"shutdown", do_shutdown}, {"close", do_close},
        {"abort", do_abort},     {"option", do_option},     {"status", do_status},
        {"walk", do_walk},       {"counters", do_counters}, {"pause", do_pause},
        {"resume", do_resume},   {"discard", do_discard},   {"flush", do_flush},
        {"iperf3", do_iperf3},
    };
    json_error_t why;
    json_t *object = json_loadb(line, length, 0, &why);
    if (object == NULL)
        die("%s: %.*s", why.text, (int)length, line);
    const char *name = text_of(object, "do", "");
    size_t i = 0;
    while (i < sizeof commands / sizeof *commands && strcmp(commands[i].name, name) != 0)
        i++;
    if (i == sizeof commands / sizeof *commands)
        die("no command %s", name);
    json_t *out = commands[i].obey(driver, object);
    json_object_set_new(out, "re", json_string(name));
    emit(out);
    json_decref(object);
}
