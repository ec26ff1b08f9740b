/* SPDX-License-Identifier: MIT */
/* A private network namespace for the process. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hawser/port/netns.h>

#include "fail.h"

static int write_file(const char *path, const char *text, struct hawser_port_error *error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    if (n < 0)
        return port_fail(error, why, "cannot become root of a user namespace: writing %s: %s", path,
                         strerror(why));
    return 0;
}

/* What stands in the way of user namespaces differs from system to system; name the usual ones. */
static int refuse_user_namespace(int why, struct hawser_port_error *error)
{
    const char *remedy = "";
    if (why == EPERM)
        remedy = ": run as root, or allow them (sysctl kernel.unprivileged_userns_clone=1, "
                 "kernel.apparmor_restrict_unprivileged_userns=0; a container needs CAP_SYS_ADMIN)";
    else if (why == ENOSPC)
        remedy = ": raise sysctl user.max_user_namespaces and user.max_net_namespaces";
    else if (why == EINVAL)
        remedy = ": the process has threads, or the kernel was built without namespaces";
    else if (why == ENOSYS)
        remedy = ": the kernel, or a sandbox around this process, has no unshare";
    return port_fail(error, why, "cannot make a private network: %s%s", strerror(why), remedy);
}

/* A user namespace in which the process, whoever it is outside, is root. */
static int enter_as_root_of_own(struct hawser_port_error *error)
{
    unsigned uid = geteuid();
    unsigned gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return refuse_user_namespace(errno, error);
    char map[32];
    (void)snprintf(map, sizeof map, "0 %u 1", uid);
    int result = write_file("/proc/self/uid_map", map, error);
    if (result ==
        0) /* a group map is taken only from who cannot drop groups with it: user_namespaces(7) */
        result = write_file("/proc/self/setgroups", "deny", error);
    (void)snprintf(map, sizeof map, "0 %u 1", gid);
    if (result == 0)
        result = write_file("/proc/self/gid_map", map, error);
    return result;
}

int hawser_netns_enter(struct hawser_port_error *error)
{
    int result = 0;
    if (unshare(CLONE_NEWNET) != 0) {
        if (errno != EPERM)
            return refuse_user_namespace(errno, error);
        result = enter_as_root_of_own(error);
    }
    return result != 0 ? result : hawser_interface_up("lo", error);
}
