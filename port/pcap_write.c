/* SPDX-License-Identifier: MIT */
/* Capture files, written. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/pcap.h>

#include "fail.h"

#define SNAPLEN_BYTES 262144 /* what tcpdump writes; longer than any frame there is */
#define NS_PER_S 1000000000u

struct hawser_pcap_writer {
    char *path; /* NULL: file was given */
    FILE *file; /* given, and not yet libpcap's */
    pcap_t *pcap;
    pcap_dumper_t *dumper; /* NULL: not yet started */
    int link_type;
    int end;
    uint64_t epoch_ns;
    uint64_t count;
    int failure; /* the first one, negative; nothing is written after it */
};

int hawser_pcap_open(const struct hawser_pcap_config *config, struct hawser_pcap_writer **out,
                     struct hawser_port_error *error)
{
    if ((config->path == NULL) == (config->file == NULL))
        return port_fail(error, EINVAL, "a capture needs a path or a stream, and only one of them");
    if (config->kind != HAWSER_LINK_ETHERNET && config->kind != HAWSER_LINK_IP)
        return port_fail(error, EINVAL, "only Ethernet and IP links can be captured");
    if (config->end < HAWSER_PCAP_AS_SENT || config->end > 1)
        return port_fail(error, EINVAL, "a wire has no end %d", config->end);

    struct hawser_pcap_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return port_fail(error, ENOMEM, "no memory for a capture");
    if (config->path != NULL && (writer->path = strdup(config->path)) == NULL) {
        free(writer);
        return port_fail(error, ENOMEM, "no memory for a capture");
    }
    writer->file = config->file;
    writer->link_type = config->kind == HAWSER_LINK_ETHERNET ? DLT_EN10MB : DLT_RAW;
    writer->end = config->end;
    writer->epoch_ns = config->epoch_ns;
    *out = writer;
    return 0;
}

/* Keeps the first failure. stdio does not always leave a reason in errno. */
static int fail(struct hawser_pcap_writer *writer, int error_number)
{
    if (writer->failure == 0)
        writer->failure = error_number != 0 ? -error_number : -EIO;
    return writer->failure;
}

/* Makes the file and its header, if that has not been done. */
static int start(struct hawser_pcap_writer *writer)
{
    if (writer->failure != 0 || writer->dumper != NULL)
        return writer->failure;
    errno = 0;
    writer->pcap = pcap_open_dead_with_tstamp_precision(writer->link_type, SNAPLEN_BYTES,
                                                        PCAP_TSTAMP_PRECISION_NANO);
    if (writer->pcap == NULL)
        return fail(writer, ENOMEM);
    if (writer->file == NULL)
        writer->file = fopen(writer->path, "wbe");
    if (writer->file == NULL)
        return fail(writer, errno);
    /* On failure, too, libpcap has closed the stream. */
    writer->dumper = pcap_dump_fopen(writer->pcap, writer->file);
    writer->file = NULL;
    return writer->dumper == NULL ? fail(writer, errno) : 0;
}

/* The word on a failure that a person needs. */
static int explain(const struct hawser_pcap_writer *writer, struct hawser_port_error *error)
{
    if (writer->failure == 0)
        return 0;
    return port_fail(error, -writer->failure, "cannot write the capture file%s%s: %s",
                     writer->path != NULL ? " " : "", writer->path != NULL ? writer->path : "",
                     strerror(-writer->failure));
}

int hawser_pcap_start(struct hawser_pcap_writer *writer, struct hawser_port_error *error)
{
    if (start(writer) == 0)
        (void)hawser_pcap_flush(writer);
    return explain(writer, error);
}

int hawser_pcap_write(struct hawser_pcap_writer *writer, uint64_t now_ns, const void *data,
                      size_t length)
{
    if (start(writer) != 0)
        return writer->failure;
    uint64_t time_ns = writer->epoch_ns + now_ns;
    uint32_t kept = length < SNAPLEN_BYTES ? (uint32_t)length : SNAPLEN_BYTES;
    struct pcap_pkthdr header = {
        .ts = {.tv_sec = (time_t)(time_ns / NS_PER_S),
               .tv_usec = (suseconds_t)(time_ns % NS_PER_S)},
        .caplen = kept,
        .len = (uint32_t)length,
    };
    errno = 0;
    pcap_dump((u_char *)writer->dumper, &header, data);
    if (ferror(pcap_dump_file(writer->dumper))) /* pcap_dump itself tells nothing */
        return fail(writer, errno);
    writer->count++;
    return 0;
}

void hawser_pcap_tap(void *context, const struct hawser_tap_event *event)
{
    struct hawser_pcap_writer *writer = context;
    bool sent = event->verdict == HAWSER_TAP_SENT;
    bool delivered = event->verdict == HAWSER_TAP_DELIVERED;
    bool keep = writer->end == HAWSER_PCAP_AS_SENT
                    ? sent
                    : (sent && (int)event->from == writer->end) ||
                          (delivered && (int)event->from != writer->end);
    if (keep)
        (void)hawser_pcap_write(writer, event->now_ns, event->data, event->length);
}

uint64_t hawser_pcap_count(const struct hawser_pcap_writer *writer)
{
    return writer->count;
}

int hawser_pcap_flush(struct hawser_pcap_writer *writer)
{
    errno = 0;
    if (writer->failure == 0 && writer->dumper != NULL && pcap_dump_flush(writer->dumper) != 0)
        (void)fail(writer, errno);
    return writer->failure;
}

int hawser_pcap_close(struct hawser_pcap_writer *writer, struct hawser_port_error *error)
{
    if (writer == NULL)
        return 0;
    (void)hawser_pcap_flush(writer); /* pcap_dump_close would not tell */
    int result = explain(writer, error);
    if (writer->dumper != NULL)
        pcap_dump_close(writer->dumper);
    else if (writer->file != NULL)
        (void)fclose(writer->file);
    if (writer->pcap != NULL)
        pcap_close(writer->pcap);
    free(writer->path);
    free(writer);
    return result;
}
