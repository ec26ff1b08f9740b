/* SPDX-License-Identifier: MIT */
/* Capture files (libpcap, nanoseconds): a writer that listens to wires and devices, a reader. */
#ifndef HAWSER_PORT_PCAP_H
#define HAWSER_PORT_PCAP_H

#include <stdio.h>

#include <hawser/hawser.h>
#include <hawser/port/error.h>
#include <hawser/port/tap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- writing --------------------------------------------------------------------------------- */

struct hawser_pcap_writer;

#define HAWSER_PCAP_AS_SENT (-1)

struct hawser_pcap_config {
    const char *path;           /* replaced if it exists; copied. Or: */
    FILE *file;                 /* a stream to write to (path NULL): taken over, closed by
                                   hawser_pcap_close */
    enum hawser_link_kind kind; /* ETHERNET, or IP (which the file calls RAW); not LOOPBACK */
    uint64_t epoch_ns;          /* added to every now_ns: nanoseconds since 1970 of the instant 0 */
    int end;                    /* for hawser_pcap_tap: what to keep. HAWSER_PCAP_AS_SENT: each
                                   frame once, when it is sent, whatever becomes of it. 0 or 1: what
                                   tcpdump would see at that end: what it sends, and what arrives
                                   there */
};

/* Prepares a writer. The file is made by the first frame (or hawser_pcap_start), so a run without
 * frames leaves none. Returns 0 and *out; -EINVAL: neither or both of path and file, kind, or end;
 * -ENOMEM. */
HAWSER_EXPORT
int hawser_pcap_open(const struct hawser_pcap_config *config, struct hawser_pcap_writer **out,
                     struct hawser_port_error *error);

/* Makes the file now, with its header, for those who want to know at once whether it can be. 0,
 * also when it is there already; -EACCES, -ENOENT, ... . */
HAWSER_EXPORT
int hawser_pcap_start(struct hawser_pcap_writer *writer, struct hawser_port_error *error);

/* Appends one frame. Returns 0 or what went wrong now or before (-ENOSPC, ...): after a failure
 * nothing more is written, and hawser_pcap_close tells it again. */
HAWSER_EXPORT
int hawser_pcap_write(struct hawser_pcap_writer *writer, uint64_t now_ns, const void *data,
                      size_t length);

/* A hawser_tap: context is the writer. A failure is kept for hawser_pcap_close. */
HAWSER_EXPORT
void hawser_pcap_tap(void *writer, const struct hawser_tap_event *event);

/* How many frames have been written. */
HAWSER_EXPORT
uint64_t hawser_pcap_count(const struct hawser_pcap_writer *writer);

/* Writes what is buffered, so that others can read it. 0 or as hawser_pcap_write. */
HAWSER_EXPORT
int hawser_pcap_flush(struct hawser_pcap_writer *writer);

/* Flushes, closes and frees, whatever it returns: 0, or the first failure there was (disk full:
 * -ENOSPC). NULL is allowed. */
HAWSER_EXPORT
int hawser_pcap_close(struct hawser_pcap_writer *writer, struct hawser_port_error *error);

/* ---- reading --------------------------------------------------------------------------------- */

struct hawser_pcap_reader;

struct hawser_pcap_packet {
    uint64_t time_ns;         /* since 1970 */
    const uint8_t *data;      /* the reader's, until the next call */
    uint32_t length;          /* bytes that are in the file */
    uint32_t original_length; /* bytes it had on the link; more than length if the capture cut it
                                 short */
};

/* Opens a pcap or pcapng file of Ethernet frames or bare IP packets; *kind (may be NULL) tells
 * which. Returns 0 and *out; -ENOENT, -EACCES, ...; -EPROTO: not a capture file; -ENOTSUP: of
 * another link type; -ENOMEM. */
HAWSER_EXPORT
int hawser_pcap_read_open(const char *path, struct hawser_pcap_reader **out,
                          enum hawser_link_kind *kind, struct hawser_port_error *error);

/* The same for IP datagrams, whatever they were captured on: Ethernet with or without VLAN tags,
 * Linux's device "any" (SLL, SLL2), loopback, bare IP. hawser_pcap_read then passes over all other
 * frames, and gives datagrams without their link headers; what stands behind a short one in its
 * frame is still there. -ENOTSUP: of another link type. */
HAWSER_EXPORT
int hawser_pcap_read_open_datagrams(const char *path, struct hawser_pcap_reader **out,
                                    struct hawser_port_error *error);

/* The next packet: 1 and *out; 0 at the end of the file; -EPROTO: it is damaged from here on. */
HAWSER_EXPORT
int hawser_pcap_read(struct hawser_pcap_reader *reader, struct hawser_pcap_packet *out,
                     struct hawser_port_error *error);

/* NULL is allowed. */
HAWSER_EXPORT
void hawser_pcap_read_close(struct hawser_pcap_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
