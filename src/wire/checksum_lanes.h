/* SPDX-License-Identifier: MIT */
/* One version of the checksum over vectors. checksum_x86.c includes this once for each width,
 * with LANES_NAME, LANES_BYTES and LANES_TARGET set, and gets the function NAME_body.
 *
 * Each vector is a row of 64-bit lanes. all += x loses carries, but high += x >> 32 does not (it
 * would take 2^32 rows), and what the low halves add up to is all - (high << 32) modulo 2^64,
 * and so exactly. These are three operations a vector, where widening both halves takes four. */

#define LANES_JOIN_(a, b) a##b
#define LANES_JOIN(a, b) LANES_JOIN_(a, b)
#define LANES_VECTOR LANES_JOIN(LANES_NAME, _vector)
#define LANES_STEP LANES_JOIN(LANES_NAME, _step)
#define LANES_BODY LANES_JOIN(LANES_NAME, _body)

typedef uint64_t LANES_VECTOR __attribute__((vector_size(LANES_BYTES)));

__attribute__((target(LANES_TARGET))) CHECKSUM_INLINE void
LANES_STEP(uint8_t *restrict dst, const uint8_t *restrict p, size_t at, bool copying,
           LANES_VECTOR *all, LANES_VECTOR *high)
{
    LANES_VECTOR x;

    memcpy(&x, p + at, sizeof x);
    if (copying)
        memcpy(dst + at, &x, sizeof x);
    *all += x;
    *high += x >> 32;
}

__attribute__((target(LANES_TARGET))) CHECKSUM_INLINE uint32_t LANES_BODY(uint8_t *restrict dst,
                                                                          const uint8_t *restrict p,
                                                                          size_t n, bool copying)
{
    LANES_VECTOR all0 = {0}, high0 = {0}, all1 = {0}, high1 = {0};
    size_t over = (uintptr_t)(copying ? dst : p) % LANES_BYTES;
    size_t at = 0;

    /* A long piece goes on from an aligned place (the stores', when copying). The first vector is
     * taken whole, but only what lies before that place is added. An odd address stays as it is:
     * the sum of its rest would have to be turned by a byte. */
    if (n >= ALIGN_FROM_BYTES && over != 0 && over % 2 == 0) {
        LANES_VECTOR x, mask;
        at = LANES_BYTES - over;
        memcpy(&x, p, sizeof x);
        if (copying)
            memcpy(dst, &x, sizeof x);
        memcpy(&mask, head_mask + HEAD_MASK_ONES - at, sizeof mask);
        all0 = x & mask;
        high0 = all0 >> 32;
    }
    for (; n - at >= 4 * LANES_BYTES; at += 4 * LANES_BYTES) {
        LANES_STEP(dst, p, at, copying, &all0, &high0);
        LANES_STEP(dst, p, at + LANES_BYTES, copying, &all1, &high1);
        LANES_STEP(dst, p, at + 2 * LANES_BYTES, copying, &all0, &high0);
        LANES_STEP(dst, p, at + 3 * LANES_BYTES, copying, &all1, &high1);
    }
    for (; n - at >= LANES_BYTES; at += LANES_BYTES)
        LANES_STEP(dst, p, at, copying, &all0, &high0);

    high0 += high1;
    all0 += all1;
    all0 += high0 - (high0 << 32); /* low halves + high halves: below 2^61 for a GiB and more */
    uint64_t sum = 0;
    for (size_t i = 0; i < LANES_BYTES / 8; i++)
        sum += all0[i];
    return checksum_finish64(
        checksum_words(copying ? dst + at : NULL, p + at, n - at, sum, copying, at != 0));
}

#undef LANES_JOIN_
#undef LANES_JOIN
#undef LANES_VECTOR
#undef LANES_STEP
#undef LANES_BODY
#undef LANES_NAME
#undef LANES_BYTES
#undef LANES_TARGET
