/* SPDX-License-Identifier: MIT */
/* One instance of packetdrill's interface: a machine in virtual time, its descriptors, and the threads that call. Private to pkt/so. */
#ifndef PKT_SO_ADAPTER_H
#define PKT_SO_ADAPTER_H

#include <pthread.h>

#include "pkt/arena.h"
#include "pkt/machine.h"
#include "pkt/so/interface.h"

#define SO_NAME "libhawser-packetdrill"
#define SO_FDS_MAX 1024u     /* as many as a machine has */
#define SO_SETTINGS_MAX 256u
#define SO_SETTING_TEXT 64u

struct so_choice { /* what --so_flags says */
    struct pkt_machine_config machine;
    struct hawser_config host;
    int64_t patience_ns;  /* of netdev_receive, virtual */
    const char *settings; /* a folder as /proc/sys, whose changes are followed; NULL = none */
    const char *wrong;    /* a message; NULL = nothing */
};

struct so_waiter { /* a call that waits, in its own thread */
    struct pkt_syscall *call;
    bool told; /* that it has ended */
    struct so_waiter *next;
};

struct so_adapter {
    struct pkt_arena arena; /* of what the choice points to */
    struct so_choice choice;
    char (*followed)[SO_SETTING_TEXT]; /* each setting as it was last seen in the folder */

    pthread_mutex_t mutex;  /* of all below */
    pthread_cond_t ended;   /* calls that waited */
    pthread_cond_t settled; /* their threads have returned and read the clock, or left */
    struct pkt_machine *machine; /* NULL until something needs it: the settings may change before */
    int64_t start_ns;       /* the clock, until then */
    struct so_waiter *waiters;
    unsigned readings;      /* of the clock, with no other call between them */
    unsigned inside;        /* threads in calls */
    unsigned woken;         /* of them: calls have ended that have not yet returned */
    bool owed;              /* a thread has returned and will read the clock: */
    pthread_t reader;
    int fds[SO_FDS_MAX];    /* the descriptor of the real machine that stands for each of the machine's; -1 = none */
};

/* ---- choice.c ------------------------------------------------------------------------------------------------------- */

/* Reads flags (NULL = none); what is wrong with them is in out->wrong. */
void so_choice_read(const char *flags, struct pkt_arena *arena, struct so_choice *out);

/* ---- settings.c: following a folder of settings --------------------------------------------------------------------- */

/* As they are in the beginning: only what changes is the host's affair. */
void so_settings_begin(struct so_adapter *adapter);

/* Applies what has changed since, to the machine or, before there is one, to what it will be made of. */
void so_settings_follow(struct so_adapter *adapter);

/* ---- threads.c ------------------------------------------------------------------------------------------------------ */

/* Around every call of packetdrill's. Time does not move while a thread whose call has ended has not yet read the clock. */
void so_enter(struct so_adapter *adapter);
void so_leave(struct so_adapter *adapter);

/* After whatever may have ended a call: wakes its thread and waits for it. */
void so_settle(struct so_adapter *adapter);

/* Waits until a call that was started has ended. */
void so_wait(struct so_adapter *adapter, struct pkt_syscall *call);

/* Ends every call that waits, and comes back when all threads have left and have read the clock. */
void so_end_all(struct so_adapter *adapter);

/* The clock is being read. */
void so_clock_read(struct so_adapter *adapter);

/* ---- descriptors.c -------------------------------------------------------------------------------------------------- */

/* A descriptor of the real machine that stands for one of the machine's, not below least; -EMFILE. */
int so_fd_make(struct so_adapter *adapter, int machine_fd, int least);

/* The machine's; one that it does not have = unknown. Below 0: as it is. */
int so_fd_find(const struct so_adapter *adapter, int fd);

void so_fd_close(struct so_adapter *adapter, int fd);

/* ---- calls.c and adapter.c ------------------------------------------------------------------------------------------ */

/* The machine, made now if there is none; NULL = it cannot be. */
struct pkt_machine *so_machine(struct so_adapter *adapter);
int64_t so_now(const struct so_adapter *adapter);

/* Lets time pass, timer by timer. */
void so_advance(struct so_adapter *adapter, int64_t to_ns);

/* Makes a call of the machine's to its end; fd and other_fd are packetdrill's. Result, or -errno. The mutex is held. */
int64_t so_call(struct so_adapter *adapter, struct pkt_syscall *call);

void so_calls_fill(struct packetdrill_interface *out);
void so_calls_fill_transfer(struct packetdrill_interface *out);

/* 0 or more, or -1 and errno. */
int64_t so_result(int64_t result);

#endif
