/* SPDX-License-Identifier: MIT */
/* The machine under test: its clock, its link and the calls under way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/memory.h>

#include "pkt/machine.h"
#include "pkt/machine_file.h"

#define FRAME_ROOM 64u
#define ROUNDS_MAX 100000u /* without time passing: beyond it the stack does not come to rest */

/* Every machine has the same entropy, so that a script gives the same bytes at each run. */
static void set_entropy(struct hawser_config *host)
{
    for (size_t i = 0; i < sizeof host->entropy; i++)
        host->entropy[i] = (uint8_t)(i * 7 + 1);
}

void pkt_machine_host_defaults(struct hawser_config *host)
{
    hawser_config_defaults(host);
    set_entropy(host);
    /* A host a script: tables are of the size of a script, so that making one is cheap. */
    host->chunk_bytes = 65536;
    host->memory_bytes = 256u << 20;
    host->buffer_bytes = 192u << 20;
    host->connections_max = 4096;
    host->halfopen_max = 4096;
    host->timewait_max = 4096;
    host->listeners_max = 64;
    host->neighbours_max = 4;
    host->routes_max = 8;
    host->addresses_max = 8;
    host->links_max = 1;
    host->paths_max = 64;
}

static int attach(struct pkt_machine *machine, const struct pkt_machine_config *config)
{
    const struct hawser_link_config link = {.kind = HAWSER_LINK_IP, .mtu = config->mtu};
    struct hawser_address any = {{0}};
    if (hawser_address_is_v4(&config->local))
        any.bytes[10] = any.bytes[11] = 0xff;
    if (hawser_link_add(machine->host, &link, &machine->link) != 0 ||
        hawser_address_add(machine->host, machine->link, &config->local, config->prefix_bits) !=
            0 ||
        hawser_route_add(machine->host, &any, 0, NULL, machine->link, 0) != 0)
        return -EINVAL;
    return sock_net_create(machine->host, (uint64_t)machine->now_ns, &machine->net);
}

int pkt_machine_create(const struct pkt_machine_config *config, const struct hawser_config *host,
                       struct pkt_machine **out)
{
    struct pkt_machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL)
        return -ENOMEM;
    machine->config = *host;
    machine->config.memory = hawser_memory_default(NULL);
    machine->first_config = machine->config;
    machine->now_ns = config->start_ns;
    machine->files = config->files;
    machine->buffer_bytes = config->mtu + FRAME_ROOM;
    machine->buffer = malloc(machine->buffer_bytes);
    int status = machine->buffer == NULL ? -ENOMEM : 0;
    if (status == 0) {
        int error =
            hawser_host_create(&machine->config, (uint64_t)config->start_ns, &machine->host);
        status =
            error == 0 ? attach(machine, config) : (error == HAWSER_ERR_CONFIG ? -EINVAL : -ENOMEM);
    }
    if (status != 0) {
        pkt_machine_destroy(machine);
        return status;
    }
    *out = machine;
    return 0;
}

void pkt_machine_destroy(struct pkt_machine *machine)
{
    if (machine == NULL)
        return;
    while (machine->calls != NULL)
        pkt_machine_cancel(machine, machine->calls);
    for (unsigned fd = 0; fd < MACHINE_FDS_MAX; fd++)
        if (machine->fds[fd] != NULL) {
            struct machine_file *file = machine->fds[fd];
            machine->fds[fd] = NULL;
            machine_file_release(machine, file);
        }
    while (machine->first != NULL) {
        struct machine_datagram *next = machine->first->next;
        free(machine->first);
        machine->first = next;
    }
    free(machine->taken);
    sock_net_destroy(machine->net);
    hawser_host_destroy(machine->host);
    free(machine->buffer);
    free(machine);
}

int64_t pkt_machine_now(const struct pkt_machine *machine)
{
    return machine->now_ns;
}

/* ---- what comes out ---------------------------------------------------------------------- */

static void keep_datagram(struct pkt_machine *machine, uint32_t length)
{
    struct machine_datagram *datagram = malloc(sizeof *datagram + length);
    if (datagram == NULL)
        abort(); /* a tool without memory for a packet has nothing to report any more */
    datagram->next = NULL;
    datagram->time_ns = machine->now_ns;
    datagram->length = length;
    memcpy(datagram->data, machine->buffer, length);
    if (machine->first == NULL)
        machine->first = datagram;
    else
        machine->last->next = datagram;
    machine->last = datagram;
}

static bool drain(struct pkt_machine *machine)
{
    bool any = false;
    for (;;) {
        struct hawser_buffer buffer = {.data = machine->buffer, .capacity = machine->buffer_bytes};
        if (hawser_output(machine->host, machine->link, (uint64_t)machine->now_ns, &buffer, 1) == 0)
            return any;
        keep_datagram(machine, buffer.length);
        any = true;
    }
}

/* ---- calls ------------------------------------------------------------------------------- */

