/* SPDX-License-Identifier: MIT */
/* What the machine's descriptors refer to; private to pkt/machine*.c. */
#ifndef PKT_MACHINE_FILE_H
#define PKT_MACHINE_FILE_H

#include "pkt/machine.h"

#define MACHINE_FDS_MAX 1024u
#define MACHINE_PIPE_BYTES 65536u /* as a pipe of Linux holds */

enum machine_file_kind { MACHINE_SOCK, MACHINE_EPOLL, MACHINE_PIPE_READ, MACHINE_PIPE_WRITE, MACHINE_HOST_FILE };

struct machine_pipe {
    uint8_t *bytes; /* MACHINE_PIPE_BYTES */
    size_t first, count;
    unsigned readers, writers;
    uint64_t edges;
};

struct machine_watch {
    int fd;
    struct machine_file *file;
    struct epoll_event event;
    uint64_t edges_told; /* of the file, when it was last told; UINT64_MAX = never */
    bool disabled;       /* EPOLLONESHOT has fired */
};

struct machine_file {
    enum machine_file_kind kind;
    unsigned refs; /* descriptors and calls under way */
    int status_flags;
    struct sock *sock;
    struct machine_pipe *pipe;
    int host_fd;
    struct machine_watch *watches;
    size_t watch_count, watch_room;
};

struct machine_datagram {
    struct machine_datagram *next;
    int64_t time_ns;
    size_t length;
    uint8_t data[];
};

struct pkt_machine {
    struct hawser_host *host;
    struct sock_net *net;
    struct hawser_config config, first_config;
    uint32_t link;
    int64_t now_ns;
    bool files;
    char why[160]; /* of the last refusal of the machine's own */
    bool refused;
    struct machine_file *fds[MACHINE_FDS_MAX];
    struct pkt_syscall *calls; /* under way, oldest first */
    struct machine_datagram *first, *last, *taken;
    uint8_t *buffer; /* one datagram */
    uint32_t buffer_bytes;
};

/* The file behind a descriptor; NULL = -EBADF. */
struct machine_file *machine_file_of(const struct pkt_machine *machine, int fd);

/* A new descriptor for a new file with one reference; -ENFILE, -ENOMEM. *out (may be NULL) is the file. */
int machine_file_open(struct pkt_machine *machine, enum machine_file_kind kind, struct machine_file **out);

/* Another descriptor for it, not below least. */
int machine_file_install(struct pkt_machine *machine, struct machine_file *file, int least);

/* One reference less; the last one closes. */
void machine_file_release(struct pkt_machine *machine, struct machine_file *file);

short machine_file_ready(const struct machine_file *file);
uint64_t machine_file_edges(const struct machine_file *file);

/* Ends a call. */
bool machine_done(struct pkt_syscall *call, int64_t result);

/* Something that a script can ask for but this machine has not. Returns -EOPNOTSUPP. */
int machine_refuse(struct pkt_machine *machine, const char *what);

/* Each tries a call: true = it has ended; false = it waits. */
bool machine_try_socket(struct pkt_machine *machine, struct pkt_syscall *call);
bool machine_try_transfer(struct pkt_machine *machine, struct pkt_syscall *call);
bool machine_try_wait(struct pkt_machine *machine, struct pkt_syscall *call);
bool machine_try_move(struct pkt_machine *machine, struct pkt_syscall *call);
bool machine_try_file(struct pkt_machine *machine, struct pkt_syscall *call);

/* Receives or sends on a socket without waiting; -EAGAIN. */
int64_t machine_sock_now(struct pkt_machine *machine, struct machine_file *file, bool sends, void *data, size_t size);

/* Forgets the watches of a file that is going. */
void machine_unwatch(struct pkt_machine *machine, const struct machine_file *file);

#endif
