/* SPDX-License-Identifier: MIT */
/* Capture files, read. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/pcap.h>

#include "fail.h"

#define NS_PER_S 1000000000u

struct hawser_pcap_reader {
    pcap_t *pcap;
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
static int refuse_link_type(const char *path, int link_type, struct hawser_port_error *error)
{
    const char *name = pcap_datalink_val_to_name(link_type);
    return port_fail(error, ENOTSUP,
                     "%s: captured on a link of type %s (%d), neither Ethernet nor bare IP", path,
                     name != NULL ? name : "unknown", link_type);
}

int hawser_pcap_read_open(const char *path, struct hawser_pcap_reader **out,
                          enum hawser_link_kind *kind, struct hawser_port_error *error)
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
    int result = kind_of(pcap_datalink(pcap), kind);
    if (result != 0) {
        result = refuse_link_type(path, pcap_datalink(pcap), error);
        pcap_close(pcap);
        return result;
    }
    struct hawser_pcap_reader *reader = malloc(sizeof *reader);
    if (reader == NULL) {
        pcap_close(pcap);
        return port_fail(error, ENOMEM, "no memory to read %s", path);
    }
    reader->pcap = pcap;
    *out = reader;
    return 0;
}

int hawser_pcap_read(struct hawser_pcap_reader *reader, struct hawser_pcap_packet *out,
                     struct hawser_port_error *error)
{
    struct pcap_pkthdr *header = NULL;
    const u_char *data = NULL;
    int result = pcap_next_ex(reader->pcap, &header, &data);
    if (result == PCAP_ERROR_BREAK)
        return 0; /* libpcap's word for the end of the file */
    if (result != 1)
        return port_fail(error, EPROTO, "the capture file is damaged: %s",
                         pcap_geterr(reader->pcap));
    out->time_ns = (uint64_t)header->ts.tv_sec * NS_PER_S + (uint64_t)header->ts.tv_usec;
    out->data = data;
    out->length = header->caplen;
    out->original_length = header->len;
    return 1;
}

void hawser_pcap_read_close(struct hawser_pcap_reader *reader)
{
    if (reader == NULL)
        return;
    pcap_close(reader->pcap);
    free(reader);
}