static bool try_call(struct pkt_machine *machine, struct pkt_syscall *call)
{
    switch (call->kind) {
    case PKT_SYS_READ:
    case PKT_SYS_WRITE:
    case PKT_SYS_READV:
    case PKT_SYS_WRITEV:
    case PKT_SYS_RECV:
    case PKT_SYS_SEND:
    case PKT_SYS_RECVFROM:
    case PKT_SYS_SENDTO:
    case PKT_SYS_RECVMSG:
    case PKT_SYS_SENDMSG:
        return machine_try_transfer(machine, call);
    case PKT_SYS_POLL:
    case PKT_SYS_EPOLL_CREATE:
    case PKT_SYS_EPOLL_CTL:
    case PKT_SYS_EPOLL_WAIT:
        return machine_try_wait(machine, call);
    case PKT_SYS_SPLICE:
    case PKT_SYS_SENDFILE:
        return machine_try_move(machine, call);
    case PKT_SYS_FCNTL:
    case PKT_SYS_CLOSE:
    case PKT_SYS_PIPE:
    case PKT_SYS_OPEN:
        return machine_try_file(machine, call);
    case PKT_SYS_SOCKET:
    case PKT_SYS_BIND:
    case PKT_SYS_LISTEN:
    case PKT_SYS_ACCEPT:
    case PKT_SYS_CONNECT:
    case PKT_SYS_IOCTL:
    case PKT_SYS_SHUTDOWN:
    case PKT_SYS_GETSOCKOPT:
    case PKT_SYS_SETSOCKOPT:
    case PKT_SYS_GETSOCKNAME:
    case PKT_SYS_GETPEERNAME:
        return machine_try_socket(machine, call);
    }
    return machine_done(call, -ENOSYS);
}

bool machine_done(struct pkt_syscall *call, int64_t result)
{
    call->done = true;
    call->result = result;
    return true;
}

/* A call keeps the files that it works on, also when their descriptors are closed meanwhile. */
static void hold(struct pkt_syscall *call, struct machine_file *file, unsigned index)
{
    call->held[index] = file;
    if (file != NULL)
        file->refs++;
}

static void end_call(struct pkt_machine *machine, struct pkt_syscall *call)
{
    call->ended_ns = machine->now_ns;
    for (struct pkt_syscall **at = &machine->calls; *at != NULL; at = &(*at)->next)
        if (*at == call) {
            *at = call->next;
            break;
        }
    for (unsigned i = 0; i < 2; i++)
        if (call->held[i] != NULL)
            machine_file_release(machine, call->held[i]);
    call->held[0] = call->held[1] = NULL;
}

static bool retry(struct pkt_machine *machine)
{
    bool any = false;
    struct pkt_syscall *call = machine->calls;
    while (call != NULL) {
        struct pkt_syscall *next = call->next;
        if (try_call(machine, call)) {
            end_call(machine, call);
            any = true;
        }
        call = next;
    }
    return any;
}

/* Until nothing more happens at this time. What came in is answered before programs wake up, as
 * a kernel does. */
static void settle(struct pkt_machine *machine)
{
    for (unsigned rounds = 0;; rounds++) {
        if (rounds == ROUNDS_MAX) {
            fprintf(stderr, "pkt: the stack does not come to rest\n");
            abort();
        }
        bool sent = drain(machine);
        sock_net_turn(machine->net, (uint64_t)machine->now_ns);
        if (!retry(machine) && !sent)
            return;
    }
}

void pkt_machine_start(struct pkt_machine *machine, struct pkt_syscall *call)
{
    call->done = false;
    call->started_ns = machine->now_ns;
    call->wake_ns = INT64_MAX;
    call->next = NULL;
    call->moved = 0;
    memset(&call->op, 0, sizeof call->op);
    hold(call, machine_file_of(machine, call->fd), 0);
    hold(call, machine_file_of(machine, call->other_fd), 1);
    if (call->timeout_ms >= 0 && (call->kind == PKT_SYS_POLL || call->kind == PKT_SYS_EPOLL_WAIT))
        call->wake_ns = machine->now_ns + (int64_t)call->timeout_ms * 1000000;
    if (try_call(machine, call)) {
        end_call(machine, call);
    } else {
        struct pkt_syscall **at = &machine->calls;
        while (*at != NULL)
            at = &(*at)->next;
        *at = call;
    }
    settle(machine);
}

void pkt_machine_cancel(struct pkt_machine *machine, struct pkt_syscall *call)
{
    if (call->done)
        return;
    if (call->op.sock != NULL) {
        sock_op_interrupt(&call->op);
        if (call->kind == PKT_SYS_CLOSE)
            call->held[0]->sock = NULL; /* it was let go of */
        machine_done(call, call->op.result);
    } else {
        machine_done(call, -EINTR);
    }
    end_call(machine, call);
}

/* ---- time -------------------------------------------------------------------------------- */

int64_t pkt_machine_deadline(struct pkt_machine *machine)
{
    uint64_t host = hawser_next_deadline(machine->host);
    int64_t deadline = host > INT64_MAX ? INT64_MAX : (int64_t)host;
    for (const struct pkt_syscall *call = machine->calls; call != NULL; call = call->next) {
        if (call->wake_ns < deadline)
            deadline = call->wake_ns;
        if (call->op.sock != NULL && call->op.deadline_ns < (uint64_t)deadline)
            deadline = (int64_t)call->op.deadline_ns;
    }
    return deadline;
}

