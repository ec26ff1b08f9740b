/* SPDX-License-Identifier: MIT */
/* What the files of the runtime share: one run of a script. */
#ifndef PKT_RUN_INTERNAL_H
#define PKT_RUN_INTERNAL_H

#include "pkt/conn.h"
#include "pkt/match.h"
#include "pkt/run.h"

#define RUN_FDS_MAX 256u
#define RUN_CONNS_MAX 256u
#define RUN_TOLD_MAX 12u /* packets shown on a failure */

struct run_fd {
    int script, live;
    bool open;
};

struct run_code { /* a %{ }% block, with what was recorded for it */
    struct run_code *next;
    const struct pkt_event *event;
    uint8_t info[512], cc_info[64];
    uint32_t meminfo[16];
    socklen_t info_length, cc_info_length, meminfo_length;
};

struct run_call;
struct pkt_run;

/* After the call has ended: checks what it gave beside its result; false = run_fail was called. */
typedef bool run_check(struct pkt_run *run, struct run_call *call);

struct run_call {
    const struct pkt_event *event;
    struct pkt_syscall sys;
    run_check *check;         /* NULL = the result is all */
    bool makes_fd;            /* a result of 0 or more is a new descriptor */
    const struct pkt_expr *aux, *aux2; /* of the check */
    struct pkt_conn *conn;
    int64_t start_ns, end_ns; /* on the script's clock: expected */
    bool blocking;
};

struct pkt_run {
    const struct pkt_script *script;
    const struct pkt_options *options;
    const struct pkt_run_options *how;
    struct pkt_arena *arena;
    struct pkt_outcome *out;
    bool failed; /* a verdict was given */

    struct pkt_stack stack;
    bool has_stack;
    int64_t zero_ns;          /* the script's 0 on the stack's clock */

    const struct pkt_event *event; /* the present one */
    int64_t expected_ns;      /* when it should happen, script time; for windows their start */
    int64_t expected_end_ns;
    int64_t previous_ns;      /* the same of the previous one */
    bool previous_inbound;

    struct pkt_conn *conns[RUN_CONNS_MAX];
    size_t conn_count;
    struct pkt_conn *under_test; /* NULL = none yet */
    uint16_t next_port;
    struct run_fd fds[RUN_FDS_MAX];
    size_t fd_count;
    struct run_call *pending; /* a blocking call under way */
    struct run_code *codes, **codes_end;
    struct pkt_match match;

    struct pkt_setting *settings; /* of init commands */
    size_t setting_count, setting_room;
    uint8_t *frame;           /* what is injected is built here */
    struct pkt_live *kept;    /* a packet taken from the stack but not used: the next one */
    bool has_kept;

    char *told[RUN_TOLD_MAX]; /* the last packets, a ring */
    size_t told_count;
};

/* ---- verdicts (report.c) ------------------------------------------------------------------ */

