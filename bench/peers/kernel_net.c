/* SPDX-License-Identifier: MIT */
/* Network namespaces without names, and a veth pair between two of them with its offloads off. */
#include "kernel_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "peer.h"

/* ---- namespaces and devices ----------------------------------------------------------------- */

static int new_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        peer_cannot("no network namespace of its own");
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        peer_fail("/proc/thread-self/ns/net");
    return fd;
}

static void enter(int ns)
{
    if (setns(ns, CLONE_NEWNET) != 0)
        peer_fail("setns");
}

static void set(const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(value, file) < 0 || fclose(file) != 0)
        peer_fail("%s", path);
}

static void settings(void)
{
    set("ip_local_port_range", "1024 65535"); /* as the client of hawser bench */
    set("tcp_tw_reuse", "0");
    set("tcp_max_tw_buckets", "4000000");
}

static void request(unsigned long what, struct ifreq *interface, const char *name)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(interface->ifr_name, sizeof interface->ifr_name, "%s", name);
    if (fd < 0 || ioctl(fd, what, interface) != 0)
        peer_fail("setting up %s", name);
    close(fd);
}

static void bring_up(const char *name, const char *address)
{
    struct ifreq interface = {0};
    if (address != NULL) {
        struct sockaddr_in at = {.sin_family = AF_INET};
        inet_pton(AF_INET, address, &at.sin_addr);
        memcpy(&interface.ifr_addr, &at, sizeof at);
        request(SIOCSIFADDR, &interface, name);
        inet_pton(AF_INET, "255.255.255.0", &at.sin_addr);
        memcpy(&interface.ifr_netmask, &at, sizeof at);
        request(SIOCSIFNETMASK, &interface, name);
    }
    request(SIOCGIFFLAGS, &interface, name);
    interface.ifr_flags |= IFF_UP;
    request(SIOCSIFFLAGS, &interface, name);
}

/* Frames of at most an MTU in both directions, and a checksum computed and verified for each: what
 * was computed in software is verified where it arrives, and there is no switch for that. */
static void offloads_off(const char *name)
{
    static const struct {
        uint32_t off, ask;
    } features[] = {
        {ETHTOOL_STSO, ETHTOOL_GTSO},
        {ETHTOOL_SGSO, ETHTOOL_GGSO},
        {ETHTOOL_SGRO, ETHTOOL_GGRO},
        {ETHTOOL_STXCSUM, ETHTOOL_GTXCSUM},
    };
    for (unsigned i = 0; i < sizeof features / sizeof features[0]; i++) {
        struct ethtool_value value = {.cmd = features[i].off};
        struct ifreq interface = {.ifr_data = (char *)&value};
        request(SIOCETHTOOL, &interface, name);
        value = (struct ethtool_value){.cmd = features[i].ask, .data = 1};
        request(SIOCETHTOOL, &interface, name);
        if (value.data != 0)
            peer_fail("%s keeps an offload on", name);
    }
}

/* ---- making the pair: one netlink message --------------------------------------------------- */

struct message {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[256];
};

static struct rtattr *begin(struct message *m, unsigned short type, const void *data, size_t bytes)
{
    struct rtattr *attribute = (void *)((char *)m + NLMSG_ALIGN(m->header.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(bytes);
    if (bytes != 0)
        memcpy(RTA_DATA(attribute), data, bytes);
    m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len) + (uint32_t)RTA_SPACE(bytes);
    return attribute;
}

static void end(struct message *m, struct rtattr *attribute)
{
    attribute->rta_len = (unsigned short)((char *)m + m->header.nlmsg_len - (char *)attribute);
}

static void make_veth(const char *here, const char *there, int there_ns)
{
    const struct ifinfomsg peer_link = {.ifi_family = AF_UNSPEC};
    struct message m = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof m.link),
                   .nlmsg_type = RTM_NEWLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK},
    };
    begin(&m, IFLA_IFNAME, here, strlen(here) + 1);
    struct rtattr *info = begin(&m, IFLA_LINKINFO, NULL, 0);
    begin(&m, IFLA_INFO_KIND, "veth", 4);
    struct rtattr *data = begin(&m, IFLA_INFO_DATA, NULL, 0);
    struct rtattr *peer = begin(&m, VETH_INFO_PEER, &peer_link, sizeof peer_link);
    begin(&m, IFLA_IFNAME, there, strlen(there) + 1);
    begin(&m, IFLA_NET_NS_FD, &there_ns, sizeof there_ns);
    end(&m, peer);
    end(&m, data);
    end(&m, info);

    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[512];
    } reply;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || send(fd, &m, m.header.nlmsg_len, 0) < 0 || recv(fd, &reply, sizeof reply, 0) < 0)
        peer_fail("netlink");
    errno = reply.header.nlmsg_type == NLMSG_ERROR ? -reply.error.error : EPROTO;
    if (errno != 0)
        peer_cannot("no veth pair");
    close(fd);
}

void kernel_net_create(bool veth, struct kernel_net *out)
{
    *out = (struct kernel_net){.own = geteuid() == 0, .client_ns = -1};
    inet_pton(AF_INET, veth ? "10.0.0.2" : "127.0.0.1", &out->to);
    if (!out->own && veth)
        peer_cannot("a veth pair needs root");
    if (!out->own)
        return;
    if (veth)
        out->client_ns = new_namespace();
    int server_ns = new_namespace();
    settings();
    bring_up("lo", NULL);
    if (veth) {
        make_veth("server", "client", out->client_ns);
        offloads_off("server");
        bring_up("server", "10.0.0.2");
        enter(out->client_ns);
        settings();
        offloads_off("client");
        bring_up("client", "10.0.0.1");
        enter(server_ns);
    }
    close(server_ns);
}

void kernel_net_be_client(const struct kernel_net *net)
{
    if (net->client_ns >= 0)
        enter(net->client_ns);
}

uint64_t kernel_time_waits(void)
{
    unsigned long long count = 0;
    char line[256];
    FILE *file = fopen("/proc/thread-self/net/sockstat", "r");
    if (file == NULL)
        peer_fail("/proc/thread-self/net/sockstat");
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "TCP: inuse %*u orphan %*u tw %llu", &count) == 1)
            break;
    fclose(file);
    return count;
}

void kernel_descriptors(uint32_t wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    errno = 0;
    if (wanted > limit.rlim_max)
        peer_cannot("so many connections need %u descriptors, and a process may have %llu", wanted,
                    (unsigned long long)limit.rlim_max);
}

double kernel_call_ns(void)
{
    const unsigned count = 1000000;
    uint64_t from_ns = peer_now_ns();
    for (unsigned i = 0; i < count; i++)
        syscall(SYS_getppid);
    return (double)(peer_now_ns() - from_ns) / count;
}