static void step(struct pkt_machine *machine, int64_t to_ns)
{
    if (to_ns > machine->now_ns)
        machine->now_ns = to_ns;
    hawser_expire(machine->host, (uint64_t)machine->now_ns);
    settle(machine);
}

void pkt_machine_advance(struct pkt_machine *machine, int64_t to_ns)
{
    unsigned rounds = 0;
    for (int64_t deadline; (deadline = pkt_machine_deadline(machine)) <= to_ns;) {
        rounds = deadline > machine->now_ns ? 0 : rounds + 1;
        if (rounds == ROUNDS_MAX) {
            fprintf(stderr, "pkt: a deadline does not pass\n");
            abort();
        }
        step(machine, deadline);
    }
    if (to_ns > machine->now_ns)
        machine->now_ns = to_ns;
}

void pkt_machine_await(struct pkt_machine *machine, const struct pkt_syscall *call,
                       int64_t until_ns)
{
    while (!call->done && machine->now_ns < until_ns) {
        int64_t deadline = pkt_machine_deadline(machine);
        pkt_machine_advance(machine, deadline < until_ns ? deadline : until_ns);
    }
}

int pkt_machine_inject(struct pkt_machine *machine, const uint8_t *data, size_t length)
{
    if (length > UINT32_MAX)
        return -EMSGSIZE;
    const struct hawser_frame frame = {.data = data, .length = (uint32_t)length};
    hawser_input(machine->host, machine->link, (uint64_t)machine->now_ns, &frame, 1);
    settle(machine);
    return 0;
}

bool pkt_machine_receive(struct pkt_machine *machine, int64_t until_ns, struct pkt_datagram *out)
{
    while (machine->first == NULL) {
        int64_t deadline = pkt_machine_deadline(machine);
        if (deadline > until_ns || deadline == INT64_MAX) {
            if (until_ns != INT64_MAX)
                pkt_machine_advance(machine, until_ns);
            return false;
        }
        step(machine, deadline);
    }
    free(machine->taken);
    machine->taken = machine->first;
    machine->first = machine->taken->next;
    *out = (struct pkt_datagram){.time_ns = machine->taken->time_ns,
                                 .data = machine->taken->data,
                                 .length = machine->taken->length};
    return true;
}

/* ---- settings ---------------------------------------------------------------------------- */

int pkt_machine_set(struct pkt_machine *machine, const char *name, const char *value,
                    const char **why)
{
    struct hawser_config changed = machine->config;
    int status = sock_setting_set(&changed, name, value, why);
    if (status != 0)
        return status;
    if (hawser_host_configure(machine->host, (uint64_t)machine->now_ns, &changed) != 0) {
        *why = "cannot change while the host lives";
        return -EBUSY;
    }
    machine->config = changed;
    settle(machine);
    return 0;
}

int pkt_machine_reset(struct pkt_machine *machine)
{
    if (hawser_host_configure(machine->host, (uint64_t)machine->now_ns, &machine->first_config) !=
        0)
        return -EBUSY;
    machine->config = machine->first_config;
    settle(machine);
    return 0;
}

int machine_refuse(struct pkt_machine *machine, const char *what)
{
    snprintf(machine->why, sizeof machine->why, "%s", what);
    machine->refused = true;
    return -EOPNOTSUPP;
}

const char *pkt_machine_unsupported(struct pkt_machine *machine)
{
    const char *theirs = sock_unsupported(machine->net);
    if (machine->refused) {
        machine->refused = false;
        return machine->why;
    }
    return theirs;
}

/* ---- as the interpreter's stack ----------------------------------------------------------- */

static void stack_destroy(void *self)
{
    pkt_machine_destroy(self);
}

static int64_t stack_now(void *self)
{
    return pkt_machine_now(self);
}

static void stack_advance(void *self, int64_t to_ns)
{
    pkt_machine_advance(self, to_ns);
}

static void stack_await(void *self, const struct pkt_syscall *call, int64_t until_ns)
{
    pkt_machine_await(self, call, until_ns);
}

static void stack_start(void *self, struct pkt_syscall *call)
{
    pkt_machine_start(self, call);
}

static int stack_inject(void *self, const uint8_t *data, size_t length)
{
    return pkt_machine_inject(self, data, length);
}

static bool stack_receive(void *self, int64_t until_ns, struct pkt_datagram *out)
{
    return pkt_machine_receive(self, until_ns, out);
}

static int stack_set(void *self, const char *name, const char *value, const char **why)
{
    return pkt_machine_set(self, name, value, why);
}

static const char *stack_unsupported(void *self)
{
    return pkt_machine_unsupported(self);
}

struct pkt_stack pkt_machine_stack(struct pkt_machine *machine)
{
    return (struct pkt_stack){
        .self = machine,
        .destroy = stack_destroy,
        .now = stack_now,
        .advance = stack_advance,
        .await = stack_await,
        .start = stack_start,
        .inject = stack_inject,
        .receive = stack_receive,
        .set = stack_set,
        .unsupported = stack_unsupported,
    };
}
