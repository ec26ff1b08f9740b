/* SPDX-License-Identifier: MIT */
/* sock/ against the kernel: the same calls, the same answers. With an argument only the part of
 * that name; a second one is the number of random walks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/netns.h>
#include <hawser/port/tun.h>

#include "twins.h"

/* A device that nobody reads from, and an MTU that Hawser's loopback link has too. */
static void make_network(struct hawser_tun **hole)
{
    struct hawser_port_error error;
    if (hawser_netns_enter(&error) != 0) {
        printf("SKIP: %s\n", error.text);
        exit(77);
    }
    const struct hawser_tun_config config = {
        .kind = HAWSER_LINK_IP, .name = "hole0", .mtu = 1500, .up = true};
    if (hawser_tun_open(&config, hole, &error) != 0) {
        printf("SKIP: %s\n", error.text);
        exit(77);
    }
    static const char *const commands[] = {
        "ip link set lo mtu 1500",
        "ip address add 198.18.0.1/24 dev hole0",
        "ip address add 2001:db8::1/64 dev hole0 nodad",
        "echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save",
        "echo reno >/proc/sys/net/ipv4/tcp_congestion_control",
        "echo 7 >/proc/sys/net/ipv4/tcp_syn_retries",
        "echo '4096 131072 6291456' >/proc/sys/net/ipv4/tcp_rmem",
    };
    for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (system(commands[i]) != 0) {
            printf("SKIP: %s does not work here\n", commands[i]);
            exit(77);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        unsigned (*run)(struct side *kernel, struct side *own, unsigned *cells);
    } parts[] = {
        {"states", calls_in_states}, {"walks", random_walks}, {"options", options_and_values},
        {"binds", pairs_of_binds},   {"cases", single_cases},
    };
    struct hawser_tun *hole;
    struct side kernel, own;
    unsigned differ = 0, cells = 0;
    if (argc > 2)
        walks_count = (unsigned)strtoul(argv[2], NULL, 10);
    make_network(&hole);
    sides_start(&kernel, &own);
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (argc > 1 && strcmp(argv[1], parts[i].name) != 0)
            continue;
        unsigned before = cells;
        differ += parts[i].run(&kernel, &own, &cells);
        side_clear(&kernel);
        side_clear(&own);
        printf("%s: %u cells\n", parts[i].name, cells - before);
    }
    sides_end(&own);
    hawser_tun_close(hole);
    printf("%u cells, %u differ\n", cells, differ);
    return differ == 0 ? 0 : 1;
}
