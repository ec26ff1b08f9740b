/* SPDX-License-Identifier: MIT */
/* Hawser's errors as errno values of Linux. */
#include "sock/internal.h"

#include <errno.h>

int sock_errno(int error)
{
    switch ((enum hawser_error)error) {
    case HAWSER_OK:
        return 0;
    case HAWSER_ERR_AGAIN:
        return EAGAIN;
    case HAWSER_ERR_INVALID:
    case HAWSER_ERR_CONFIG:
        return EINVAL;
    case HAWSER_ERR_NO_CONNECTION:
    case HAWSER_ERR_NOT_CONNECTED:
        return ENOTCONN;
    case HAWSER_ERR_CLOSING:
        return EPIPE;
    case HAWSER_ERR_EXISTS: /* connect: this 4-tuple is somebody's */
    case HAWSER_ERR_ADDRESS_NOT_AVAILABLE:
    case HAWSER_ERR_ADDRESS_NOT_LOCAL:
        return EADDRNOTAVAIL;
    case HAWSER_ERR_ADDRESS_IN_USE:
        return EADDRINUSE;
    case HAWSER_ERR_UNREACHABLE:
    case HAWSER_ERR_BAD_REMOTE:
    case HAWSER_ERR_REMOTE_UNSPECIFIED:
    case HAWSER_ERR_NET_UNREACHABLE:
        return ENETUNREACH;
    case HAWSER_ERR_RESOURCES:
        return ENOBUFS;
    case HAWSER_ERR_REFUSED:
        return ECONNREFUSED;
    case HAWSER_ERR_RESET:
        return ECONNRESET;
    case HAWSER_ERR_TIMED_OUT:
    case HAWSER_ERR_EXCESSIVE_RETRANSMISSION:
        return ETIMEDOUT;
    case HAWSER_ERR_ABORTED:
        return ECONNABORTED;
    case HAWSER_ERR_HOST_UNREACHABLE:
        return EHOSTUNREACH;
    case HAWSER_ERR_PROTOCOL_UNREACHABLE:
    case HAWSER_ERR_NO_OPTION:
        return ENOPROTOOPT;
    case HAWSER_ERR_PARAMETER_PROBLEM:
        return EPROTO;
    }
    return EIO;
}
