/* SPDX-License-Identifier: MIT */
/* The runner of a world, with hosts that can be told to misbehave: time, turns, livelocks,
 * invariants. */
#include <errno.h>
#include <stdlib.h>

#include <hawser/port/world.h>

#include "support/unit.h"

#define MS UINT64_C(1000000)

/* Takes the place of the library's host in this program: a clock that sends a frame at each of its
 * deadlines. */
struct hawser_host {
    uint64_t next_ns, period_ns;
    unsigned to_send, sent, received, expired;
    uint64_t received_at_ns[64];
    bool lies;   /* claims a deadline that is over */
    bool floods; /* always has something to send */
    unsigned links;
    uint8_t mac[6], entropy[32];
};

int hawser_host_create(const struct hawser_config *config, uint64_t now_ns,
                       struct hawser_host **out)
{
    if (config->links_max == 0)
        return HAWSER_ERR_CONFIG;
    assert_non_null(config->memory.acquire);
    struct hawser_host *host = calloc(1, sizeof *host);
    if (host == NULL)
        return HAWSER_ERR_RESOURCES;
    assert_true(now_ns >= 1);
    host->next_ns = UINT64_MAX;
    memcpy(host->entropy, config->entropy, 32);
    *out = host;
    return 0;
}

void hawser_host_destroy(struct hawser_host *host)
{
    free(host);
}

void hawser_config_defaults(struct hawser_config *config)
{
    memset(config, 0, sizeof *config);
    config->links_max = 2;
}

int hawser_config_check(const struct hawser_config *config, const char **field)
{
    *field = "links_max";
    return config->links_max == 0 ? HAWSER_ERR_CONFIG : 0;
}

const char *hawser_error_text(int error)
{
    return error == HAWSER_ERR_CONFIG ? "bad configuration" : "other";
}

int hawser_link_add(struct hawser_host *host, const struct hawser_link_config *config,
                    uint32_t *link)
{
    if (host->links == 2)
        return HAWSER_ERR_RESOURCES;
    memcpy(host->mac, config->mac, 6);
    *link = host->links++;
    return 0;
}

size_t hawser_output(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                     struct hawser_buffer *buffers, size_t count)
{
    (void)link;
    (void)now_ns;
    size_t n = 0;
    for (; n < count && (host->to_send > 0 || host->floods); n++) {
        memset(buffers[n].data, 1, 60);
        buffers[n].length = 60;
        host->to_send -= host->to_send > 0;
        host->sent++;
        if (host->floods)
            return n + 1;
    }
    return n;
}

void hawser_input(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                  const struct hawser_frame *frames, size_t count)
{
    (void)link;
    (void)frames;
    for (size_t i = 0; i < count && host->received < COUNT_OF(host->received_at_ns); i++)
        host->received_at_ns[host->received++] = now_ns;
}

uint64_t hawser_next_deadline(struct hawser_host *host)
{
    if (host->lies)
        return 5;
    return host->to_send > 0 ? 0 : host->next_ns;
}

void hawser_expire(struct hawser_host *host, uint64_t now_ns)
{
    host->expired++;
    if (host->next_ns > now_ns)
        return;
    host->to_send++;
    host->next_ns = host->period_ns != 0 ? host->next_ns + host->period_ns : UINT64_MAX;
}

static struct hawser_world *world;
static struct hawser_host *hosts[2];
static struct hawser_wire *wire;
static struct hawser_port_error error;

