/* SPDX-License-Identifier: MIT */
/* Breadth first through all interleavings, by several threads, level after level.
 *
 * A state is kept as the number of canon.c and as a node: its parent and the step from there. To
 * expand a node its thread brings its own world into that state: it keeps the states along the last
 * path, goes back to where the new path leaves it, and takes the steps from there. Nodes of a level
 * lie in the order of their parents, so that is one or two steps as a rule.
 *
 * Reductions, and why they lose nothing:
 *   1. States with equal numbers (canon.c) are expanded once. A sample of them is expanded again
 *      when it is met on another way, and must have the same successors ("twins"). Two different
 *      states with one 64-bit number would hide one: with 10^8 states the odds that there is any
 *      such pair are 1 in 3,700.
 *   2. What a host does at one moment is one step: it sends what it has to, takes due timers and
 *      tells its user, who accepts (and reads, without slow_reader) at once. Hosts meet only
 *      through segments, and nothing can arrive between: arrivals are steps of their own.
 *   3. Each host has its clock, and a step moves one clock only. A state is a consistent cut, not a
 *      moment: a may be minutes ahead of b as long as no segment says otherwise. A segment arrives
 *      at the later of its sending and its receiver's clock; not across a deadline of the receiver,
 *      which comes first; and not when the receiver's clock is more than a segment's life beyond
 *      the sending. So every order of timers and arrivals that perfect clocks allow has its history
 *      here, and no other: TIME-WAIT cannot end before what it waits for is dead. What happens at
 *      one host happens as early as it can (with idle: also as late); a moment between is another
 *      only for measured round-trip times.
 *   4. A segment that arrives stays in the network, to arrive again. Without it the network could
 *      do less, and nothing that it could not do with it: a segment that never arrives again, or
 *      never at all, is one that was lost. So neither a loss nor a copy is a step, and of the
 *      states with more or fewer segments under way only those with most are there. What the
 *      network loses is decided when it is full: of K and the new ones any may go.
 *   5. A segment with the content and the time of one that is under way adds nothing to it.
 * From every state, with every choice of segments lost, one way to the end is followed (unwind):
 * the users close, the network behaves. It is the same way from equal states, so it is left where
 * it meets one that is known to come to rest. */
#include "search.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "table.h"

#define CHUNK 128u                        /* nodes that a thread takes at once */
#define SAMPLE_MASK (UINT64_C(127) << 40) /* one state of 128 is compared with its twins */
#define UNWIND_MAX 4000u                  /* steps that lead to rest */
#define FRESH_MAX (CHUNK * ACTIONS_MAX * 4)

struct shared {
    const struct setup *setup;
    const struct limits *limits;
    struct table seen, good, twins;
    uint32_t *parent;
    uint16_t *step;
    size_t nodes_max;
    _Atomic size_t nodes, next, level_end;
    _Atomic uint64_t transitions, unwound_steps, twin_count;
    _Atomic bool stop;
    const char *stopped;
    double began;
    unsigned depth;
    pthread_mutex_t lock;
    struct result *out;
};

/* One state of the path that a thread is on. */
struct kept {
    struct arena_image image[2];
    struct snapshot state;
    struct packet net[NET_MAX];
};

struct worker {
    struct shared *s;
    struct world world;
    struct kept *kept[DEPTH_MAX + 2];
    struct kept *spare; /* of a twin */
    struct action path[DEPTH_MAX + 1];
    unsigned depth; /* of the path: kept[0..depth] are valid */
    uint32_t fresh_parent[FRESH_MAX];
    uint16_t fresh_step[FRESH_MAX];
    unsigned fresh;
    uint32_t node; /* that is being expanded */
    unsigned outcomes;
    uint64_t sum; /* of its successors */
    uint64_t unwound[UNWIND_MAX + 1];
    struct path way; /* that is being unwound */
};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint16_t pack(struct action a)
{
    return (uint16_t)(a.lost << 8 | a.kind << 4 | a.arg);
}

static struct action unpack(uint16_t packed)
{
    return (struct action){packed >> 4 & 15, packed & 15, (uint8_t)(packed >> 8)};
}

static void stop(struct shared *s, const char *why)
{
    pthread_mutex_lock(&s->lock);
    if (!s->stop)
        s->stopped = why;
    s->stop = true;
    pthread_mutex_unlock(&s->lock);
}

/* ---- states on a path ----------------------------------------------------------------------- */

