/* SPDX-License-Identifier: MIT */
/* The machine under test: one Hawser host on one link in virtual time, with BSD sockets, descriptors, epoll and pipes above it. */
#ifndef PKT_MACHINE_H
#define PKT_MACHINE_H

#include <hawser/hawser.h>

#include "pkt/stack.h"

struct pkt_machine;

struct pkt_machine_config {
    struct hawser_address local; /* the host's address, */
    unsigned prefix_bits;        /* its prefix; the peer and everybody else are behind a default route */
    uint32_t mtu;                /* of the link, bytes */
    int64_t start_ns;            /* what the clock shows in the beginning; at least 0 */
    bool files;                  /* open may make and write files of the real machine */
};

/* What a host of a machine is by default, pools small: settings (sock_setting_set) are applied to this before the machine is made.
 * Memory is set by pkt_machine_create. */
void pkt_machine_host_defaults(struct hawser_config *host);

/* 0 and *out; -EINVAL: addresses, MTU or settings that contradict each other; -ENOMEM. */
int pkt_machine_create(const struct pkt_machine_config *config, const struct hawser_config *host, struct pkt_machine **out);
void pkt_machine_destroy(struct pkt_machine *machine);

/* As struct pkt_stack describes them (pkt/stack.h). Times are ns on the machine's clock. */
int64_t pkt_machine_now(const struct pkt_machine *machine);
void pkt_machine_advance(struct pkt_machine *machine, int64_t to_ns);
void pkt_machine_await(struct pkt_machine *machine, const struct pkt_syscall *call, int64_t until_ns);
int pkt_machine_inject(struct pkt_machine *machine, const uint8_t *data, size_t length);
bool pkt_machine_receive(struct pkt_machine *machine, int64_t until_ns, struct pkt_datagram *out);
void pkt_machine_start(struct pkt_machine *machine, struct pkt_syscall *call);

/* Forgets a call that is under way; it ends with -EINTR. */
void pkt_machine_cancel(struct pkt_machine *machine, struct pkt_syscall *call);

/* When something happens by itself next: a timer, or the timeout of a call under way. INT64_MAX = never. */
int64_t pkt_machine_deadline(struct pkt_machine *machine);

/* A setting of the running host. -ENOENT, -EINVAL, -EOPNOTSUPP as sock_setting_set; -EBUSY: it cannot change any more while the host lives. */
int pkt_machine_set(struct pkt_machine *machine, const char *name, const char *value, const char **why);

/* All settings back to what the host was made with. 0 or -EBUSY. */
int pkt_machine_reset(struct pkt_machine *machine);

const char *pkt_machine_unsupported(struct pkt_machine *machine);

/* The machine as the interpreter's stack; destroying that one destroys the machine. */
struct pkt_stack pkt_machine_stack(struct pkt_machine *machine);

#endif
