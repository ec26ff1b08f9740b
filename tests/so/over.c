/* SPDX-License-Identifier: MIT */
/* The part of packetdrill that talks to a shared library: calls are made in a second thread, which
 * must sleep or have ended before the first one goes on. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "over.h"
#include "pkt/print.h"
#include "pkt/so/interface.h"
#include "pkt/so/preload.h"

#define NS_PER_US 1000LL
#define NS_PER_S 1000000000LL
#define ROOM 65536u
#define FDS_MAX 1024
#define SPIN_NS 20000 /* of a wait, the end: the clock is read until it shows the time */
#define STEP_US 1000  /* while a call is waited for */
#define LOOK_NS 50000 /* of the real clock: between two looks at the other thread */
#define SO_MEMINFO_OPTION 55

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DEEP 0 /* what sanitizers replace must be found first */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DEEP 0
#endif
#endif
#ifndef DEEP
#define DEEP RTLD_DEEPBIND
#endif

struct over {
    struct packetdrill_interface ifc;
    uint8_t *buffer; /* one datagram */
    size_t length;   /* of one that came later than it was waited for; 0 = none */
    int64_t time_ns;
    char settings[1024];
    bool open[FDS_MAX];

    pthread_t worker;
    sem_t given, finished;
    atomic_int tid; /* of the worker; 0 = it has not begun */
    atomic_bool taken, quits;
    struct pkt_syscall *call; /* the worker's */
    bool under_way;
};

/* ---- one call ------------------------------------------------------------------------------ */

static int64_t clock_ns(struct over *over)
{
    struct timeval now;
    over->ifc.gettimeofday(over->ifc.userdata, &now, NULL);
    return now.tv_sec * NS_PER_S + now.tv_usec * NS_PER_US;
}

static int64_t transfer(struct over *over, struct pkt_syscall *c)
{
    const struct packetdrill_interface *ifc = &over->ifc;
    void *u = ifc->userdata;
    switch ((unsigned)c->kind) { /* those of this function */
    case PKT_SYS_READ:
        return ifc->read(u, c->fd, c->data, c->size);
    case PKT_SYS_WRITE:
        return ifc->write(u, c->fd, c->data, c->size);
    case PKT_SYS_READV:
        return ifc->readv(u, c->fd, c->iov, c->number);
    case PKT_SYS_WRITEV:
        return ifc->writev(u, c->fd, c->iov, c->number);
    case PKT_SYS_RECV:
        return ifc->recv(u, c->fd, c->data, c->size, c->flags);
    case PKT_SYS_SEND:
        return ifc->send(u, c->fd, c->data, c->size, c->flags);
    case PKT_SYS_RECVFROM:
        return ifc->recvfrom(u, c->fd, c->data, c->size, c->flags, c->address, &c->address_length);
    case PKT_SYS_SENDTO:
        return ifc->sendto(u, c->fd, c->data, c->size, c->flags, c->address, c->address_length);
    case PKT_SYS_RECVMSG:
        return ifc->recvmsg(u, c->fd, c->message, c->flags);
    case PKT_SYS_SENDMSG:
        return ifc->sendmsg(u, c->fd, c->message, c->flags);
    case PKT_SYS_SPLICE: {
        loff_t in = 0, out = 0;
        return ifc->splice(u, c->fd, c->offset != NULL ? c->offset : &in, c->other_fd,
                           c->other_offset != NULL ? c->other_offset : &out, c->size,
                           (unsigned)c->flags);
    }
    default:
        errno = ENOSYS;
        return -1;
    }
}

/* Code blocks ask the real getsockopt(), scripts that of the interface. */
static int64_t ask_option(struct over *over, struct pkt_syscall *c)
{
    bool for_code =
        (c->level == IPPROTO_TCP && (c->option == TCP_INFO || c->option == TCP_CC_INFO)) ||
        (c->level == SOL_SOCKET && c->option == SO_MEMINFO_OPTION);
    return for_code && over_preloaded()
               ? getsockopt(c->fd, c->level, c->option, c->data, &c->option_length)
               : over->ifc.getsockopt(over->ifc.userdata, c->fd, c->level, c->option, c->data,
                                      &c->option_length);
}