/* The script has failed at the present event. Returns false, for `return run_fail(…)`. The first verdict stands. */
bool run_fail(struct pkt_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool run_fail_at(struct pkt_run *run, struct pkt_place place, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool run_skip(struct pkt_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A mismatch that the script may have made harmless (non_fatal): then a warning and true. */
bool run_mismatch(struct pkt_run *run, bool harmless, struct pkt_place place, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Remembers a packet for messages, and tells it to those who listen. ns: script time. */
void run_tell_packet(struct pkt_run *run, int64_t ns, const struct pkt_packet *packet, const char *mark);
void run_tell(struct pkt_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The last packets as text, in the arena. */
const char *run_told(struct pkt_run *run);

/* ---- time (time.c) ------------------------------------------------------------------------ */

int64_t run_now(struct pkt_run *run); /* script time */
void run_schedule(struct pkt_run *run, const struct pkt_event *event);
int64_t run_tolerance(const struct pkt_run *run, int64_t span_ns);
bool run_wait(struct pkt_run *run);    /* until the present event's time; late is a failure */

/* ---- connections (route.c) ----------------------------------------------------------------- */

struct pkt_conn *run_conn_new(struct pkt_run *run, enum pkt_conn_state state);
struct pkt_conn *run_conn_of_fd(struct pkt_run *run, int script_fd);
struct pkt_conn *run_conn_for_inbound(struct pkt_run *run, const struct pkt_packet *packet);
struct pkt_conn *run_conn_for_outbound(const struct pkt_run *run, const struct pkt_packet *packet); /* NULL: any, of the socket under test */

/* ---- descriptors --------------------------------------------------------------------------- */

int run_live_fd(const struct pkt_run *run, int64_t script_fd); /* -1 = none: the call will give EBADF */
bool run_fd_add(struct pkt_run *run, int64_t script_fd, int64_t live_fd);
void run_fd_remove(struct pkt_run *run, int64_t script_fd);

/* ---- events -------------------------------------------------------------------------------- */

bool run_packet_in(struct pkt_run *run, const struct pkt_event *event);
bool run_packet_out(struct pkt_run *run, const struct pkt_event *event);
bool run_no_more_packets(struct pkt_run *run, int64_t until_ns); /* strict: nothing that was sent until then is left */
bool run_system_call(struct pkt_run *run, const struct pkt_event *event);
bool run_pending(struct pkt_run *run, bool wait); /* looks at the blocking call; wait: until it has ended */
bool run_code_record(struct pkt_run *run, const struct pkt_event *event);
bool run_code_all(struct pkt_run *run);

enum run_shell_when { RUN_SHELL_INIT, RUN_SHELL_EVENT, RUN_SHELL_CLEANUP };
bool run_shell(struct pkt_run *run, const char *text, enum run_shell_when when);

/* ---- calls --------------------------------------------------------------------------------- */

/* Makes a call's arguments; false = a verdict was given. */
typedef bool run_prepare(struct pkt_run *run, struct run_call *call, const struct pkt_expr *const *arguments, size_t count);

struct run_function {
    const char *name;
    size_t least, most; /* arguments */
    run_prepare *prepare;
    bool makes_fd;
};

const struct run_function *run_function_find(const char *name);
extern const struct run_function run_socket_functions[], run_data_functions[], run_option_functions[], run_wait_functions[]; /* a NULL name ends each */

/* ---- expressions (values.c) ---------------------------------------------------------------- */

/* Each: false = run_fail was called, with the expression's place. */
bool run_integer(struct pkt_run *run, const struct pkt_expr *expr, int64_t *out);
bool run_int(struct pkt_run *run, const struct pkt_expr *expr, int *out);
bool run_size(struct pkt_run *run, const struct pkt_expr *expr, size_t *out);
bool run_fd_argument(struct pkt_run *run, const struct pkt_expr *expr, int *script, int *live);
bool run_is_null(struct pkt_run *run, const struct pkt_expr *expr); /* NULL or 0 */

/* A buffer of zeros for `...`, NULL for NULL. */
bool run_buffer(struct pkt_run *run, const struct pkt_expr *expr, size_t size, void **out);

/* {sa_family = …} or `...` (then `usual` is given). */
bool run_sockaddr(struct pkt_run *run, const struct pkt_expr *expr, const struct hawser_address *address, uint16_t port, struct sockaddr_storage *out,
                  socklen_t *length);
void run_sockaddr_make(const struct pkt_run *run, const struct hawser_address *address, uint16_t port, struct sockaddr_storage *out, socklen_t *length);

/* [{..., 10}, {..., 20}] with `count` entries wanted (-1 = as many as there are). */
bool run_iovec(struct pkt_run *run, const struct pkt_expr *expr, struct iovec **out, size_t *count);

/* The value of field `name` in a structure; NULL = it is not there. `argument` of msg_name(...) and msg_iov(2) is the assignment's. */
const struct pkt_expr *run_field(const struct pkt_expr *braces, const char *name, const struct pkt_expr **argument);
bool run_field_integer(struct pkt_run *run, const struct pkt_expr *braces, const char *name, int64_t otherwise, int64_t *out);

#endif
