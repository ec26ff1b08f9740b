/* SPDX-License-Identifier: MIT */
/* One host that talks to itself over a LOOPBACK link, and to nobody over a second one, in virtual
 * time; its sockets, and calls that wait as a program's would. */
#ifndef HAWSER_TEST_ISLAND_H
#define HAWSER_TEST_ISLAND_H

#include <errno.h>
#include <netinet/in.h>

#include "sock/sock.h"
#include "support/test_memory.h"
#include "support/unit.h"

#define ISLAND_S UINT64_C(1000000000)
#define ISLAND_MS UINT64_C(1000000)

struct island {
    struct test_memory memory;
    struct hawser_config config;
    struct hawser_host *host;
    struct sock_net *net;
    uint64_t now_ns;
};

void island_start(struct island *island, void (*tune)(struct hawser_config *config));

/* Fails when memory was not given back. */
void island_end(struct island *island);

/* Everything that happens without time going by. */
void island_settle(struct island *island);

/* Lets time go by. */
void island_pass(struct island *island, uint64_t ns);

/* A call until it is done: lets time go by as long as it waits, for at most a day. */
int64_t island_do(struct island *island, struct sock_op *op);

/* 127.0.0.1 or ::1, and a port. */
struct sockaddr_storage island_address(int domain, uint16_t port);
socklen_t island_length(int domain);

struct sock *island_socket(struct island *island, int domain, int type_flags);

/* bind and listen on any address; the port. */
uint16_t island_listen(struct island *island, struct sock *sock, int domain, uint16_t port);

int64_t island_connect(struct island *island, struct sock *sock, int domain, uint16_t port);
struct sock *island_accept(struct island *island, struct sock *listener);
int64_t island_send(struct island *island, struct sock *sock, const void *data, size_t n, int flags);
int64_t island_receive(struct island *island, struct sock *sock, void *out, size_t n, int flags);
void island_close(struct island *island, struct sock *sock);

/* A connection: [0] opened it, [1] was accepted. The listener is closed. */
void island_pair(struct island *island, int domain, int type_flags, struct sock *pair[2]);

int island_get(struct sock *sock, int level, int name);

#endif
