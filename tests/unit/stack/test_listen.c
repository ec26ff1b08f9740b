/* SPDX-License-Identifier: MIT */
/* Which listener a segment finds, and which two cannot both be. */
#include "lan.h"
#include "stack/listen.h"

struct fixture {
    struct test_memory source;
    struct memory memory;
    struct listeners listeners;
};

static void begin(struct fixture *f, uint32_t limit)
{
    test_memory_init(&f->source);
    memory_init(&f->memory, &f->source.source, UINT64_MAX);
    assert_true(listeners_init(&f->listeners, &f->memory, limit, 65536));
}

static void end(struct fixture *f)
{
    pool_deinit(&f->listeners.pool);
    test_memory_deinit(&f->source);
}

static struct hawser_endpoint at(const char *address, uint16_t port)
{
    return address == NULL ? (struct hawser_endpoint){.port = port} : lan_end(address, port);
}

static uint32_t add(struct fixture *f, const char *local, uint16_t port, const char *remote,
                    uint16_t remote_port, bool v6_only)
{
    struct hawser_endpoint l = at(local, port), r = at(remote, remote_port);
    return listeners_add(&f->listeners, &l, &r, v6_only);
}

static uint32_t find(struct fixture *f, const char *local, uint16_t port, const char *remote,
                     uint16_t remote_port)
{
    struct hawser_endpoint l = lan_end(local, port), r = lan_end(remote, remote_port);
    struct flow_key key = {l.address, r.address, l.port, r.port};
    return listeners_find(&f->listeners, &key);
}

/* EVIDENCE 9293-MUST-43 */
static void test_the_most_specific_wins(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100);
    uint32_t any = add(&f, NULL, 80, NULL, 0, false);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.9", 5), any);
    assert_int_equal(find(&f, "2001:db8::1", 80, "2001:db8::9", 5), any);
    assert_int_equal(find(&f, "10.0.0.1", 81, "10.9.9.9", 5), LISTENER_NONE);
    uint32_t v4 = add(&f, "0.0.0.0", 80, NULL, 0, false);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.9", 5), v4);
    assert_int_equal(find(&f, "2001:db8::1", 80, "2001:db8::9", 5), any);
    uint32_t exact = add(&f, "10.0.0.1", 80, NULL, 0, false);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.9", 5), exact);
    assert_int_equal(find(&f, "10.0.0.2", 80, "10.9.9.9", 5), v4);
    uint32_t friend = add(&f, "10.0.0.1", 80, "10.9.9.9", 0, false);
    uint32_t one = add(&f, "10.0.0.2", 80, "10.9.9.9", 5, false);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.9", 5), friend);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.9", 6), friend);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.8", 5), exact);
    assert_int_equal(find(&f, "10.0.0.2", 80, "10.9.9.9", 5), one);
    assert_int_equal(find(&f, "10.0.0.2", 80, "10.9.9.9", 6), v4);
    listeners_remove(&f.listeners, exact);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.8", 5), v4);
    listeners_remove(&f.listeners, v4);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.8", 5), any);
    listeners_remove(&f.listeners, any);
    assert_int_equal(find(&f, "10.0.0.1", 80, "10.9.9.8", 5), LISTENER_NONE);
    uint32_t six = add(&f, NULL, 80, NULL, 0, true);
    assert_int_equal(find(&f, "10.0.0.3", 80, "10.9.9.8", 5), LISTENER_NONE);
    assert_int_equal(find(&f, "2001:db8::1", 80, "2001:db8::9", 5), six);
    end(&f);
}

struct party {
    const char *local;
    bool v6_only;
    const char *remote;
    uint16_t remote_port;
};

static void test_conflicts(void **state)
{
    (void)state;
    static const struct {
        struct party a, b;
        bool conflict;
    } rows[] = {
        {{NULL, false, NULL, 0}, {NULL, false, NULL, 0}, true},
        {{NULL, false, NULL, 0}, {"0.0.0.0", false, NULL, 0}, true},
        {{NULL, false, NULL, 0}, {"10.0.0.1", false, NULL, 0}, true},
        {{NULL, false, NULL, 0}, {"2001:db8::1", false, NULL, 0}, true},
        {{NULL, false, NULL, 0}, {NULL, true, NULL, 0}, true},
        {{NULL, true, NULL, 0}, {"10.0.0.1", false, NULL, 0}, false},
        {{NULL, true, NULL, 0}, {"0.0.0.0", false, NULL, 0}, false},
        {{NULL, true, NULL, 0}, {"2001:db8::1", false, NULL, 0}, true},
        {{"0.0.0.0", false, NULL, 0}, {"10.0.0.1", false, NULL, 0}, true},
        {{"0.0.0.0", false, NULL, 0}, {"2001:db8::1", false, NULL, 0}, false},
        {{"10.0.0.1", false, NULL, 0}, {"10.0.0.1", false, NULL, 0}, true},
        {{"10.0.0.1", false, NULL, 0}, {"10.0.0.2", false, NULL, 0}, false},
        {{"10.0.0.1", false, "10.0.0.9", 0}, {"10.0.0.1", false, "10.0.0.8", 0}, false},
        {{"10.0.0.1", false, "10.0.0.9", 0}, {"10.0.0.1", false, "10.0.0.9", 7}, true},
        {{"10.0.0.1", false, "10.0.0.9", 6}, {"10.0.0.1", false, "10.0.0.9", 7}, false},
        {{"10.0.0.1", false, NULL, 0}, {"10.0.0.1", false, "10.0.0.9", 7}, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int swap = 0; swap < 2; swap++) {
            const struct party *a = swap ? &rows[i].b : &rows[i].a;
            const struct party *b = swap ? &rows[i].a : &rows[i].b;
            struct fixture f;
            begin(&f, 100);
            uint32_t first = add(&f, a->local, 80, a->remote, a->remote_port, a->v6_only);
            struct hawser_endpoint local = at(b->local, 80);
            struct hawser_endpoint remote = at(b->remote, b->remote_port);
            assert_int_equal(listeners_conflict(&f.listeners, &local, &remote, b->v6_only),
                             rows[i].conflict ? first : LISTENER_NONE);
            local.port = 81;
            assert_int_equal(listeners_conflict(&f.listeners, &local, &remote, b->v6_only),
                             LISTENER_NONE);
            end(&f);
        }
    }
}

static void test_holding_a_port(void **state)
{
    (void)state;
    struct fixture f;
    struct hawser_address ours = lan_address("10.0.0.1"), other = lan_address("10.0.0.2");
    begin(&f, 100);
    uint32_t index = add(&f, "10.0.0.1", 80, NULL, 0, false);
    assert_true(listeners_hold(&f.listeners, &ours, 80));
    assert_false(listeners_hold(&f.listeners, &other, 80));
    assert_false(listeners_hold(&f.listeners, &ours, 81));
    listeners_remove(&f.listeners, index);
    assert_false(listeners_hold(&f.listeners, &ours, 80));
    end(&f);
}

static void test_limit(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 3);
    uint32_t first = add(&f, NULL, 1, NULL, 0, false);
    add(&f, NULL, 2, NULL, 0, false);
    add(&f, NULL, 3, NULL, 0, false);
    assert_int_equal(add(&f, NULL, 4, NULL, 0, false), LISTENER_NONE);
    listeners_remove(&f.listeners, first);
    assert_int_equal(add(&f, NULL, 4, NULL, 0, false), first);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_most_specific_wins),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_holding_a_port),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
