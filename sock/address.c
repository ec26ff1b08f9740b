/* SPDX-License-Identifier: MIT */
/* sockaddr_in and sockaddr_in6 as endpoints of Hawser, and back. */
#include "sock/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#define V6_LENGTH_MIN 24u /* RFC 2133: without the scope */

/* Longer than any address is a mistake. */
static bool fits(socklen_t length, bool v4)
{
    return length >= (v4 ? sizeof(struct sockaddr_in) : V6_LENGTH_MIN) &&
           length <= sizeof(struct sockaddr_storage);
}

static const struct hawser_address any_v4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};

bool address_is_any_v4(const struct hawser_address *address)
{
    return memcmp(address, &any_v4, sizeof any_v4) == 0;
}

bool address_is_any(const struct hawser_address *address)
{
    static const struct hawser_address any;
    return memcmp(address, &any, sizeof any) == 0 || address_is_any_v4(address);
}

bool address_is_loopback_v4(const struct hawser_address *address)
{
    return hawser_address_is_v4(address) && address->bytes[12] == 127;
}

struct hawser_address address_any(int domain)
{
    return domain == AF_INET ? any_v4 : (struct hawser_address){{0}};
}

static struct hawser_endpoint endpoint_v4(const struct sockaddr *address)
{
    struct sockaddr_in in;
    struct hawser_endpoint out = {.address = any_v4};
    memcpy(&in, address, sizeof in);
    memcpy(out.address.bytes + 12, &in.sin_addr, 4);
    out.port = ntohs(in.sin_port);
    return out;
}

static struct hawser_endpoint endpoint_v6(const struct sockaddr *address)
{
    struct sockaddr_in6 in6;
    struct hawser_endpoint out;
    memcpy(&in6, address, V6_LENGTH_MIN);
    memcpy(out.address.bytes, &in6.sin6_addr, 16);
    out.port = ntohs(in6.sin6_port);
    return out;
}

int address_for_bind(const struct sock *sock, const struct sockaddr *address, socklen_t length,
                     struct hawser_endpoint *out)
{
    bool v4 = sock->domain == AF_INET;
    if (!fits(length, v4))
        return -EINVAL;
    if (address == NULL)
        return -EFAULT;
    if (v4) {
        *out = endpoint_v4(address);
        bool unspecific = address->sa_family == AF_UNSPEC && address_is_any(&out->address);
        return address->sa_family == AF_INET || unspecific ? 0 : -EAFNOSUPPORT;
    }
    if (address->sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    *out = endpoint_v6(address);
    return out->address.bytes[0] == 0xff ? -EINVAL : 0;
}

/* Nobody's address stands for this host itself, as programs expect it. */
static void to_loopback(struct hawser_address *address)
{
    static const uint8_t localhost[4] = {127, 0, 0, 1};
    if (address_is_any_v4(address))
        memcpy(address->bytes + 12, localhost, sizeof localhost);
    else if (address_is_any(address))
        address->bytes[15] = 1;
}

int address_for_connect(const struct sock *sock, const struct sockaddr *address, socklen_t length,
                        struct hawser_endpoint *out)
{
    bool v4 = sock->domain == AF_INET;
    if (!fits(length, v4))
        return -EINVAL;
    if (address->sa_family != (v4 ? AF_INET : AF_INET6))
        return -EAFNOSUPPORT;
    *out = v4 ? endpoint_v4(address) : endpoint_v6(address);
    to_loopback(&out->address);
    if (!v4 && sock->set.v6_only && hawser_address_is_v4(&out->address))
        return -ENETUNREACH;
    return 0;
}

int address_tell(int domain, const struct hawser_endpoint *endpoint, struct sockaddr *address,
                 socklen_t *length)
{
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } full = {0};
    if (length == NULL)
        return -EFAULT;
    if (*length > INT32_MAX)
        return -EINVAL;
    if (domain == AF_INET) {
        full.in.sin_family = AF_INET;
        full.in.sin_port = htons(endpoint->port);
        memcpy(&full.in.sin_addr, endpoint->address.bytes + 12, 4);
    } else {
        full.in6.sin6_family = AF_INET6;
        full.in6.sin6_port = htons(endpoint->port);
        memcpy(&full.in6.sin6_addr, endpoint->address.bytes, 16);
    }
    socklen_t whole = domain == AF_INET ? sizeof full.in : sizeof full.in6;
    if (*length > 0 && address == NULL)
        return -EFAULT;
    if (*length > 0)
        memcpy(address, &full, *length < whole ? *length : whole);
    *length = whole;
    return 0;
}
