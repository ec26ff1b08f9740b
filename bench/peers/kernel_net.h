/* SPDX-License-Identifier: MIT */
/* Where the kernel's two ends live. */
#ifndef BENCH_PEERS_KERNEL_NET_H
#define BENCH_PEERS_KERNEL_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct kernel_net {
    bool own;          /* namespaces of our own; else the machine's loopback */
    int client_ns;     /* -1: both ends live in one */
    struct in_addr to; /* the server's address */
};

/* As root, one network namespace (loopback) or two joined by a veth pair whose offloads are off (veth).
 * They have no names and end with the process. TIME-WAIT is neither reused nor cut off in them. Else
 * the machine's own loopback. The caller is in the server's namespace after that. */
void kernel_net_create(bool veth, struct kernel_net *out);

/* Sockets made from now on are the client's. */
void kernel_net_be_client(const struct kernel_net *net);

/* TIME-WAIT records of the namespace that the caller is in. */
uint64_t kernel_time_waits(void);

/* Lets the process have so many descriptors, or says that it cannot. */
void kernel_descriptors(uint32_t wanted);

/* What an empty system call takes. */
double kernel_call_ns(void);

#endif
