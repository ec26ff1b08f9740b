/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071) with the vector instructions of x86. The file is compiled for
 * the base machine; each function names the instructions it needs, and checksum.c asks the
 * processor before it calls one. GNU C vectors do without the headers of intrinsics (which bring
 * in malloc). */
#include "wire/checksum_impl.h"

#if CHECKSUM_X86

#define ALIGN_FROM_BYTES 1024u /* below, aligning costs more than it brings (bench/wire_bench) */
#define HEAD_MASK_ONES 64u
#define ONES 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
static const uint8_t head_mask[2 * HEAD_MASK_ONES] = {ONES, ONES, ONES, ONES,
                                                      ONES, ONES, ONES, ONES};

#define LANES_NAME sse2
#define LANES_BYTES 16
#define LANES_TARGET "sse2"
#include "wire/checksum_lanes.h"

#define LANES_NAME avx2
#define LANES_BYTES 32
#define LANES_TARGET "avx2"
#include "wire/checksum_lanes.h"

#define LANES_NAME avx512
#define LANES_BYTES 64
#define LANES_TARGET "avx512f"
#include "wire/checksum_lanes.h"

__attribute__((target("sse2"))) uint32_t checksum_sum_sse2(const uint8_t *p, size_t n)
{
    return sse2_body(NULL, p, n, false);
}

__attribute__((target("sse2"))) uint32_t checksum_copy_sse2(uint8_t *restrict dst,
                                                            const uint8_t *restrict src, size_t n)
{
    return sse2_body(dst, src, n, true);
}

__attribute__((target("avx2"))) uint32_t checksum_sum_avx2(const uint8_t *p, size_t n)
{
    return avx2_body(NULL, p, n, false);
}

__attribute__((target("avx2"))) uint32_t checksum_copy_avx2(uint8_t *restrict dst,
                                                            const uint8_t *restrict src, size_t n)
{
    return avx2_body(dst, src, n, true);
}

__attribute__((target("avx512f"))) uint32_t checksum_sum_avx512(const uint8_t *p, size_t n)
{
    return avx512_body(NULL, p, n, false);
}

#endif
