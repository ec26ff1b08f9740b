/* SPDX-License-Identifier: MIT */
/* The secret: 32 bytes that differ, and no secret at all when the kernel gives none. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hawser/port/entropy.h>

#include "support/unit.h"

static void test_differs(void **state)
{
    (void)state;
    uint8_t keys[16][32];
    unsigned bits_set = 0;
    for (unsigned i = 0; i < COUNT_OF(keys); i++) {
        memset(keys[i], 0, 32);
        assert_int_equal(hawser_entropy(keys[i]), 0);
        for (unsigned k = 0; k < i; k++)
            assert_memory_not_equal(keys[i], keys[k], 32);
        for (unsigned b = 0; b < 256; b++)
            bits_set += (unsigned)keys[i][b / 8] >> (b % 8) & 1u;
    }
    /* 4096 fair bits: 2048 set, standard deviation 32; ten of them */
    assert_in_range(bits_set, 2048 - 320, 2048 + 320);
}

/* From now on getrandom fails with EIO in this process. */
static bool forbid_getrandom(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = COUNT_OF(program), .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* EVIDENCE 6528-03 */
static void test_no_constant_key(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uint8_t key[32];
        static const uint8_t zero[32];
        memset(key, 0xa5, sizeof key);
        if (!forbid_getrandom())
            _exit(2);
        if (hawser_entropy(key) != -EIO)
            _exit(3);
        _exit(memcmp(key, zero, sizeof key) == 0 ? 0 : 4); /* what hawser_host_create refuses */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differs),
        cmocka_unit_test(test_no_constant_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
