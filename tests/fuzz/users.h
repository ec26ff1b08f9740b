/* SPDX-License-Identifier: MIT */
/* The programs on a fuzzed host: a few handles, every user call with good and bad arguments, and what each call promises. */
#ifndef FUZZ_USERS_H
#define FUZZ_USERS_H

#include "fuzz/fuzz.h"

#define USERS_SLOTS 8u
#define USERS_STREAMS 64u

struct users;

/* What was written to each stream, the last USERS_STREAMS of them. Two may have the same initial sequence number: opened at the same instant,
 * the first refused. */
struct ledger {
    struct { const struct users *writer; hawser_tcp tcp; uint32_t iss, written; bool shut; } streams[USERS_STREAMS];
    unsigned count;
    bool off;     /* the other end is not one of us: nothing is known of its streams but their octets, which have key 0 */
    bool tainted; /* not even that */
};

struct user_slot {
    hawser_tcp tcp; /* 0: empty */
    bool listener, connected, failed;
    bool waits_read, waits_write, waits_accept; /* HAWSER_ERR_AGAIN was the answer, and no event came since */
    bool shut, read_all;
    bool resized; /* its send buffer: no event comes of that */
    uint32_t read, written;
};

struct users {
    struct hawser_host *host;
    struct ledger *ledger;
    struct hawser_endpoint remote; /* where opens go */
    uint64_t now_ns;
    struct user_slot slots[USERS_SLOTS];
    hawser_tcp gone[4]; /* handles that were given up */
};

/* Every call below does what its hawser_ namesake does, with slot % USERS_SLOTS, and checks the answer. */
void users_listen(struct users *u, const struct fuzz_op *op, uint16_t port);
void users_open(struct users *u, const struct fuzz_op *op, uint16_t port);
void users_accept(struct users *u, unsigned slot);
void users_send(struct users *u, unsigned slot, uint32_t n, unsigned flags);
/* way: 0 receive, 1 peek and consume, 2 peek only */
void users_receive(struct users *u, unsigned slot, uint32_t n, unsigned way);
void users_shutdown(struct users *u, unsigned slot);
void users_close(struct users *u, unsigned slot);
void users_abort(struct users *u, unsigned slot);
void users_option(struct users *u, unsigned slot, unsigned which, uint32_t value);
void users_ask(struct users *u, unsigned slot);     /* status, walk, usage, soft error: facts that do not contradict each other */
void users_calls_in_vain(struct users *u, unsigned which); /* with handles that are gone, or never were */

/* Takes all events; then whoever was told to wait and got no event is still told to wait. */
void users_events(struct users *u);

/* Nobody waits for ever for a peer that is gone: keep-alive, and no endless user timeout. */
void users_be_impatient(struct users *u, unsigned slot);

/* Reads and writes what there is, shuts down when everything is read, closes what is over. True: something was done. */
bool users_finish(struct users *u);

/* Closes every handle. */
void users_leave(struct users *u);

/* An empty slot, or NULL. */
struct user_slot *users_room(struct users *u);

#endif