static int setup(void **state)
{
    (void)state;
    struct hawser_world_config config = {
        .start_ns = 10 * MS, .seed = 3, .steps_max = 1000, .rounds_max = 100};
    assert_int_equal(hawser_world_create(&config, &world), 0);
    uint32_t links[2] = {9, 9};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(hawser_world_host(world, NULL, &hosts[i], &error), 0);
    assert_int_equal(hawser_world_join(world, hosts, NULL, &wire, links, &error), 0);
    assert_int_equal(links[0], 0);
    assert_int_equal(links[1], 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hawser_world_destroy(world);
    return 0;
}

static void test_construction(void **state)
{
    (void)state;
    static const uint8_t mac[2][6] = {{0x02, 0x48, 0x57, 0, 0, 1}, {0x02, 0x48, 0x57, 0, 0, 2}};
    static const uint8_t zero[32];
    for (unsigned i = 0; i < 2; i++) {
        assert_memory_equal(hosts[i]->mac, mac[i], 6);
        assert_memory_not_equal(hosts[i]->entropy, zero, 32);
    }
    assert_memory_not_equal(hosts[0]->entropy, hosts[1]->entropy, 32);

    /* The same seed, the same secrets; another seed, others. */
    for (uint64_t seed = 3; seed < 5; seed++) {
        struct hawser_world_config config = {.seed = seed};
        struct hawser_world *other = NULL;
        struct hawser_host *host = NULL;
        assert_int_equal(hawser_world_create(&config, &other), 0);
        assert_int_equal(hawser_world_now(other), 1000 * MS);
        assert_int_equal(hawser_world_host(other, NULL, &host, NULL), 0);
        assert_int_equal(memcmp(host->entropy, hosts[0]->entropy, 32) == 0, seed == 3);
        hawser_world_destroy(other);
    }
    hawser_world_destroy(NULL);
}

static void test_refusals(void **state)
{
    (void)state;
    struct hawser_config bad = {.links_max = 0};
    struct hawser_host *host = NULL;
    assert_int_equal(hawser_world_host(world, &bad, &host, &error), -EINVAL);
    assert_null(host);
    assert_string_equal(error.text,
                        "cannot make a host: bad configuration, in the field links_max");

    struct hawser_wire *none = NULL;
    struct hawser_wire_config bad_wire = {.kind = HAWSER_LINK_LOOPBACK};
    assert_int_equal(hawser_world_join(world, hosts, &bad_wire, &none, NULL, &error), -EINVAL);
    struct hawser_wire_config good = {.kind = HAWSER_LINK_IP};
    assert_int_equal(hawser_world_join(world, hosts, &good, &none, NULL, &error), 0);
    none = NULL;
    assert_int_equal(hawser_world_join(world, hosts, &good, &none, NULL, &error), -EINVAL);
    assert_null(none);
    assert_string_equal(error.text, "a host refused its end of a wire: other");

    struct hawser_actor nobody = {.act = NULL};
    assert_int_equal(hawser_world_actor(world, &nobody), -EINVAL);
}

static void test_time_jumps(void **state)
{
    (void)state;
    struct hawser_wire_settings settings = {.delay_ns = 3 * MS};
    assert_int_equal(hawser_wire_set(wire, 2, &settings), 0);
    hosts[0]->next_ns = 15 * MS;
    hosts[0]->period_ns = 100 * MS;
    assert_int_equal(hawser_world_next(world), 15 * MS);
    assert_int_equal(hawser_world_run(world, 17 * MS, NULL, NULL, &error), 0);
    assert_int_equal(hawser_world_now(world), 17 * MS);
    assert_int_equal(hosts[1]->received, 0);
    assert_int_equal(hawser_world_next(world), 18 * MS);
    assert_int_equal(hawser_world_run(world, 1000 * MS, NULL, NULL, &error), 0);
    assert_int_equal(hawser_world_now(world), 1000 * MS);
    assert_int_equal(hosts[1]->received, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(hosts[1]->received_at_ns[i], 18 * MS + i * 100 * MS);
    assert_int_equal(hosts[0]->expired, 10);
    /* A time that is over changes nothing. */
    assert_int_equal(hawser_world_run(world, 5, NULL, NULL, &error), 0);
    assert_int_equal(hawser_world_now(world), 1000 * MS);
}

static bool ten_received(void *context)
{
    return ((struct hawser_host *)context)->received == 10;
}

static void test_until_done(void **state)
{
    (void)state;
    hosts[0]->next_ns = 20 * MS;
    hosts[0]->period_ns = MS;
    assert_int_equal(hawser_world_run(world, UINT64_MAX, ten_received, hosts[1], &error), 1);
    assert_int_equal(hawser_world_now(world), 29 * MS);
    hosts[0]->next_ns = UINT64_MAX;
    hosts[1]->received = 0;
    assert_int_equal(hawser_world_run(world, UINT64_MAX, ten_received, hosts[1], &error), 0);
    assert_int_equal(hawser_world_now(world), 29 * MS); /* nothing will ever happen */
}

static bool send_three(void *context)
{
    struct hawser_host *host = context;
    if (host->sent + host->to_send < 3)
        host->to_send++;
    return false;
}

/* A program may do its work in done. */
static void test_calls_in_done(void **state)
{
    (void)state;
    assert_int_equal(hawser_world_run(world, UINT64_MAX, send_three, hosts[0], &error), 0);
    assert_int_equal(hosts[1]->received, 3);
    assert_int_equal(hawser_world_now(world), 10 * MS);
}

struct ticker {
    uint64_t next_ns;
    unsigned acts, ticks;
    bool restless, stuck;
};

static bool tick(void *context, uint64_t now_ns)
{
    struct ticker *t = context;
    t->acts++;
    if (t->restless)
        return true;
    if (t->stuck || now_ns < t->next_ns)
        return false;
    t->ticks++;
    t->next_ns += 7 * MS;
    return true;
}

static uint64_t next_tick(void *context)
{
    return ((struct ticker *)context)->next_ns;
}

static void test_actors(void **state)
{
    (void)state;
    struct ticker ticker = {.next_ns = 11 * MS};
    struct hawser_actor actor = {.act = tick, .next = next_tick, .context = &ticker};
    assert_int_equal(hawser_world_actor(world, &actor), 0);
    struct ticker follower = {.next_ns = UINT64_MAX};
    struct hawser_actor idle = {.act = tick, .context = &follower};
    assert_int_equal(hawser_world_actor(world, &idle), 0);
    assert_int_equal(hawser_world_run(world, 40 * MS, NULL, NULL, &error), 0);
    assert_int_equal(ticker.ticks, 5); /* 11, 18, 25, 32, 39 */
    assert_int_equal(ticker.acts, 1 + 2 * 5);
    assert_int_equal(follower.acts, ticker.acts);
}

static void test_livelock(void **state)
{
    (void)state;
    hosts[0]->floods = true;
    assert_int_equal(hawser_world_run(world, UINT64_MAX, NULL, NULL, &error), -ELOOP);
    assert_string_equal(error.text, "livelock: after 100 rounds at 10000000 ns frames or actors "
                                    "are still moving");
    assert_int_equal(hosts[0]->sent, 100);
    hosts[0]->floods = false;

    struct ticker restless = {.restless = true, .next_ns = UINT64_MAX};
    struct hawser_actor actor = {.act = tick, .next = next_tick, .context = &restless};
    assert_int_equal(hawser_world_actor(world, &actor), 0);
    assert_int_equal(hawser_world_settle(world, NULL), -ELOOP);
    assert_int_equal(restless.acts, 100);
    restless.restless = false;

    hosts[0]->next_ns = 11 * MS; /* time goes on, but without an end */
    hosts[0]->period_ns = 1;
    assert_int_equal(hawser_world_run(world, UINT64_MAX, NULL, NULL, &error), -ELOOP);
    assert_non_null(strstr(error.text, "1000 instants"));
}

static void test_broken_contracts(void **state)
{
    (void)state;
    hosts[1]->lies = true;
    assert_int_equal(hawser_world_run(world, UINT64_MAX, NULL, NULL, &error), -EPROTO);
    assert_non_null(strstr(error.text, "host 1 gives nothing to send at 10000000 ns, but its next "
                                       "deadline is 5 ns"));
    hosts[1]->lies = false;

    struct ticker stuck = {.stuck = true, .next_ns = 10 * MS};
    struct hawser_actor actor = {.act = tick, .next = next_tick, .context = &stuck};
    assert_int_equal(hawser_world_actor(world, &actor), 0);
    assert_int_equal(hawser_world_settle(world, &error), -EPROTO);
    assert_non_null(strstr(error.text, "actor 0"));
    stuck.next_ns++;
    assert_int_equal(hawser_world_settle(world, &error), 0);
}

/* Frames that wait at a free end are the program's business: the clock does not wait for them. */
static void test_free_end(void **state)
{
    (void)state;
    struct hawser_host *const one[2] = {hosts[0], NULL};
    struct hawser_wire *open_wire = NULL;
    assert_int_equal(hawser_world_join(world, one, NULL, &open_wire, NULL, &error), 0);
    hosts[0]->to_send = 1;
    hosts[0]->received = 0;
    assert_int_equal(hawser_wire_attach(wire, 0, NULL, 0),
                     0); /* so that it goes out on the other */
    assert_int_equal(hawser_world_run(world, 50 * MS, NULL, NULL, &error), 0);
    assert_int_equal(hawser_world_next(world), UINT64_MAX);
    struct hawser_frame frame;
    assert_int_equal(hawser_wire_take(open_wire, 1, 50 * MS, &frame, 1), 1);
    assert_int_equal(hawser_wire_put(open_wire, 1, 50 * MS, "abc", 3), 0);
    assert_int_equal(hawser_world_run(world, UINT64_MAX, NULL, NULL, &error), 0);
    assert_int_equal(hosts[0]->received, 1);
    assert_int_equal(hosts[0]->received_at_ns[0], 50 * MS);
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_construction),  WITH_WORLD(test_refusals),
        WITH_WORLD(test_time_jumps),    WITH_WORLD(test_until_done),
        WITH_WORLD(test_calls_in_done), WITH_WORLD(test_actors),
        WITH_WORLD(test_livelock),      WITH_WORLD(test_broken_contracts),
        WITH_WORLD(test_free_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