static int64_t other(struct over *over, struct pkt_syscall *c)
{
    const struct packetdrill_interface *ifc = &over->ifc;
    void *u = ifc->userdata;
    switch ((unsigned)c->kind) {
    case PKT_SYS_SOCKET:
        return ifc->socket(u, c->domain, c->type, c->protocol);
    case PKT_SYS_BIND:
        return ifc->bind(u, c->fd, c->address, c->address_length);
    case PKT_SYS_LISTEN:
        return ifc->listen(u, c->fd, c->number);
    case PKT_SYS_ACCEPT:
        return ifc->accept(u, c->fd, c->address, &c->address_length);
    case PKT_SYS_CONNECT:
        return ifc->connect(u, c->fd, c->address, c->address_length);
    case PKT_SYS_FCNTL:
        return ifc->fcntl(u, c->fd, (int)c->command, c->number);
    case PKT_SYS_IOCTL:
        return ifc->ioctl(u, c->fd, c->command, c->data);
    case PKT_SYS_CLOSE:
        return ifc->close(u, c->fd);
    case PKT_SYS_SHUTDOWN:
        return ifc->shutdown(u, c->fd, c->number);
    case PKT_SYS_GETSOCKOPT:
        return ask_option(over, c);
    case PKT_SYS_SETSOCKOPT:
        return ifc->setsockopt(u, c->fd, c->level, c->option, c->data, c->option_length);
    case PKT_SYS_POLL:
        return ifc->poll(u, c->polls, (nfds_t)c->number, c->timeout_ms);
    case PKT_SYS_EPOLL_CREATE:
        return ifc->epoll_create(u, c->number);
    case PKT_SYS_EPOLL_CTL:
        return ifc->epoll_ctl(u, c->fd, (int)c->command, c->other_fd, c->epoll);
    case PKT_SYS_EPOLL_WAIT:
        return ifc->epoll_wait(u, c->fd, c->epoll, c->number, c->timeout_ms);
    case PKT_SYS_PIPE:
        return ifc->pipe(u, c->pair);
    default:
        return transfer(over, c);
    }
}

/* The result first, then the clock, as packetdrill does after a call that waited. */
static void perform(struct over *over, struct pkt_syscall *call)
{
    int64_t result = other(over, call);
    call->result = result < 0 ? -errno : result;
    call->ended_ns = clock_ns(over);
}

/* ---- the second thread --------------------------------------------------------------------- */

static void *work(void *self)
{
    struct over *over = self;
    atomic_store(&over->tid, (int)syscall(SYS_gettid));
    for (;;) {
        sem_wait(&over->given);
        if (atomic_load(&over->quits))
            return NULL;
        atomic_store(&over->taken, true);
        perform(over, over->call);
        sem_post(&over->finished);
    }
}

/* Its state as the real machine tells it: S when it sleeps. */
static bool worker_sleeps(const struct over *over)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&over->tid));
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[got] = 0;
    const char *end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' && end[2] == 'S';
}

static bool look(struct over *over)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_NS;
    if (until.tv_nsec >= NS_PER_S) {
        until.tv_nsec -= NS_PER_S;
        until.tv_sec++;
    }
    if (sem_timedwait(&over->finished, &until) != 0)
        return false;
    over->under_way = false;
    return true;
}

/* Until the call under way has ended or its thread sleeps. */
static void quiet(struct over *over)
{
    if (!over->under_way)
        return;
    while (!look(over))
        if (atomic_load(&over->taken) && worker_sleeps(over) && worker_sleeps(over)) {
            if (sem_trywait(&over->finished) != 0)
                return;
            over->under_way = false;
            break;
        }
    over->call->done = true;
}

/* ---- descriptors --------------------------------------------------------------------------- */

