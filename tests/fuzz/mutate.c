/* SPDX-License-Identifier: MIT */
/* libFuzzer's custom mutator for programs of operations (fuzz.h): operations are put in, taken out,
 * repeated, moved, and changed field by field. */
#include "fuzz/fuzz.h"

/* libFuzzer's; other drivers have their own mutators and leave these alone. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t out_max, unsigned seed);

#define CODES 24u /* more than any target has: codes beyond count from the start again */

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return (uint32_t)((uint64_t)(*state >> 8) * below >> 24);
}

static uint8_t *op_at(uint8_t *data, size_t i)
{
    return data + FUZZ_HEAD_BYTES + i * FUZZ_OP_BYTES;
}

static void fresh(uint8_t *op, uint32_t *state)
{
    for (unsigned i = 0; i < FUZZ_OP_BYTES; i++) {
        /* Small values choose more often than large ones. */
        uint32_t most = draw(state, 3) == 0 ? 256 : 8;
        op[i] = draw(state, 3) == 0 ? 0 : (uint8_t)draw(state, most);
    }
    op[0] = (uint8_t)draw(state, CODES);
}

static size_t insert(uint8_t *data, size_t ops, size_t ops_max, uint32_t *state, bool again)
{
    size_t at = draw(state, (uint32_t)ops + 1), run = 1 + draw(state, again ? 6 : 1);
    size_t from = again && ops > 0 ? draw(state, (uint32_t)ops) : 0;
    if (again && run > ops - from)
        run = ops - from;
    if (ops + run > ops_max || (again && run == 0))
        return ops;
    uint8_t copy[6 * FUZZ_OP_BYTES];
    if (again)
        memcpy(copy, op_at(data, from), run * FUZZ_OP_BYTES);
    else
        fresh(copy, state);
    memmove(op_at(data, at + run), op_at(data, at), (ops - at) * FUZZ_OP_BYTES);
    memcpy(op_at(data, at), copy, run * FUZZ_OP_BYTES);
    return ops + run;
}

static size_t delete (uint8_t *data, size_t ops, uint32_t *state)
{
    if (ops < 2)
        return ops;
    size_t at = draw(state, (uint32_t)ops), run = 1 + draw(state, 4);
    if (run > ops - at)
        run = ops - at;
    memmove(op_at(data, at), op_at(data, at + run), (ops - at - run) * FUZZ_OP_BYTES);
    return ops - run;
}

static void change(uint8_t *data, size_t ops, uint32_t *state)
{
    if (ops == 0 || draw(state, 16) == 0) {
        data[draw(state, FUZZ_HEAD_BYTES)] ^= (uint8_t)(1u << draw(state, 8));
        return;
    }
    uint8_t *op = op_at(data, draw(state, (uint32_t)ops));
    unsigned field = draw(state, FUZZ_OP_BYTES);
    switch (draw(state, 5)) {
    case 0:
        op[field] = (uint8_t)draw(state, 256);
        break;
    case 1:
        op[field] = (uint8_t)draw(state, 16);
        break;
    case 2:
        op[field] ^= (uint8_t)(1u << draw(state, 8));
        break;
    case 3: /* what libFuzzer learnt from comparisons */
        if (LLVMFuzzerMutate != NULL)
            LLVMFuzzerMutate(op, FUZZ_OP_BYTES, FUZZ_OP_BYTES);
        break;
    default:
        fresh(op, state);
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    uint32_t state = seed;
    if (size_max < FUZZ_HEAD_BYTES + FUZZ_OP_BYTES)
        return size;
    size_t ops_max = (size_max - FUZZ_HEAD_BYTES) / FUZZ_OP_BYTES, ops = 0;
    if (ops_max > FUZZ_OPS_MAX)
        ops_max = FUZZ_OPS_MAX;
    if (size < FUZZ_HEAD_BYTES)
        memset(data + size, 0, FUZZ_HEAD_BYTES - size);
    else
        ops = (size - FUZZ_HEAD_BYTES) / FUZZ_OP_BYTES;
    if (ops > ops_max)
        ops = ops_max;
    for (unsigned times = 1 + draw(&state, 4); times > 0; times--) {
        switch (draw(&state, 8)) {
        case 0:
        case 1:
            ops = insert(data, ops, ops_max, &state, false);
            break;
        case 2:
            ops = insert(data, ops, ops_max, &state, true);
            break;
        case 3:
            ops = delete (data, ops, &state);
            break;
        default:
            change(data, ops, &state);
            break;
        }
    }
    return FUZZ_HEAD_BYTES + ops * FUZZ_OP_BYTES;
}

/* The beginning of one and the end of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t out_max, unsigned seed)
{
    uint32_t state = seed;
    size_t a_ops = a_size > FUZZ_HEAD_BYTES ? (a_size - FUZZ_HEAD_BYTES) / FUZZ_OP_BYTES : 0;
    size_t b_ops = b_size > FUZZ_HEAD_BYTES ? (b_size - FUZZ_HEAD_BYTES) / FUZZ_OP_BYTES : 0;
    size_t first = draw(&state, (uint32_t)a_ops + 1), skip = draw(&state, (uint32_t)b_ops + 1);
    size_t head = a_size < FUZZ_HEAD_BYTES ? a_size : FUZZ_HEAD_BYTES;
    size_t n = FUZZ_HEAD_BYTES + (first + b_ops - skip) * FUZZ_OP_BYTES;
    if (n > out_max || first + b_ops - skip > FUZZ_OPS_MAX)
        return 0;
    memset(out, 0, FUZZ_HEAD_BYTES);
    memcpy(out, a, head);
    if (first > 0)
        memcpy(op_at(out, 0), a + FUZZ_HEAD_BYTES, first * FUZZ_OP_BYTES);
    if (b_ops > skip)
        memcpy(op_at(out, first), b + FUZZ_HEAD_BYTES + skip * FUZZ_OP_BYTES,
               (b_ops - skip) * FUZZ_OP_BYTES);
    return n;
}
