/* SPDX-License-Identifier: MIT */
/* The same calls on sockets of the kernel, in a network namespace, and on sockets of sock/, on a host that talks to itself. What each of them said is
 * recorded as numbers and compared.
 *
 * All sockets are non-blocking. Socket 0 is the one that is examined, 1 its peer, 2 the listener, 3 and above as a case needs them. */
#ifndef SOCKETS_TWINS_H
#define SOCKETS_TWINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SIDE_SOCKETS 8u
#define SAID_MAX 512u

struct sock;

struct side {
    bool is_kernel;
    int fd[SIDE_SOCKETS];            /* -1 = none */
    struct sock *sock[SIDE_SOCKETS]; /* NULL = none */
    uint16_t port[SIDE_SOCKETS];     /* local one, when it was last looked at */
    int domain;                      /* of the case … */
    bool mapped;                     /* … AF_INET6, but IPv4 below */
    int64_t said[SAID_MAX];
    unsigned said_count;
};

void sides_start(struct side *kernel, struct side *own);
void sides_end(struct side *own);

/* What follows from what was done. */
void side_settle(struct side *s);

/* Closes all sockets, resetting their connections, so that no record remains. */
void side_clear(struct side *s);

/* Records a number. */
void say(struct side *s, int64_t number);

/* ---- calls: results as of the system calls, errors as -errno ---- */

int side_socket(struct side *s, unsigned i, int domain);
int side_bind(struct side *s, unsigned i, const struct sockaddr *address, socklen_t length);
int side_connect(struct side *s, unsigned i, const struct sockaddr *address, socklen_t length);
int side_listen(struct side *s, unsigned i, int backlog);
int side_accept(struct side *s, unsigned i, unsigned as, int flags);
int64_t side_send(struct side *s, unsigned i, const void *data, size_t n, int flags);
int64_t side_receive(struct side *s, unsigned i, void *out, size_t n, int flags, int *flags_out);
int side_shutdown(struct side *s, unsigned i, int how);
int side_poll(struct side *s, unsigned i);
int side_set(struct side *s, unsigned i, int level, int name, const void *value, socklen_t length);
int side_get(struct side *s, unsigned i, int level, int name, void *value, socklen_t *length);
int side_ioctl(struct side *s, unsigned i, unsigned long request, int *argument);
int side_name(struct side *s, unsigned i, bool peer, struct sockaddr *address, socklen_t *length);
void side_close(struct side *s, unsigned i);

/* ---- shorthands ---- */

struct end {
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } address;
    socklen_t length;
};

/* "127.0.0.1", "::1", "::ffff:127.0.0.1" … of the domain that the text shows. */
struct end end_of(const char *address, uint16_t port);
const char *loopback_of(const struct side *s);

void side_set_int(struct side *s, unsigned i, int level, int name, int value);
int side_get_int(struct side *s, unsigned i, int level, int name);
uint16_t side_port(struct side *s, unsigned i);

/* ---- the parts: each returns how many cells differed, and adds to *cells ---- */

unsigned calls_in_states(struct side *kernel, struct side *own, unsigned *cells);
unsigned options_and_values(struct side *kernel, struct side *own, unsigned *cells);
extern unsigned walks_count;
unsigned random_walks(struct side *kernel, struct side *own, unsigned *cells);
unsigned single_cases(struct side *kernel, struct side *own, unsigned *cells);
unsigned pairs_of_binds(struct side *kernel, struct side *own, unsigned *cells);

/* Whether both say the same when they do this; prints what differs. The kernel's loopback works by
 * itself: where it seems to differ, all is done once more with more time. */
bool sides_compare(struct side *kernel, struct side *own, void (*act)(struct side *s, void *context), void *context, const char *what);

#endif
