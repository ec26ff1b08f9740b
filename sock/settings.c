/* SPDX-License-Identifier: MIT */
/* Host settings under the names of Linux's sysctls: those that a field of hawser_config answers to,
 * and those whose feature is not there (settings_fixed.c). */
#include "sock/settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define NUMBERS_MAX 3u
#define NAME_MAX_BYTES 64u

enum kind {
    KIND_FLAG,     /* bool: 0 or 1 */
    KIND_NOT_FLAG, /* bool, the other way round */
    KIND_U8,
    KIND_U32,
    KIND_NS,      /* uint64_t, in a unit */
    KIND_SPECIAL, /* several numbers, or not one field: see `put` and `tell` */
};

struct setting {
    const char *name;
    enum kind kind;
    size_t field;
    uint64_t unit;
    uint64_t least, most; /* what is taken; beyond: -EINVAL */
    unsigned numbers;     /* of SPECIAL */
    int (*put)(struct hawser_config *config, const uint64_t *numbers, const char **why);
    void (*tell)(const struct hawser_config *config, uint64_t *numbers);
};

/* ---- those that are no plain field ---- */

static int put_ports(struct hawser_config *config, const uint64_t *n, const char **why)
{
    (void)why;
    if (n[0] < 1 || n[0] > n[1] || n[1] > 65535)
        return -EINVAL;
    config->port_first = (uint16_t)n[0];
    config->port_last = (uint16_t)n[1];
    return 0;
}

static void tell_ports(const struct hawser_config *config, uint64_t *n)
{
    n[0] = config->port_first;
    n[1] = config->port_last;
}

#define BUFFER_MIN 4096u /* what tcp_rmem and tcp_wmem tell first; Hawser has no such limit */
#define WINDOW_MIN 2048u

/* Of the space that Linux starts with half is window; its largest space decides about the window
 * scale. */
static int put_rmem(struct hawser_config *config, const uint64_t *n, const char **why)
{
    if (n[0] < 1 || n[0] > n[1] || n[1] > n[2] || n[2] > UINT32_MAX / 2)
        return -EINVAL;
    uint32_t initial = n[1] / 2 < WINDOW_MIN ? WINDOW_MIN : (uint32_t)(n[1] / 2);
    uint32_t most = n[2] < WINDOW_MIN ? WINDOW_MIN : (uint32_t)n[2];
    *why = "the first number counts for nothing";
    config->receive_window_initial_bytes = initial < most ? initial : most;
    config->receive_buffer_bytes = most;
    return 0;
}

static void tell_rmem(const struct hawser_config *config, uint64_t *n)
{
    n[0] = BUFFER_MIN;
    n[1] = 2 * (uint64_t)config->receive_window_initial_bytes;
    n[2] = config->receive_buffer_bytes;
}

static int put_wmem(struct hawser_config *config, const uint64_t *n, const char **why)
{
    if (n[0] < 1 || n[0] > n[1] || n[1] > n[2] || n[2] > UINT32_MAX / 2)
        return -EINVAL;
    *why = "the first two numbers count for nothing: a queue may take its largest size at once";
    config->send_buffer_bytes = n[2] < WINDOW_MIN ? WINDOW_MIN : (uint32_t)n[2];
    return 0;
}

static void tell_wmem(const struct hawser_config *config, uint64_t *n)
{
    n[0] = BUFFER_MIN;
    n[1] = n[2] = config->send_buffer_bytes;
}

/* Linux: 0 stands for 8. */
static int put_orphan_retries(struct hawser_config *config, const uint64_t *n, const char **why)
{
    (void)why;
    if (n[0] > 127)
        return -EINVAL;
    config->orphan_retries = n[0] == 0 ? 8 : (uint8_t)n[0];
    return 0;
}

static void tell_orphan_retries(const struct hawser_config *config, uint64_t *n)
{
    n[0] = config->orphan_retries;
}

/* RFC 5961 7: Linux has one limit for all connections in a second, Hawser one for each. */
static int put_challenges(struct hawser_config *config, const uint64_t *n, const char **why)
{
    if (n[0] < 1 || n[0] > INT32_MAX)
        return -EINVAL;
    *why = "counts for each connection; 255 is the most";
    config->challenge_acks = n[0] > 255 ? 255 : (uint32_t)n[0];
    config->challenge_interval_ns = S;
    return 0;
}

static void tell_challenges(const struct hawser_config *config, uint64_t *n)
{
    n[0] = config->challenge_acks * S / config->challenge_interval_ns;
    if (n[0] == 0)
        n[0] = 1;
}

/* At most one answer in so many milliseconds; 0: as many as there are reasons. */
static int put_rate_limit(struct hawser_config *config, const uint64_t *n, const char **why)
{
    (void)why;
    if (n[0] > INT32_MAX)
        return -EINVAL;
    config->challenge_acks = n[0] == 0 ? 255 : 1;
    config->challenge_interval_ns = n[0] == 0 ? MS : n[0] * MS;
    return 0;
}

