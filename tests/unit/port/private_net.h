/* SPDX-License-Identifier: MIT */
/* For tests that need a network of their own. */
#ifndef HAWSER_PRIVATE_NET_H
#define HAWSER_PRIVATE_NET_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <hawser/port/netns.h>

/* Moves the test into a network namespace of its own; or ends the test with 77. */
static inline void enter_private_net(bool needs_device)
{
    struct hawser_port_error error;
    if (hawser_netns_enter(&error) != 0) {
        printf("SKIP: %s\n", error.text);
        exit(77);
    }
    if (needs_device && access("/dev/net/tun", R_OK | W_OK) != 0) {
        printf("SKIP: /dev/net/tun cannot be used here\n");
        exit(77);
    }
}

#endif