/* Keeps the present state. A host that did not change since `before` is not copied. */
static void keep(struct world *w, struct kept *f, const struct kept *before)
{
    f->state.model = w->model;
    f->state.net = f->net;
    for (unsigned i = 0; i < w->model.count; i++)
        memcpy(&f->net[i], &w->net[i], offsetof(struct packet, frame) + w->net[i].length);
    for (unsigned i = 0; i < 2; i++) {
        if (before != NULL && (w->touched >> i & 1) == 0) {
            f->state.image[i] = before->state.image[i];
            continue;
        }
        arena_save(&w->arena[i], &f->image[i]);
        f->state.image[i] = &f->image[i];
    }
    w->touched = 0;
}

static void back_to(struct world *w, const struct kept *f)
{
    world_restore(w, &f->state, w->touched);
    w->touched = 0;
}

static struct kept *kept_at(struct worker *k, unsigned depth)
{
    if (k->kept[depth] == NULL)
        k->kept[depth] = calloc(1, sizeof(struct kept));
    if (k->kept[depth] == NULL)
        abort();
    return k->kept[depth];
}

static unsigned path_of(const struct shared *s, size_t node, struct action *out)
{
    unsigned depth = 0;
    for (size_t n = node; n != 0; n = s->parent[n])
        depth++;
    unsigned at = depth;
    for (size_t n = node; n != 0; n = s->parent[n])
        out[--at] = unpack(s->step[n]);
    return depth;
}

/* Brings the world into the state of a node. */
static void go_to(struct worker *k, size_t node)
{
    struct action path[DEPTH_MAX + 1];
    struct world *w = &k->world;
    unsigned depth = path_of(k->s, node, path), common = 0;
    while (common < depth && common < k->depth && pack(path[common]) == pack(k->path[common]))
        common++;
    w->touched = 3;
    back_to(w, kept_at(k, common));
    for (unsigned i = common; i < depth; i++) {
        world_act(w, path[i]);
        world_hash(w);
        k->path[i] = path[i];
        keep(w, kept_at(k, i + 1), kept_at(k, i));
    }
    k->depth = depth;
}

/* ---- faults --------------------------------------------------------------------------------- */

static void report(struct worker *k, const struct path *path)
{
    struct result *out = k->s->out;
    if (k->s->limits->wanted != NULL && strcmp(k->world.fault, k->s->limits->wanted) != 0)
        return;
    pthread_mutex_lock(&k->s->lock);
    if (!out->failed || path->count < out->path.count) {
        out->failed = true;
        snprintf(out->fault, sizeof out->fault, "%s", k->world.fault);
        out->path = *path;
    }
    pthread_mutex_unlock(&k->s->lock);
    stop(k->s, "a property does not hold");
}

/* The path to the present node, and one step more. */
static void report_step(struct worker *k, struct action step)
{
    struct path path = {.count = k->depth, .unwound = k->depth + 1};
    memcpy(path.steps, k->path, k->depth * sizeof path.steps[0]);
    path.steps[path.count++] = step;
    report(k, &path);
}

/* ---- from every state both sides can come to rest in CLOSED --------------------------------- */

static void append(struct path *path, struct action step)
{
    if (path->count < PATH_MAX_STEPS)
        path->steps[path->count++] = step;
}

/* Of a state on the way to rest: what was sent again since the network behaves is to be judged. */
static uint64_t unwound_number(struct world *w)
{
    return world_hash(w) + w->sent_again[0] + 2u * w->sent_again[1];
}

/* Follows the one way to its end, or to where it is known to be good. */
static bool unwind_on(struct worker *k)
{
    struct world *w = &k->world;
    struct table *good = &k->s->good;
    struct action step;
    unsigned n = 0;
    bool known = false;
    while (world_unwind_next(w, &step)) {
        append(&k->way, step);
        if (n == UNWIND_MAX)
            world_fail(w, "both users closed and the network behaves, but it goes on for ever");
        if (w->fault != NULL || !world_act(w, step))
            return false;
        k->unwound[n++] = unwound_number(w);
        known = table_has(good, k->unwound[n - 1]);
        if (known)
            break;
    }
    if (!known)
        judge_rest(w);
    atomic_fetch_add_explicit(&k->s->unwound_steps, n, memory_order_relaxed);
    for (unsigned i = 0; i < n && w->fault == NULL && !table_is_full(good); i++)
        table_add(good, k->unwound[i]);
    return w->fault == NULL;
}

