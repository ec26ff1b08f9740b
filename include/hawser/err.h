/* SPDX-License-Identifier: MIT */
/* The one list of errors. Calls return 0 (or a count) on success and one of these, negative, on failure. */
#ifndef HAWSER_ERR_H
#define HAWSER_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, number, class, text): the texts are the phrases of RFC 9293 3.10 where it has one.
 * class: CALLER = the call is wrong or comes too early or late, PEER = the other end or the network did it, RESOURCE = a limit was reached. */
#define HAWSER_ERROR_MAP(X)                                                                                     \
    X(AGAIN, -1, CALLER, "nothing to read, no room to write or nobody to accept yet: wait for the event")        \
    X(INVALID, -2, CALLER, "an argument is out of its range")                                                    \
    X(NO_CONNECTION, -3, CALLER, "connection does not exist")                                                    \
    X(EXISTS, -4, CALLER, "connection already exists")                                                           \
    X(CLOSING, -5, CALLER, "connection closing")                                                                 \
    X(NOT_CONNECTED, -6, CALLER, "the connection is not yet open, or this is a listener")                        \
    X(REMOTE_UNSPECIFIED, -7, CALLER, "remote connection unspecified")                                           \
    X(ADDRESS_IN_USE, -8, CALLER, "the local address and port are in use")                                       \
    X(ADDRESS_NOT_AVAILABLE, -9, RESOURCE, "no local address or port is left for this remote end")               \
    X(ADDRESS_NOT_LOCAL, -10, CALLER, "the local address is not one of this host's")                             \
    X(UNREACHABLE, -11, CALLER, "no route leads to the remote address")                                          \
    X(BAD_REMOTE, -12, CALLER, "the remote address is not a unicast address, or the port is 0")                  \
    X(RESOURCES, -13, RESOURCE, "insufficient resources")                                                        \
    X(REFUSED, -14, PEER, "connection refused")                                                                  \
    X(RESET, -15, PEER, "connection reset")                                                                      \
    X(TIMED_OUT, -16, PEER, "connection aborted due to user timeout")                                            \
    X(ABORTED, -17, CALLER, "connection aborted by the local user")                                              \
    X(NET_UNREACHABLE, -18, PEER, "network unreachable (ICMP)")                                                  \
    X(HOST_UNREACHABLE, -19, PEER, "host unreachable (ICMP)")                                                    \
    X(PROTOCOL_UNREACHABLE, -20, PEER, "protocol unreachable (ICMP)")                                            \
    X(NO_OPTION, -21, CALLER, "no such option, or it cannot be set in this state")                               \
    X(EXCESSIVE_RETRANSMISSION, -22, PEER, "a segment was sent more than R1 times without an answer")            \
    X(PARAMETER_PROBLEM, -23, PEER, "the network reported a parameter problem (ICMP)")                           \
    X(CONFIG, -24, CALLER, "the configuration contradicts itself")

enum hawser_error {
#define HAWSER_ERROR_ENUM(name, number, class, text) HAWSER_ERR_##name = number,
    HAWSER_ERROR_MAP(HAWSER_ERROR_ENUM)
#undef HAWSER_ERROR_ENUM
    HAWSER_OK = 0
};

enum hawser_error_class { HAWSER_CLASS_NONE, HAWSER_CLASS_CALLER, HAWSER_CLASS_PEER, HAWSER_CLASS_RESOURCE };

#ifndef HAWSER_EXPORT
#define HAWSER_EXPORT __attribute__((visibility("default")))
#endif

/* "RESET", "TIMED_OUT", …; "OK" for 0 and "UNKNOWN" for a number that is none of ours. Static storage. */
HAWSER_EXPORT const char *hawser_error_name(int error);

/* One plain sentence. Static storage, never NULL. */
HAWSER_EXPORT const char *hawser_error_text(int error);

HAWSER_EXPORT enum hawser_error_class hawser_error_class_of(int error);

#ifdef __cplusplus
}
#endif
#endif