static void note(struct over *over, int64_t fd)
{
    if (fd >= 0 && fd < FDS_MAX)
        over->open[fd] = true;
}

static void note_made(struct over *over, const struct pkt_syscall *call)
{
    bool makes = call->kind == PKT_SYS_SOCKET || call->kind == PKT_SYS_ACCEPT ||
                 call->kind == PKT_SYS_EPOLL_CREATE ||
                 (call->kind == PKT_SYS_FCNTL && call->command == F_DUPFD);
    if (makes && call->done)
        note(over, call->result);
    if (call->kind == PKT_SYS_PIPE && call->done && call->result == 0) {
        note(over, call->pair[0]);
        note(over, call->pair[1]);
    }
}

/* ---- as the interpreter's stack ------------------------------------------------------------ */

static int64_t over_now(void *self)
{
    return clock_ns(self);
}

static void over_advance(void *self, int64_t to_ns)
{
    struct over *over = self;
    int64_t wait = to_ns - clock_ns(over) - SPIN_NS;
    for (; wait > 0; wait = to_ns - clock_ns(over) - SPIN_NS) {
        int64_t us = wait / NS_PER_US;
        over->ifc.usleep(over->ifc.userdata, us < 1            ? 1
                                             : us > 1000000000 ? 1000000000u
                                                               : (useconds_t)us);
        quiet(over);
    }
    while (clock_ns(over) < to_ns)
        quiet(over);
}

static void over_start(void *self, struct pkt_syscall *call)
{
    struct over *over = self;
    call->started_ns = clock_ns(over);
    call->done = false;
    if (call->kind == PKT_SYS_CLOSE && call->fd >= 0 && call->fd < FDS_MAX)
        over->open[call->fd] = false;
    if (over->under_way) { /* the other thread waits in another one: this is the first one's */
        perform(over, call);
        call->done = true;
    } else {
        over->call = call;
        over->under_way = true;
        atomic_store(&over->taken, false);
        sem_post(&over->given);
        quiet(over);
    }
    note_made(over, call);
}

static void over_await(void *self, const struct pkt_syscall *call, int64_t until_ns)
{
    struct over *over = self;
    while (!call->done && clock_ns(over) < until_ns) {
        over->ifc.usleep(over->ifc.userdata, STEP_US);
        quiet(over);
    }
    if (call->done)
        note_made(over, call);
}

static int over_inject(void *self, const uint8_t *data, size_t length)
{
    struct over *over = self;
    int status = over->ifc.netdev_send(over->ifc.userdata, data, length);
    quiet(over);
    return status == 0 ? 0 : -errno;
}

/* There is no limit to how long it waits: a packet that came too late is kept for later. */
static bool over_receive(void *self, int64_t until_ns, struct pkt_datagram *out)
{
    struct over *over = self;
    if (over->length == 0) {
        size_t size = ROOM;
        long long time_us = 0;
        over->ifc.netdev_receive(over->ifc.userdata, over->buffer, &size, &time_us);
        quiet(over);
        over->length = size;
        over->time_ns = time_us * NS_PER_US;
    }
    if (over->length == 0 || over->time_ns > until_ns)
        return false;
    *out = (struct pkt_datagram){
        .time_ns = over->time_ns, .data = over->buffer, .length = over->length};
    over->length = 0;
    return true;
}

/* As a script's sysctl does: into a file, which the library reads. */
static int over_set(void *self, const char *name, const char *value, const char **why)
{
    struct over *over = self;
    char path[2048];
    *why = "cannot be written";
    mkdir(over->settings, 0700);
    snprintf(path, sizeof path, "%s/%s", over->settings, name);
    for (char *at = path + strlen(over->settings) + 1; *at != 0; at++)
        if (*at == '.') {
            *at = 0;
            mkdir(path, 0700);
            *at = '/';
        }
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return -errno;
    fprintf(file, "%s\n", value);
    return fclose(file) == 0 ? 0 : -EIO;
}