static void tell_rate_limit(const struct hawser_config *config, uint64_t *n)
{
    n[0] = config->challenge_interval_ns / MS / config->challenge_acks;
}

/* ---- the table ---- */

#define FIELD(member) offsetof(struct hawser_config, member)
#define FLAG(name, member)                                                                         \
    {                                                                                              \
        name, KIND_FLAG, FIELD(member), 1, 0, 1, 1, NULL, NULL                                     \
    }
#define U8(name, member, least, most)                                                              \
    {                                                                                              \
        name, KIND_U8, FIELD(member), 1, least, most, 1, NULL, NULL                                \
    }
#define U32(name, member, least, most)                                                             \
    {                                                                                              \
        name, KIND_U32, FIELD(member), 1, least, most, 1, NULL, NULL                               \
    }
#define NS(name, member, unit, least, most)                                                        \
    {                                                                                              \
        name, KIND_NS, FIELD(member), unit, least, most, 1, NULL, NULL                             \
    }
#define SPECIAL(name, numbers, what)                                                               \
    {                                                                                              \
        name, KIND_SPECIAL, 0, 1, 0, UINT64_MAX, numbers, put_##what, tell_##what                  \
    }

static const struct setting settings[] = {
    U32("net.ipv4.icmp_msgs_per_sec", icmp_rate_per_s, 0, INT32_MAX),
    U8("net.ipv4.ip_default_ttl", hop_limit, 1, 255),
    SPECIAL("net.ipv4.ip_local_port_range", 2, ports),
    {"net.ipv4.ip_no_pmtu_disc", KIND_NOT_FLAG, FIELD(path_mtu_discovery), 1, 0, 3, 1, NULL, NULL},
    U32("net.ipv4.ipfrag_high_thresh", fragments_bytes_max, 0, 1u << 30),
    NS("net.ipv4.ipfrag_time", fragment_timeout_ns, S, 1, 1000000),
    NS("net.ipv4.route.mtu_expires", path_mtu_age_ns, S, 300, 1000000000),
    SPECIAL("net.ipv4.tcp_challenge_ack_limit", 1, challenges),
    NS("net.ipv4.tcp_delayed_ack_ms", delayed_ack_ns, MS, 0, 499), /* ours */
    NS("net.ipv4.tcp_fin_timeout", fin_wait_2_ns, S, 1, 1000000),
    U32("net.ipv4.tcp_initial_window", initial_window_segments, 1, 10), /* ours */
    SPECIAL("net.ipv4.tcp_invalid_ratelimit", 1, rate_limit),
    NS("net.ipv4.tcp_keepalive_intvl", keepalive_interval_ns, S, 1, 1000000),
    U8("net.ipv4.tcp_keepalive_probes", keepalive_probes, 1, 127),
    NS("net.ipv4.tcp_keepalive_time", keepalive_idle_ns, S, 1, 1000000),
    U32("net.ipv4.tcp_max_syn_backlog", halfopen_max, 1, 1u << 24),
    U32("net.ipv4.tcp_max_tw_buckets", timewait_max, 1, 1u << 26),
    NS("net.ipv4.tcp_msl_ms", msl_ns, MS, 1, 500000000), /* ours */
    SPECIAL("net.ipv4.tcp_orphan_retries", 1, orphan_retries),
    U8("net.ipv4.tcp_quick_acks", quick_acks, 0, 255), /* ours */
    U8("net.ipv4.tcp_retries1", retries1, 1, 127),
    U8("net.ipv4.tcp_retries2", retries2, 1, 127),
    FLAG("net.ipv4.tcp_rfc1337", rfc1337),
    SPECIAL("net.ipv4.tcp_rmem", 3, rmem),
    NS("net.ipv4.tcp_rto_initial_ms", rto_initial_ns, MS, 1, 60000), /* ours */
    NS("net.ipv4.tcp_rto_max_ms", rto_max_ns, MS, 60000, 4200000),
    NS("net.ipv4.tcp_rto_min_us", rto_min_ns, US, 1000, 60000000),
    FLAG("net.ipv4.tcp_sack", sack),
    U8("net.ipv4.tcp_syn_retries", syn_retries, 1, 127),
    U8("net.ipv4.tcp_synack_retries", synack_retries, 1, 127),
    {"net.ipv4.tcp_syncookies", KIND_FLAG, FIELD(syn_cookies), 1, 0, 2, 1, NULL, NULL},
    {"net.ipv4.tcp_timestamps", KIND_FLAG, FIELD(timestamps), 1, 0, 2, 1, NULL, NULL},
    U8("net.ipv4.tcp_tw_reuse", timewait_reuse, 0, 2),
    NS("net.ipv4.tcp_tw_reuse_delay", timewait_reuse_delay_ns, MS, 0, 60000),
    FLAG("net.ipv4.tcp_window_scaling", window_scaling),
    SPECIAL("net.ipv4.tcp_wmem", 3, wmem),
};

