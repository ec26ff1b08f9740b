/* SPDX-License-Identifier: MIT */
/* Text that grows in a buffer of fixed size and goes on counting beyond it. */
#ifndef PKT_PRINT_INTERNAL_H
#define PKT_PRINT_INTERNAL_H

#include "pkt/print.h"

struct print {
    char *out;
    size_t room, length;
};

void print_bytes(struct print *print, const char *text, size_t length);
void print_text(struct print *print, const char *text);
void print_format(struct print *print, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t print_end(struct print *print); /* the NUL; returns the length */

void print_seconds(struct print *print, int64_t ns);
void print_time(struct print *print, const struct pkt_time *time);
void print_packet(struct print *print, const struct pkt_packet *packet); /* print_packet.c */
void print_call(struct print *print, const struct pkt_call *call);

#endif
