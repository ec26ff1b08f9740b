/* SPDX-License-Identifier: MIT */
/* The kernel's interfaces: up, MTU, addresses, by ioctl and rtnetlink. */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hawser/port/netns.h>

#include "fail.h"

/* What would help, for the errors people meet. */
static const char *remedy(int error_number)
{
    switch (error_number) {
    case EPERM:
    case EACCES:
        return " (needs CAP_NET_ADMIN in this network namespace: run as root, or in a private one)";
    case ENODEV:
        return " (there is no such interface here)";
    default:
        return "";
    }
}

static int set_name(struct ifreq *request, const char *name, struct hawser_port_error *error)
{
    memset(request, 0, sizeof *request);
    size_t length = strlen(name);
    if (length == 0 || length >= IFNAMSIZ)
        return port_fail(error, ENAMETOOLONG,
                         "interface name \"%.40s\": must have 1 to %d characters", name,
                         IFNAMSIZ - 1);
    memcpy(request->ifr_name, name, length);
    return 0;
}

/* One ioctl about an interface; request holds its name and value. */
static int control(unsigned long code, struct ifreq *request, const char *what,
                   struct hawser_port_error *error)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return port_fail(error, errno, "cannot make a socket to %s: %s", what, strerror(errno));
    int result = ioctl(fd, code, request) == 0 ? 0 : errno;
    (void)close(fd);
    if (result != 0)
        return port_fail(error, result, "cannot %s of interface %s: %s%s", what, request->ifr_name,
                         strerror(result), remedy(result));
    return 0;
}

/* Leaves the interface alone if the flag is as wanted: an ordinary user may then use what an
 * administrator made. */
static int set_up(const char *name, bool up, struct hawser_port_error *error)
{
    struct ifreq request;
    int result = set_name(&request, name, error);
    if (result == 0)
        result = control(SIOCGIFFLAGS, &request, "read the flags", error);
    if (result != 0 || ((request.ifr_flags & IFF_UP) != 0) == up)
        return result;
    request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    return control(SIOCSIFFLAGS, &request, up ? "set the up flag" : "clear the up flag", error);
}

int hawser_interface_up(const char *name, struct hawser_port_error *error)
{
    return set_up(name, true, error);
}

int hawser_interface_down(const char *name, struct hawser_port_error *error)
{
    return set_up(name, false, error);
}

int hawser_interface_mtu(const char *name, uint32_t *mtu, struct hawser_port_error *error)
{
    struct ifreq request;
    int result = set_name(&request, name, error);
    if (result == 0)
        result = control(SIOCGIFMTU, &request, "read the MTU", error);
    if (result == 0)
        *mtu = (uint32_t)request.ifr_mtu;
    return result;
}

int hawser_interface_set_mtu(const char *name, uint32_t mtu, struct hawser_port_error *error)
{
    uint32_t present = 0;
    int result = hawser_interface_mtu(name, &present, error);
    if (result != 0 || present == mtu)
        return result;
    if (mtu > 65535)
        return port_fail(error, EINVAL, "MTU %u: more than an IP packet can have", mtu);
    struct ifreq request;
    (void)set_name(&request, name, error); /* it was good a moment ago */
    request.ifr_mtu = (int)mtu;
    return control(SIOCSIFMTU, &request, "set the MTU", error);
}

int hawser_interface_mac(const char *name, uint8_t mac[6], struct hawser_port_error *error)
{
    struct ifreq request;
    int result = set_name(&request, name, error);
    if (result == 0)
        result = control(SIOCGIFHWADDR, &request, "read the Ethernet address", error);
    if (result == 0)
        memcpy(mac, request.ifr_hwaddr.sa_data, 6);
    return result;
}

/* A request to add an address, as rtnetlink(7) has it. */
struct address_request {
    struct nlmsghdr header;
    struct ifaddrmsg message;
    uint8_t attributes[64];
};

static void add_attribute(struct address_request *request, unsigned short type, const void *data,
                          size_t length)
{
    struct rtattr attribute = {.rta_len = (unsigned short)RTA_LENGTH(length), .rta_type = type};
    uint8_t *at = (uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len);
    memcpy(at, &attribute, sizeof attribute);
    memcpy(at + sizeof attribute, data, length);
    request->header.nlmsg_len =
        (uint32_t)(NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute.rta_len));
}

static void build_request(struct address_request *request, unsigned index,
                          const struct hawser_address *address, bool v4, unsigned bits)
{
    memset(request, 0, sizeof *request);
    request->header.nlmsg_len = NLMSG_LENGTH(sizeof request->message);
    request->header.nlmsg_type = RTM_NEWADDR;
    request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    request->message.ifa_family = v4 ? AF_INET : AF_INET6;
    request->message.ifa_prefixlen = (unsigned char)bits;
    request->message.ifa_flags = v4 ? 0 : IFA_F_NODAD;
    request->message.ifa_index = index;
    const uint8_t *bytes = v4 ? address->bytes + 12 : address->bytes;
    size_t length = v4 ? 4 : 16;
    add_attribute(request, IFA_LOCAL, bytes, length);
    add_attribute(request, IFA_ADDRESS, bytes, length);
}

/* Sends a request and waits for the kernel's word on it; 0 or an errno value. */
static int ask_kernel(const struct address_request *request)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[512]; /* the kernel may say more than the number */
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return errno;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int result = 0;
    ssize_t n = sendto(fd, request, request->header.nlmsg_len, 0, (struct sockaddr *)&kernel,
                       sizeof kernel);
    if (n >= 0)
        n = recv(fd, &answer, sizeof answer, 0); /* answered before sendto returned: never waits */
    if (n < 0)
        result = errno;
    else if ((size_t)n < sizeof answer.header + sizeof answer.error ||
             answer.header.nlmsg_type != NLMSG_ERROR)
        result = EPROTO;
    else
        result = -answer.error.error;
    (void)close(fd);
    return result;
}

int hawser_interface_add_address(const char *name, const struct hawser_address *address,
                                 unsigned bits, struct hawser_port_error *error)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool v4 = memcmp(address->bytes, mapped, sizeof mapped) == 0;
    if (bits > (v4 ? 32u : 128u))
        return port_fail(error, EINVAL, "prefix of %u bits: an %s address has %d", bits,
                         v4 ? "IPv4" : "IPv6", v4 ? 32 : 128);
    struct ifreq request;
    int result = set_name(&request, name, error);
    if (result == 0)
        result = control(SIOCGIFINDEX, &request, "read the index", error);
    if (result != 0)
        return result;
    struct address_request add;
    build_request(&add, (unsigned)request.ifr_ifindex, address, v4, bits);
    result = ask_kernel(&add);
    if (result != 0)
        return port_fail(error, result, "cannot give interface %s an address: %s%s", name,
                         strerror(result), remedy(result));
    return 0;
}