#define SETTINGS_COUNT (sizeof settings / sizeof settings[0])

/* ---- names and texts ---- */

/* With dots; NULL: longer than any. */
static const char *dotted(const char *name, char out[NAME_MAX_BYTES])
{
    size_t length = strlen(name);
    if (length >= NAME_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i <= length; i++)
        out[i] = name[i] == '/' ? '.' : name[i];
    return out;
}

static const struct setting *find(const char *name)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    }
    return NULL;
}

static const char *skip_blanks(const char *text)
{
    while (*text == ' ' || *text == '\t' || *text == '\n')
        text++;
    return text;
}

/* Exactly so many decimal numbers. */
static bool scan_numbers(const char *text, uint64_t *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        text = skip_blanks(text);
        if (*text < '0' || *text > '9')
            return false;
        out[i] = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            if (out[i] > (UINT64_MAX - 9) / 10)
                return false;
            out[i] = out[i] * 10 + (uint64_t)(*text - '0');
        }
    }
    return *skip_blanks(text) == '\0';
}

/* ---- setting ---- */

static int put_field(const struct setting *setting, struct hawser_config *config, uint64_t value,
                     const char **why)
{
    char *field = (char *)config + setting->field;
    uint32_t number = (uint32_t)value;
    bool flag = value != 0;
    if (value < setting->least || value > setting->most)
        return -EINVAL;
    switch (setting->kind) {
    case KIND_FLAG:
    case KIND_NOT_FLAG:
        if (value > 1) {
            *why = "of its values Hawser has 0 and 1";
            return -EOPNOTSUPP;
        }
        flag = setting->kind == KIND_FLAG ? flag : !flag;
        memcpy(field, &flag, sizeof flag);
        break;
    case KIND_U8:
        *(uint8_t *)field = (uint8_t)value;
        break;
    case KIND_U32:
        memcpy(field, &number, sizeof number);
        break;
    case KIND_NS:
        value *= setting->unit;
        memcpy(field, &value, sizeof value);
        break;
    case KIND_SPECIAL:
        break;
    }
    return 0;
}

int sock_setting_set(struct hawser_config *config, const char *name, const char *value,
                     const char **why)
{
    char own_name[NAME_MAX_BYTES];
    uint64_t numbers[NUMBERS_MAX];
    const char *unused;
    const char **reason = why != NULL ? why : &unused;
    *reason = "Hawser has no such setting";
    if (dotted(name, own_name) == NULL)
        return -ENOENT;
    const struct setting *setting = find(own_name);
    if (setting == NULL)
        return settings_fixed_set(own_name, value, reason);
    *reason = "out of its range";
    if (!scan_numbers(value, numbers, setting->numbers))
        return -EINVAL;
    int result = setting->put != NULL ? setting->put(config, numbers, reason)
                                      : put_field(setting, config, numbers[0], reason);
    if (result == 0 && setting->put == NULL)
        *reason = NULL;
    return result;
}

/* ---- telling ---- */

static uint64_t tell_field(const struct setting *setting, const struct hawser_config *config)
{
    const char *field = (const char *)config + setting->field;
    uint32_t number;
    uint64_t value;
    bool flag;
    switch (setting->kind) {
    case KIND_FLAG:
    case KIND_NOT_FLAG:
        memcpy(&flag, field, sizeof flag);
        return setting->kind == KIND_FLAG ? flag : !flag;
    case KIND_U8:
        return *(const uint8_t *)field;
    case KIND_U32:
        memcpy(&number, field, sizeof number);
        return number;
    case KIND_NS:
        memcpy(&value, field, sizeof value);
        return value / setting->unit;
    case KIND_SPECIAL:
        break;
    }
    return 0;
}

static int tell_text(const char *text, char *out, size_t room)
{
    size_t length = strlen(text);
    if (length >= room)
        return -ENOSPC;
    memcpy(out, text, length + 1);
    return (int)length;
}

int sock_setting_get(const struct hawser_config *config, const char *name, char *out, size_t room)
{
    char own_name[NAME_MAX_BYTES], text[80];
    uint64_t numbers[NUMBERS_MAX];
    size_t length = 0;
    if (dotted(name, own_name) == NULL)
        return -ENOENT;
    const struct setting *setting = find(own_name);
    if (setting == NULL) {
        const char *fixed = settings_fixed_get(own_name);
        return fixed != NULL ? tell_text(fixed, out, room) : -ENOENT;
    }
    if (setting->tell != NULL)
        setting->tell(config, numbers);
    else
        numbers[0] = tell_field(setting, config);
    for (unsigned i = 0; i < setting->numbers; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%llu", i > 0 ? "\t" : "",
                                   (unsigned long long)numbers[i]);
    return tell_text(text, out, room);
}

const char *sock_setting_name(unsigned i)
{
    return i < SETTINGS_COUNT ? settings[i].name
                              : settings_fixed_name(i - (unsigned)SETTINGS_COUNT);
}
