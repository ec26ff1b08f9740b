/* SPDX-License-Identifier: MIT */
/* Where the IP datagram begins in a frame of a capture; private to port/. */
#ifndef PORT_PCAP_LINK_H
#define PORT_PCAP_LINK_H

#include <stdbool.h>
#include <stdint.h>

/* Whether frames of this type (DLT_...) can hold IP datagrams that pcap_link_find finds. */
bool pcap_link_known(int link_type);

/* *offset: where the datagram begins. false: it holds none, or not even its first byte was kept. */
bool pcap_link_find(int link_type, const uint8_t *data, uint32_t length, uint32_t *offset);

#endif
