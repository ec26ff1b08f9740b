/* SPDX-License-Identifier: MIT */
/* Sorted, disjoint, non-adjacent ranges of 32-bit numbers that wrap.
 *
 * Numbers are compared by their distance from an origin, the lowest left edge: within a list no
 * distance passes SPAN_MAX, so distances order it plainly. A number whose distance from the first
 * left edge is SPAN_MAX or more lies below that edge. */
#include "base/ranges.h"

#include <string.h>

#include "base/assert.h"

#define SPAN_MAX (UINT32_C(1) << 31)

_Static_assert(RANGES_MAX * sizeof(struct range) == 1u << BUFFERS_SHIFT_MIN,
               "a list fills one buffer of the smallest class");

static uint32_t size_of(struct range range)
{
    return range.right - range.left;
}

/* First range whose right edge is at least `distance` above the first left edge. */
static uint16_t first_reaching(const struct ranges *r, uint32_t distance)
{
    unsigned low = 0;
    unsigned high = r->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (r->at[middle].right - r->at[0].left >= distance)
            high = middle;
        else
            low = middle + 1;
    }
    return (uint16_t)low;
}

static void remove_at(struct ranges *r, unsigned i, unsigned n)
{
    memmove(&r->at[i], &r->at[i + n], (r->count - i - n) * sizeof r->at[0]);
    r->count = (uint16_t)(r->count - n);
}

static bool insert_at(struct ranges *r, unsigned i, struct range range)
{
    if (r->count == RANGES_MAX)
        return false;
    memmove(&r->at[i + 1], &r->at[i], (r->count - i) * sizeof r->at[0]);
    r->at[i] = range;
    r->count++;
    return true;
}

static bool add_first(struct ranges *r, struct buffers *b, struct range range)
{
    r->at = (struct range *)(void *)buffers_take(b, BUFFERS_SHIFT_MIN);
    if (r->at == NULL)
        return false;
    r->at[0] = range;
    r->count = 1;
    return true;
}

/* *range becomes the range that now holds it, *fresh how much of that was not in the list. */
static bool add_more(struct ranges *r, struct range *range, uint32_t *fresh)
{
    uint32_t first = r->at[0].left;
    bool below = range->left - first >= SPAN_MAX;
    uint32_t origin = below ? range->left : first;
    uint32_t left = range->left - origin;
    uint32_t right = left + size_of(*range);
    /* The top of the list as it would become. In 64 bits, since hostile numbers may lie anywhere.
     * */
    uint64_t top = (uint64_t)(first - origin) + (r->at[r->count - 1].right - first);
    if (top > SPAN_MAX || right > SPAN_MAX)
        return false;

    /* Ranges i to j - 1 overlap or touch the new one. */
    unsigned i = below ? 0 : first_reaching(r, left);
    unsigned j = i;
    uint32_t covered = 0;
    for (; j < r->count && r->at[j].left - origin <= right; j++)
        covered += size_of(r->at[j]);
    if (i == j)
        return insert_at(r, i, *range);
    if (r->at[i].left - origin < left)
        range->left = r->at[i].left;
    if (r->at[j - 1].right - origin > right)
        range->right = r->at[j - 1].right;
    *fresh = size_of(*range) - covered;
    r->at[i] = *range;
    if (j > i + 1)
        remove_at(r, i + 1, j - i - 1);
    return true;
}

bool ranges_add(struct ranges *r, struct buffers *b, uint32_t left, uint32_t right,
                struct range *merged, uint32_t *added)
{
    struct range range = {.left = left, .right = right};
    uint32_t fresh = size_of(range);
    if (fresh > SPAN_MAX)
        return false;
    if (fresh != 0) {
        bool done = r->count == 0 ? add_first(r, b, range) : add_more(r, &range, &fresh);
        if (!done)
            return false;
    }
    if (merged != NULL)
        *merged = range;
    if (added != NULL)
        *added = fresh;
    return true;
}

void ranges_drop_below(struct ranges *r, struct buffers *b, uint32_t limit)
{
    uint16_t i = ranges_find(r, limit);
    if (i == r->count) {
        ranges_free(r, b);
        return;
    }
    if (i > 0)
        remove_at(r, 0, i);
    if (limit - r->at[0].left < size_of(r->at[0]))
        r->at[0].left = limit;
}

uint16_t ranges_find(const struct ranges *r, uint32_t n)
{
    if (r->count == 0 || n - r->at[0].left >= SPAN_MAX)
        return 0;
    return first_reaching(r, n - r->at[0].left + 1);
}

bool ranges_contains(const struct ranges *r, uint32_t left, uint32_t right)
{
    uint16_t i = ranges_find(r, left);
    if (i == r->count)
        return false;
    uint32_t inside = left - r->at[i].left;
    uint32_t size = size_of(r->at[i]);
    return inside < size && right - left <= size - inside;
}

uint32_t ranges_total(const struct ranges *r)
{
    uint32_t total = 0;
    for (unsigned i = 0; i < r->count; i++)
        total += size_of(r->at[i]);
    return total;
}

void ranges_free(struct ranges *r, struct buffers *b)
{
    if (r->at != NULL)
        buffers_give(b, (uint8_t *)r->at, BUFFERS_SHIFT_MIN);
    *r = (struct ranges){0};
}
