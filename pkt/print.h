/* SPDX-License-Identifier: MIT */
/* Trees as text in the script's own notation, in one way only: what is printed parses to the same tree (defines are values then, comments are gone). */
#ifndef PKT_PRINT_H
#define PKT_PRINT_H

#include "pkt/arena.h"
#include "pkt/script.h"

/* All of these write text and a NUL into out, cut off where there is no room; they return the length without NUL that it has or would have. */

/* Seconds, without needless zeros: 0, 0.1, -0.000000001. */
size_t pkt_print_seconds(int64_t ns, char *out, size_t room);

/* 0.1   +0.02   *   1~1.5   +0~+0.3   +0...0.2 */
size_t pkt_print_time(const struct pkt_time *time, char *out, size_t room);

/* With its direction: > [ect0] . 1:1(0) ack 501 <nop,nop,TS val 1 ecr 2> */
size_t pkt_print_packet(const struct pkt_packet *packet, char *out, size_t room);

/* One TCP option: mss 1460 */
size_t pkt_print_option(const struct pkt_option *option, char *out, size_t room);

/* The flags alone: S.   FP.   - */
size_t pkt_print_flags(const struct pkt_tcp *tcp, char *out, size_t room);

size_t pkt_print_expr(const struct pkt_expr *expr, char *out, size_t room);

/* read(4, ..., 100) = -1 EAGAIN (note) */
size_t pkt_print_call(const struct pkt_call *call, char *out, size_t room);

/* Its time and itself, without a line feed; code and commands may hold some. */
size_t pkt_print_event(const struct pkt_event *event, char *out, size_t room);

/* The options that differ from the defaults, the init command, an event a line, the cleanup command. */
size_t pkt_print_script(const struct pkt_script *script, char *out, size_t room);

/* The same into an arena, never cut off. */
const char *pkt_packet_text(const struct pkt_packet *packet, struct pkt_arena *arena);
const char *pkt_call_text(const struct pkt_call *call, struct pkt_arena *arena);
const char *pkt_expr_text(const struct pkt_expr *expr, struct pkt_arena *arena);
const char *pkt_event_text(const struct pkt_event *event, struct pkt_arena *arena);
const char *pkt_script_text(const struct pkt_script *script, struct pkt_arena *arena);

#endif
