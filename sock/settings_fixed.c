/* SPDX-License-Identifier: MIT */
/* Settings of Linux whose feature is not there, or always is. */
#include "sock/settings.h"

#include <errno.h>
#include <string.h>

struct fixed {
    const char *name;
    const char *value; /* the one that describes Hawser */
    bool any;          /* no other value would make a difference */
    const char *why;
};

#define NO_ECN "there is no explicit congestion notification"
#define NO_FASTOPEN "there is no TCP Fast Open"
#define NO_PROBING "packet sizes are not probed (RFC 4821)"
#define NO_SEGMENTATION "every segment is sent by itself"
#define NO_PACING "segments are not paced"
#define NO_METRICS "nothing is remembered of connections that are over"
#define NO_COMPRESSION "acknowledgements of gaps are not put off"
#define NO_REHASH "paths are not chosen by hashes"

static const struct fixed fixed[] = {
    {"net.core.somaxconn", "4096", false, "the most that listen takes is 4096"},
    {"net.ipv4.icmp_echo_ignore_all", "0", false, "echo requests are answered"},
    {"net.ipv4.icmp_ratelimit", "0", false, "only icmp_msgs_per_sec limits ICMP"},
    {"net.ipv4.ip_autobind_reuse", "0", false, "a port that is bound is not given twice"},
    {"net.ipv4.ip_forward", "0", false, "Hawser is a host, not a router"},
    {"net.ipv4.ip_nonlocal_bind", "0", false, "only own addresses can be bound"},
    {"net.ipv4.ip_unprivileged_port_start", "0", false, "there are no privileges"},
    {"net.ipv4.tcp_abort_on_overflow", "0", false, "a full accept queue drops, it does not reset"},
    {"net.ipv4.tcp_adv_win_scale", "1", false, "half of a receive buffer is window"},
    {"net.ipv4.tcp_allowed_congestion_control", "reno", false, "NewReno is what there is"},
    {"net.ipv4.tcp_app_win", "31", false, "nothing of the window is kept back"},
    {"net.ipv4.tcp_autocorking", "0", false, "writes are joined by Nagle's algorithm only"},
    {"net.ipv4.tcp_available_congestion_control", "reno", false, "NewReno is what there is"},
    {"net.ipv4.tcp_backlog_ack_defer", "1", true, "there is no backlog of segments"},
    {"net.ipv4.tcp_base_mss", "1024", true, NO_PROBING},
    {"net.ipv4.tcp_comp_sack_delay_ns", "0", true, NO_COMPRESSION},
    {"net.ipv4.tcp_comp_sack_nr", "0", false, NO_COMPRESSION},
    {"net.ipv4.tcp_comp_sack_slack_ns", "0", true, NO_COMPRESSION},
    {"net.ipv4.tcp_congestion_control", "reno", false, "NewReno is what there is"},
    {"net.ipv4.tcp_dsack", "0", false, "duplicates are not reported (RFC 2883)"},
    {"net.ipv4.tcp_early_demux", "1", true, "there is nothing between IP and TCP"},
    {"net.ipv4.tcp_early_retrans", "0", false, "there is no tail loss probe (RFC 8985)"},
    {"net.ipv4.tcp_ecn", "0", false, NO_ECN},
    {"net.ipv4.tcp_ecn_fallback", "1", true, NO_ECN},
    {"net.ipv4.tcp_fack", "0", false, "forward acknowledgement is not used"},
    {"net.ipv4.tcp_fastopen", "0", false, NO_FASTOPEN},
    {"net.ipv4.tcp_fastopen_blackhole_timeout_sec", "0", true, NO_FASTOPEN},
    {"net.ipv4.tcp_frto", "0", false, "spurious timeouts are not detected (RFC 5682)"},
    {"net.ipv4.tcp_fwmark_accept", "0", false, "packets bear no marks"},
    {"net.ipv4.tcp_l3mdev_accept", "0", false, "there is one routing table"},
    {"net.ipv4.tcp_limit_output_bytes", "4194304", true, "there is no queue below TCP"},
    {"net.ipv4.tcp_low_latency", "0", true, "there is one way to receive"},
    {"net.ipv4.tcp_max_reordering", "300", true, "the threshold of duplicates does not adapt"},
    {"net.ipv4.tcp_migrate_req", "0", false, "requests end with their listener"},
    {"net.ipv4.tcp_min_rtt_wlen", "300", true, "the least round-trip time is not measured"},
    {"net.ipv4.tcp_min_tso_segs", "2", true, NO_SEGMENTATION},
    {"net.ipv4.tcp_moderate_rcvbuf", "1", false, "receive buffers grow with use"},
    {"net.ipv4.tcp_mtu_probe_floor", "48", true, NO_PROBING},
    {"net.ipv4.tcp_mtu_probing", "0", false, NO_PROBING},
    {"net.ipv4.tcp_no_metrics_save", "1", true, NO_METRICS},
    {"net.ipv4.tcp_no_ssthresh_metrics_save", "1", true, NO_METRICS},
    {"net.ipv4.tcp_notsent_lowat", "4294967295", false, "a socket can have it, the host cannot"},
    {"net.ipv4.tcp_pacing_ca_ratio", "120", true, NO_PACING},
    {"net.ipv4.tcp_pacing_ss_ratio", "200", true, NO_PACING},
    {"net.ipv4.tcp_plb_enabled", "0", false, NO_REHASH},
    {"net.ipv4.tcp_probe_interval", "600", true, NO_PROBING},
    {"net.ipv4.tcp_probe_threshold", "8", true, NO_PROBING},
    {"net.ipv4.tcp_recovery", "0", false, "losses are found by RFC 6675, not by time (RFC 8985)"},
    {"net.ipv4.tcp_reflect_tos", "0", false, "the traffic class of a SYN is not copied"},
    {"net.ipv4.tcp_reordering", "3", false, "three duplicates mean a loss (RFC 5681)"},
    {"net.ipv4.tcp_retrans_collapse", "1", true, "what is sent again is cut anew anyway"},
    {"net.ipv4.tcp_shrink_window", "0", false, "a window that was offered stays (RFC9293 SHLD-14)"},
    {"net.ipv4.tcp_slow_start_after_idle", "1", false, "RFC 5681 4.1: the restart window"},
    {"net.ipv4.tcp_stdurg", "0", false, "the urgent pointer is RFC 6093's"},
    {"net.ipv4.tcp_syn_linear_timeouts", "0", false, "SYNs back off from the first on (RFC 6298)"},
    {"net.ipv4.tcp_thin_linear_timeouts", "0", false, "every timeout doubles (RFC 6298)"},
    {"net.ipv4.tcp_tso_rtt_log", "9", true, NO_SEGMENTATION},
    {"net.ipv4.tcp_tso_win_divisor", "3", true, NO_SEGMENTATION},
    {"net.ipv4.tcp_workaround_signed_windows", "0", false, "windows are unsigned"},
    {"net.ipv6.bindv6only", "0", false, "IPV6_V6ONLY is off until a socket sets it"},
};

#define FIXED_COUNT (sizeof fixed / sizeof fixed[0])

static const struct fixed *find(const char *name)
{
    for (size_t i = 0; i < FIXED_COUNT; i++) {
        if (strcmp(fixed[i].name, name) == 0)
            return &fixed[i];
    }
    return NULL;
}

/* Equal but for blanks around. */
static bool same_text(const char *given, const char *own)
{
    size_t blanks = strspn(given, " \t\n");
    size_t length = strlen(own);
    return strncmp(given + blanks, own, length) == 0 &&
           strspn(given + blanks + length, " \t\n") == strlen(given + blanks + length);
}

int settings_fixed_set(const char *name, const char *value, const char **why)
{
    const struct fixed *setting = find(name);
    if (setting == NULL)
        return -ENOENT;
    *why = setting->why;
    return setting->any || same_text(value, setting->value) ? 0 : -EOPNOTSUPP;
}

const char *settings_fixed_get(const char *name)
{
    const struct fixed *setting = find(name);
    return setting != NULL ? setting->value : NULL;
}

const char *settings_fixed_name(unsigned i)
{
    return i < FIXED_COUNT ? fixed[i].name : NULL;
}
