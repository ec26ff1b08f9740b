/* SPDX-License-Identifier: MIT */
/* Capture files, read. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/pcap.h>

#include "fail.h"
#include "pcap_link.h"

#define NS_PER_S 1000000000u

struct hawser_pcap_reader {
    pcap_t *pcap;
    bool datagrams; /* link headers are taken off, frames without a datagram passed over */
};

static int kind_of(int link_type, enum hawser_link_kind *kind)
{
    bool ethernet = link_type == DLT_EN10MB;
    if (!ethernet && link_type != DLT_RAW && link_type != DLT_IPV4 && link_type != DLT_IPV6)
        return -ENOTSUP;
    if (kind != NULL)
        *kind = ethernet ? HAWSER_LINK_ETHERNET : HAWSER_LINK_IP;
    return 0;
}

/* libpcap names link types by number only in the file; for people by name. */
static int refuse_link_type(const char *path, int link_type, const char *what,
                            struct hawser_port_error *error)
{
    const char *name = pcap_datalink_val_to_name(link_type);
    return port_fail(error, ENOTSUP, "%s: captured on a link of type %s (%d), %s", path,
                     name != NULL ? name : "unknown", link_type, what);
}

static int open_file(const char *path, struct hawser_pcap_reader **out,
                     struct hawser_port_error *error)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return port_fail(error, errno, "cannot open %s: %s", path, strerror(errno));
    char why[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (pcap == NULL) {
        (void)fclose(file);
        return port_fail(error, EPROTO, "%s is not a capture file: %s", path, why);
    }
    struct hawser_pcap_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        pcap_close(pcap);
        return port_fail(error, ENOMEM, "no memory to read %s", path);
    }
    reader->pcap = pcap;
    *out = reader;
    return 0;
}

int hawser_pcap_read_open(const char *path, struct hawser_pcap_reader **out,
                          enum hawser_link_kind *kind, struct hawser_port_error *error)
{
    struct hawser_pcap_reader *reader;
    int result = open_file(path, &reader, error);
    if (result != 0)
        return result;
    int link_type = pcap_datalink(reader->pcap);
    if (kind_of(link_type, kind) == 0) {
        *out = reader;
        return 0;
    }
    hawser_pcap_read_close(reader);
    return refuse_link_type(path, link_type, "neither Ethernet nor bare IP", error);
}

int hawser_pcap_read_open_datagrams(const char *path, struct hawser_pcap_reader **out,
                                    struct hawser_port_error *error)
{
    struct hawser_pcap_reader *reader;
    int result = open_file(path, &reader, error);
    if (result != 0)
        return result;
    int link_type = pcap_datalink(reader->pcap);
    reader->datagrams = true;
    if (pcap_link_known(link_type)) {
        *out = reader;
        return 0;
    }
    hawser_pcap_read_close(reader);
    return refuse_link_type(path, link_type, "where IP datagrams cannot be found", error);
}

int hawser_pcap_read(struct hawser_pcap_reader *reader, struct hawser_pcap_packet *out,
                     struct hawser_port_error *error)
{
    struct pcap_pkthdr *header = NULL;
    const u_char *data = NULL;
    uint32_t offset = 0;
    do {
        int result = pcap_next_ex(reader->pcap, &header, &data);
        if (result == PCAP_ERROR_BREAK)
            return 0; /* libpcap's word for the end of the file */
        if (result != 1)
            return port_fail(error, EPROTO, "the capture file is damaged: %s",
                             pcap_geterr(reader->pcap));
    } while (reader->datagrams &&
             !pcap_link_find(pcap_datalink(reader->pcap), data, header->caplen, &offset));
    out->time_ns = (uint64_t)header->ts.tv_sec * NS_PER_S + (uint64_t)header->ts.tv_usec;
    out->data = data + offset;
    out->length = header->caplen - offset;
    out->original_length = header->len > offset ? header->len - offset : 0;
    return 1;
}

void hawser_pcap_read_close(struct hawser_pcap_reader *reader)
{
    if (reader == NULL)
        return;
    pcap_close(reader->pcap);
    free(reader);
}