/* With some of what is under way lost first. */
static bool unwind(struct worker *k, unsigned lose)
{
    struct world *w = &k->world;
    k->way.count = k->way.unwound = k->depth;
    memcpy(k->way.steps, k->path, k->depth * sizeof k->way.steps[0]);
    for (unsigned i = w->model.count; i-- > 0;) {
        if ((lose >> i & 1) == 0)
            continue;
        append(&k->way, (struct action){ACT_LOSE, (uint8_t)i, 0});
        k->way.unwound++;
        world_lose(w, 1u << i);
    }
    bool ok = true;
    w->sent_again[0] = w->sent_again[1] = false;
    if (!table_has(&k->s->good, unwound_number(w))) {
        w->unwinding = true;
        ok = unwind_on(k);
        w->unwinding = false;
    }
    if (!ok)
        report(k, &k->way);
    back_to(w, kept_at(k, k->depth));
    return ok;
}

/* ---- expansion ------------------------------------------------------------------------------ */

/* All the worlds that one step can lead to: whatever the full network loses. visit is told the step
 * and the number of each; false: it, or a property, failed. */
static bool each_outcome(struct worker *k, struct action step,
                         bool (*visit)(struct worker *k, struct action step, uint64_t hash))
{
    struct world *w = &k->world;
    struct packet full[NET_MAX];
    unsigned count, excess;
    if (!world_act(w, step)) {
        report_step(k, step);
        return false;
    }
    count = w->model.count;
    if (count <= w->setup->segments)
        return visit(k, step, world_hash(w));
    excess = count - w->setup->segments;
    memcpy(full, w->net, count * sizeof full[0]);
    for (unsigned lost = 1; lost < 1u << count; lost++) {
        if ((unsigned)__builtin_popcount(lost) != excess)
            continue;
        step.lost = (uint8_t)lost;
        w->model.count = count;
        memcpy(w->net, full, count * sizeof full[0]);
        world_lose(w, lost);
        if (!visit(k, step, world_hash(w)))
            return false;
    }
    return true;
}

