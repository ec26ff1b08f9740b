/* SPDX-License-Identifier: MIT */
/* The kernel's side of a link: private namespaces, and interfaces set up without `ip`. */
#ifndef HAWSER_PORT_NETNS_H
#define HAWSER_PORT_NETNS_H

#include <hawser/hawser.h>
#include <hawser/port/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Moves the calling process (single-threaded) into a new, empty network namespace, with `lo` up.
 * Where that needs a privilege the process lacks, a new user namespace comes with it, in which the
 * process is root. Children inherit it. It has no name and no file: it ends, with all its devices,
 * when the last process in it does. Returns 0; -EPERM, -ENOSPC, -EINVAL (threads), -ENOSYS or what
 * else the kernel says, with the remedy in error; the process is then where it was, or for a
 * failure after the first step in a new user namespace without rights. */
HAWSER_EXPORT
int hawser_netns_enter(struct hawser_port_error *error);

/* Of an interface of the present namespace by name. They return 0, -ENODEV (no such interface),
 * -EPERM (not the administrator of this namespace), -ENAMETOOLONG, or what else the kernel says. */
HAWSER_EXPORT
int hawser_interface_up(const char *name, struct hawser_port_error *error);
HAWSER_EXPORT
int hawser_interface_down(const char *name, struct hawser_port_error *error);

/* mtu in bytes of an IP packet. -EINVAL: the device does not take it. */
HAWSER_EXPORT
int hawser_interface_set_mtu(const char *name, uint32_t mtu, struct hawser_port_error *error);

/* Gives the kernel an address there: bits is the on-link prefix, 0..32 (IPv4) or 0..128. An IPv6
 * address can be used at once (no duplicate address detection). -EEXIST: it has it already;
 * -EINVAL: bits. */
HAWSER_EXPORT
int hawser_interface_add_address(const char *name, const struct hawser_address *address,
                                 unsigned bits, struct hawser_port_error *error);

/* Its MTU, to *mtu. */
HAWSER_EXPORT
int hawser_interface_mtu(const char *name, uint32_t *mtu, struct hawser_port_error *error);

/* Its Ethernet address. */
HAWSER_EXPORT
int hawser_interface_mac(const char *name, uint8_t mac[6], struct hawser_port_error *error);

#ifdef __cplusplus
}
#endif
#endif