/* What is open is closed by the real machine, then the instance goes. */
static void over_destroy(void *self)
{
    struct over *over = self;
    for (int fd = 0; fd < FDS_MAX; fd++)
        if (over->open[fd] && close(fd) != 0) {
            fprintf(stderr, "descriptor %d is none of the real machine's\n", fd);
            abort();
        }
    over->ifc.free(over->ifc.userdata);
    atomic_store(&over->quits, true);
    sem_post(&over->given);
    pthread_join(over->worker, NULL);
    sem_destroy(&over->given);
    sem_destroy(&over->finished);
    free(over->buffer);
    free(over);
}

/* ---- making one ---------------------------------------------------------------------------- */

bool over_preloaded(void)
{
    return dlsym(RTLD_DEFAULT, SO_PRELOAD_NAME) != NULL;
}

const char *over_lacks(const struct pkt_script *script)
{
    for (size_t i = 0; i < script->event_count; i++) {
        const struct pkt_event *event = &script->events[i];
        if (event->kind != PKT_EVENT_CALL)
            continue;
        if (strcmp(event->call.name, "open") == 0 || strcmp(event->call.name, "sendfile") == 0)
            return "files are the real machine's";
    }
    return NULL;
}

/* "ipv6 local=... mtu=1500 net.ipv4.tcp_sack=0" */
static const char *flags_of(const struct pkt_script *script, const struct over_choice *choice,
                            const struct pkt_setting *settings, size_t count,
                            struct pkt_arena *arena)
{
    const struct pkt_options *options = &script->options;
    char local[HAWSER_ADDRESS_TEXT_MAX], remote[HAWSER_ADDRESS_TEXT_MAX];
    hawser_address_print(&options->local, local);
    hawser_address_print(&options->remote, remote);
    const char *flags = pkt_arena_printf(arena, "%s local=%s remote=%s mtu=%u sysctl=%s",
                                         options->family == PKT_IPV6 ? "ipv6" : "ipv4", local,
                                         remote, options->mtu, choice->settings);
    for (size_t i = 0; i < count; i++) {
        if (settings[i].name == NULL)
            continue;
        char *value = pkt_arena_text(arena, settings[i].value, strlen(settings[i].value));
        for (char *at = value; *at != 0; at++)
            if (*at == ' ')
                *at = ',';
        flags = pkt_arena_printf(arena, "%s %s=%s", flags, settings[i].name, value);
    }
    return flags;
}

static packetdrill_interface_init_function *load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | DEEP);
    void *init = library != NULL ? dlsym(library, PACKETDRILL_INTERFACE_INIT) : NULL;
    if (init == NULL)
        fprintf(stderr, "%s\n", dlerror());
    return (packetdrill_interface_init_function *)init;
}

enum pkt_verdict over_make(void *context, const struct pkt_script *script,
                           const struct pkt_setting *settings, size_t setting_count,
                           struct pkt_arena *arena, struct pkt_stack *out, const char **why)
{
    const struct over_choice *choice = context;
    struct over *over = calloc(1, sizeof *over);
    packetdrill_interface_init_function *init = load(choice->library);
    *why = "the library cannot be loaded";
    if (over == NULL || init == NULL || (over->buffer = malloc(ROOM)) == NULL) {
        free(over);
        return PKT_FAIL;
    }
    snprintf(over->settings, sizeof over->settings, "%s", choice->settings);
    sem_init(&over->given, 0, 0);
    sem_init(&over->finished, 0, 0);
    init(flags_of(script, choice, settings, setting_count, arena), &over->ifc);
    if (pthread_create(&over->worker, NULL, work, over) != 0)
        abort();
    *out = (struct pkt_stack){.self = over,
                              .destroy = over_destroy,
                              .now = over_now,
                              .advance = over_advance,
                              .start = over_start,
                              .await = over_await,
                              .inject = over_inject,
                              .receive = over_receive,
                              .set = over_set};
    return PKT_OK;
}