/* All successors as one number, whatever their order. */
static bool add_outcome(struct worker *k, struct action step, uint64_t hash)
{
    (void)step;
    k->sum += (hash ^ hash >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    return true;
}

static bool sum_up(struct worker *k, const struct kept *from)
{
    struct world *w = &k->world;
    struct action actions[ACTIONS_MAX];
    unsigned count = world_actions(w, actions);
    k->sum = 1;
    for (unsigned i = 0; i < count; i++) {
        if (!each_outcome(k, actions[i], add_outcome))
            return false;
        back_to(w, from);
    }
    return true;
}

/* The present state was met before on another way: it must go on alike. */
static bool check_twin(struct worker *k, uint64_t hash, struct action step)
{
    struct world *w = &k->world;
    uint64_t sum = k->sum;
    w->touched = 3;
    keep(w, k->spare, NULL);
    if (!sum_up(k, k->spare))
        return false;
    atomic_fetch_add_explicit(&k->s->twin_count, 1, memory_order_relaxed);
    if (!table_agrees(&k->s->twins, hash, k->sum)) {
        world_fail(w, "the explorer takes two different states for one");
        report_step(k, step);
        return false;
    }
    k->sum = sum;
    w->touched = 3;
    return true;
}

static bool meet(struct worker *k, struct action step, uint64_t hash)
{
    add_outcome(k, step, hash);
    k->outcomes++;
    if (k->world.fault != NULL) {
        report_step(k, step);
        return false;
    }
    if (table_add(&k->s->seen, hash)) {
        k->fresh_parent[k->fresh] = k->node;
        k->fresh_step[k->fresh++] = pack(step);
        return true;
    }
    return (hash & SAMPLE_MASK) != 0 || check_twin(k, hash, step);
}

static bool expand(struct worker *k, size_t node)
{
    struct shared *s = k->s;
    struct world *w = &k->world;
    struct action actions[ACTIONS_MAX];
    go_to(k, node);
    uint64_t own = world_hash(w);
    for (unsigned lose = 0; lose < 1u << w->model.count; lose++) {
        if (!unwind(k, lose))
            return false;
    }
    k->node = (uint32_t)node;
    k->sum = 1;
    k->outcomes = 0;
    unsigned count = world_actions(w, actions);
    for (unsigned i = 0; i < count; i++) {
        if (!each_outcome(k, actions[i], meet))
            return false;
        back_to(w, kept_at(k, k->depth));
    }
    atomic_fetch_add_explicit(&s->transitions, k->outcomes, memory_order_relaxed);
    if ((own & SAMPLE_MASK) == 0 && !table_agrees(&s->twins, own, k->sum)) {
        world_fail(w, "the explorer takes two different states for one");
        report_step(k, (struct action){ACT_KINDS, 0, 0});
        return false;
    }
    return true;
}

static void append_nodes(struct worker *k)
{
    struct shared *s = k->s;
    size_t at = atomic_fetch_add(&s->nodes, k->fresh);
    memcpy(s->parent + at, k->fresh_parent, k->fresh * sizeof s->parent[0]);
    memcpy(s->step + at, k->fresh_step, k->fresh * sizeof s->step[0]);
    k->fresh = 0;
}

static void *work(void *context)
{
    struct worker *k = context;
    struct shared *s = k->s;
    world_init(&k->world, s->setup);
    world_reset(&k->world);
    k->world.touched = 3;
    keep(&k->world, kept_at(k, 0), NULL);
    while (!s->stop) {
        size_t from = atomic_fetch_add(&s->next, CHUNK);
        if (from >= s->level_end)
            break;
        if (seconds_now() - s->began > s->limits->seconds)
            stop(s, "the time is over");
        if (table_is_full(&s->seen) || s->nodes + FRESH_MAX * s->limits->threads > s->nodes_max)
            stop(s, "the memory is full");
        for (size_t n = from; n < from + CHUNK && n < s->level_end && !s->stop; n++)
            expand(k, n);
        append_nodes(k);
    }
    world_deinit(&k->world);
    return NULL;
}

/* All nodes of one level. Worlds are made anew: they belong to their thread. */
static void run_level(struct shared *s, struct worker *workers)
{
    pthread_t threads[THREADS_MAX];
    for (unsigned i = 0; i < s->limits->threads; i++) {
        workers[i].depth = 0;
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < s->limits->threads; i++)
        pthread_join(threads[i], NULL);
}

static void *reserve(size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

static void prepare(struct shared *s, size_t bytes)
{
    /* Of each 32 bytes: 16 for the set, 8 for what comes to rest, the rest for nodes and twins. */
    size_t places = bytes / 32;
    table_init(&s->seen, places * 2, false);
    table_init(&s->good, places, false);
    table_init(&s->twins, places / 16, true);
    s->nodes_max = s->seen.mask + 1;
    s->parent = reserve(s->nodes_max * sizeof s->parent[0]);
    s->step = reserve(s->nodes_max * sizeof s->step[0]);
    pthread_mutex_init(&s->lock, NULL);
}

static void release(struct shared *s, struct worker *workers)
{
    for (unsigned i = 0; i < s->limits->threads; i++) {
        for (unsigned d = 0; d <= DEPTH_MAX + 1; d++) {
            struct kept *f = d <= DEPTH_MAX ? workers[i].kept[d] : workers[i].spare;
            if (f == NULL)
                continue;
            arena_image_free(&f->image[0]);
            arena_image_free(&f->image[1]);
            free(f);
        }
    }
    free(workers);
    table_deinit(&s->seen);
    table_deinit(&s->good);
    table_deinit(&s->twins);
    munmap(s->parent, s->nodes_max * sizeof s->parent[0]);
    munmap(s->step, s->nodes_max * sizeof s->step[0]);
    pthread_mutex_destroy(&s->lock);
}

static void run_levels(struct shared *s, struct worker *workers)
{
    size_t from = 0;
    s->nodes = 1; /* the first state is its own parent */
    while (!s->stop && from < s->nodes) {
        if (s->depth == s->limits->depth) {
            stop(s, "the depth is reached");
            break;
        }
        s->next = from;
        s->level_end = s->nodes;
        from = s->nodes;
        run_level(s, workers);
        if (!s->stop)
            s->depth++;
        if (s->limits->verbose)
            fprintf(stderr, "%s: depth %u: %zu states, %zu new, %.0f s\n", s->setup->name, s->depth,
                    (size_t)s->nodes, (size_t)s->nodes - from, seconds_now() - s->began);
    }
    s->out->complete = !s->stop;
}

void search(const struct setup *setup, const struct limits *limits, struct result *out)
{
    struct shared s = {.setup = setup, .limits = limits, .out = out, .began = seconds_now()};
    struct worker *workers = calloc(limits->threads, sizeof *workers);
    if (workers == NULL)
        abort();
    memset(out, 0, sizeof *out);
    prepare(&s, limits->memory_bytes);
    for (unsigned i = 0; i < limits->threads; i++) {
        workers[i].s = &s;
        workers[i].spare = calloc(1, sizeof(struct kept));
    }
    run_levels(&s, workers);
    out->states = s.nodes;
    out->transitions = s.transitions;
    out->unwound_steps = s.unwound_steps;
    out->twins = s.twin_count;
    out->depth = s.depth;
    out->stopped = s.stopped;
    out->seconds = seconds_now() - s.began;
    release(&s, workers);
}
