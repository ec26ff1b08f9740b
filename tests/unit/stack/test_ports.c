/* SPDX-License-Identifier: MIT */
/* Users of local ports, address by address, against a plain count. */
#include "base/prng.h"
#include "stack/ports.h"
#include "support/test_memory.h"
#include "support/unit.h"
#include "wire/ip.h"

struct fixture {
    struct test_memory source;
    struct memory memory;
    struct ports ports;
};

static void begin(struct fixture *f)
{
    test_memory_init(&f->source);
    memory_init(&f->memory, &f->source.source, UINT64_MAX);
    ports_init(&f->ports, &f->memory);
}

static void end(struct fixture *f)
{
    ports_deinit(&f->ports);
    assert_int_equal(f->memory.used_bytes, 0);
    test_memory_deinit(&f->source);
}

static struct hawser_address address_number(unsigned n)
{
    struct hawser_address address = {{0x20, 1}};
    const uint8_t v4[4] = {10, 0, 0, (uint8_t)n};
    if (n & 1)
        return address_of_v4(v4);
    address.bytes[15] = (uint8_t)n;
    return address;
}

static const struct hawser_address any, any_v4 = {{[10] = 0xff, [11] = 0xff}};

static void test_wildcards(void **state)
{
    (void)state;
    struct fixture f;
    struct hawser_address v6 = address_number(2), v4 = address_number(1);
    begin(&f);
    assert_false(ports_used(&f.ports, &any, 80, false));
    assert_true(ports_hold(&f.ports, &v4, 80));
    assert_true(ports_used(&f.ports, &v4, 80, false));
    assert_false(ports_used(&f.ports, &v4, 81, false));
    assert_false(ports_used(&f.ports, &v6, 80, false));
    assert_true(ports_used(&f.ports, &any, 80, false));
    assert_true(ports_used(&f.ports, &any_v4, 80, false));
    assert_false(ports_used(&f.ports, &any, 80, true));
    assert_true(ports_hold(&f.ports, &v6, 443));
    assert_true(ports_used(&f.ports, &any, 443, true));
    assert_false(ports_used(&f.ports, &any_v4, 443, false));
    ports_release(&f.ports, &v4, 80);
    ports_release(&f.ports, &v6, 443);
    assert_false(ports_used(&f.ports, &any, 80, false));
    assert_false(ports_used(&f.ports, &any, 443, false));
    end(&f);
}

/* Few addresses: exact. Many: an address that shares may be told used when it is not, never the
 * other way round. */
static void test_model(void **state)
{
    (void)state;
    static uint32_t users[80][8];
    for (unsigned addresses = 5; addresses <= 80; addresses += 75) {
        struct fixture f;
        struct prng prng;
        unsigned wrong = 0;
        begin(&f);
        prng_init(&prng, addresses);
        memset(users, 0, sizeof users);
        for (unsigned i = 0; i < 200000; i++) {
            unsigned a = prng_below(&prng, addresses), p = prng_below(&prng, 8);
            struct hawser_address address = address_number(a);
            uint16_t port = (uint16_t)(p * 9001);
            bool fill = i / 20000 % 2 == 0; /* it grows, then it shrinks, and again */
            if (prng_below(&prng, 10) < (fill ? 8u : 2u)) {
                assert_true(ports_hold(&f.ports, &address, port));
                users[a][p]++;
            } else if (users[a][p] > 0) {
                ports_release(&f.ports, &address, port);
                users[a][p]--;
            }
            bool told = ports_used(&f.ports, &address, port, false);
            assert_true(told || users[a][p] == 0);
            wrong += told && users[a][p] == 0;
        }
        if (addresses < PORTS_ADDRESSES)
            assert_int_equal(wrong, 0);
        for (unsigned a = 0; a < addresses; a++) {
            for (unsigned p = 0; p < 8; p++) {
                struct hawser_address address = address_number(a);
                for (; users[a][p] > 0; users[a][p]--)
                    ports_release(&f.ports, &address, (uint16_t)(p * 9001));
                assert_false(address_is_unspecified(&address));
            }
        }
        for (unsigned p = 0; p < 8; p++)
            assert_false(ports_used(&f.ports, &any, (uint16_t)(p * 9001), false));
        end(&f);
    }
}

static void test_refused_memory(void **state)
{
    (void)state;
    struct fixture f;
    struct hawser_address address = address_number(1);
    begin(&f);
    test_memory_refuse_nth(&f.source, 1);
    assert_false(ports_hold(&f.ports, &address, 80));
    assert_false(ports_used(&f.ports, &address, 80, false));
    assert_true(ports_hold(&f.ports, &address, 80));
    ports_release(&f.ports, &address, 80);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wildcards),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_refused_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
