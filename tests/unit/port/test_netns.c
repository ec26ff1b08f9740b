/* SPDX-License-Identifier: MIT */
/* A private network namespace, for root and for others, and what is said when it cannot be. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hawser/port/netns.h>

#include "support/unit.h"

/* Where the process is: the name of its network namespace. */
static void namespace_name(char out[64])
{
    ssize_t n = readlink("/proc/self/ns/net", out, 63);
    out[n > 0 ? n : 0] = '\0';
}

/* Runs in a process of its own, so that the test itself stays where it is. */
static int in_child(int (*body)(void *), void *context)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body(context));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* 0: in a new namespace with nothing but lo, which is up. 77: not allowed here. */
static int enter(void *context)
{
    bool *drop = context;
    char before[64], after[64];
    struct hawser_port_error error = {""};
    if (*drop && (setgid(65534) != 0 || setuid(65534) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0))
        return 77;
    namespace_name(before);
    int result = hawser_netns_enter(&error);
    if (result != 0)
        return result == -EPERM || result == -ENOSPC ? 77 : 1;
    namespace_name(after);
    if (before[0] == '\0' || strcmp(before, after) == 0)
        return 2;
    if (geteuid() != 0)
        return 3;
    struct if_nameindex *list = if_nameindex();
    if (list == NULL || list[0].if_index == 0 || strcmp(list[0].if_name, "lo") != 0 ||
        list[1].if_index != 0)
        return 4;
    if_freenameindex(list);
    struct ifaddrs *addresses = NULL;
    if (getifaddrs(&addresses) != 0 || addresses == NULL || (addresses->ifa_flags & IFF_UP) == 0)
        return 5;
    freeifaddrs(addresses);
    return hawser_interface_down("lo", NULL) == 0 ? 0 : 6; /* administrator of it */
}

static bool allowed[2];

static void test_enter(void **state)
{
    (void)state;
    char before[64], after[64];
    namespace_name(before);
    bool drop = false;
    if (allowed[0])
        assert_int_equal(in_child(enter, &drop), 0);
    drop = true; /* root gives its rights up first */
    if (allowed[1])
        assert_int_equal(in_child(enter, &drop), 0);
    namespace_name(after);
    assert_string_equal(before, after);
}

/* unshare fails with this error from now on. */
static int with_failing_unshare(void *context)
{
    static const struct {
        int error_number;
        const char *text;
    } rows[] = {
        {EPERM, "run as root"},
        {ENOSPC, "user.max_user_namespaces"},
        {EINVAL, "threads"},
        {ENOSYS, "sandbox"},
    };
    size_t row = *(size_t *)context;
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)rows[row].error_number),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = COUNT_OF(program), .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        return 1;
    struct hawser_port_error error = {""};
    if (hawser_netns_enter(&error) != -rows[row].error_number)
        return 2;
    return strstr(error.text, rows[row].text) != NULL ? 0 : 3;
}

static void test_refusals(void **state)
{
    (void)state;
    for (size_t row = 0; row < 4; row++)
        assert_int_equal(in_child(with_failing_unshare, &row), 0);
}

int main(void)
{
    bool drop = false;
    allowed[0] = in_child(enter, &drop) != 77;
    drop = true;
    allowed[1] = in_child(enter, &drop) != 77;
    if (!allowed[0] && !allowed[1]) {
        printf("SKIP: no namespaces for this process\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enter),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
