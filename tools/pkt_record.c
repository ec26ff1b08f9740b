/* SPDX-License-Identifier: MIT */
/* hawser pkt --record: a captured connection as a script. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/pcap.h>

#include "cli.h"
#include "commands.h"
#include "pkt.h"
#include "pkt/record.h"

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80" */
bool pkt_record_local_scan(const char *text, struct pkt_record_choice *choice)
{
    char address[HAWSER_ADDRESS_TEXT_MAX + 2];
    const char *end = text + strlen(text), *port = NULL;
    choice->has_local = true;
    if (hawser_address_scan(text, &choice->local) == 0)
        return true;
    if (*text == '[') {
        end = strchr(++text, ']');
        if (end == NULL || (end[1] != 0 && end[1] != ':'))
            return false;
        port = end[1] == ':' ? end + 2 : NULL;
    } else if ((end = strchr(text, ':')) == NULL) {
        return false;
    } else {
        port = end + 1;
    }
    if ((size_t)(end - text) >= sizeof address)
        return false;
    memcpy(address, text, (size_t)(end - text));
    address[end - text] = 0;
    if (port != NULL) {
        char *rest;
        unsigned long number = strtoul(port, &rest, 10);
        if (*port < '0' || *port > '9' || *rest != 0 || number < 1 || number > 65535)
            return false;
        choice->local_port = (uint16_t)number;
    }
    return hawser_address_scan(address, &choice->local) == 0;
}

/* What was read before a damage counts: captures that were being written end anywhere. */
static int read_capture(const char *path, struct pkt_record *record)
{
    struct hawser_pcap_reader *reader;
    struct hawser_port_error error = {0};
    struct hawser_pcap_packet packet;
    int status = hawser_pcap_read_open_datagrams(path, &reader, &error);
    if (status != 0) {
        cli_error("%s", error.text);
        return -1;
    }
    while ((status = hawser_pcap_read(reader, &packet, &error)) == 1)
        if (pkt_record_add(record, packet.time_ns, packet.data, packet.length,
                           packet.original_length) != 0) {
            cli_error("%s: more than %u packets; capture less, or cut it", path,
                      PKT_RECORD_PACKETS_MAX);
            status = -1;
            break;
        }
    hawser_pcap_read_close(reader);
    if (status >= 0 || status == -1)
        return status;
    cli_error("%s: %s", path, error.text);
    return 0;
}

int pkt_record_command(struct pkt_command *command)
{
    struct pkt_record *record = pkt_record_new(&command->arena);
    const char *why = NULL;
    if (read_capture(command->record.path, record) != 0)
        return STATUS_FAILED;
    const char *script = pkt_record_script(record, &command->record, &why);
    if (script == NULL) {
        cli_error("%s: %s", command->record.path, why);
        return STATUS_FAILED;
    }
    fputs(script, stdout);
    return STATUS_OK;
}
