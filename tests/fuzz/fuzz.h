/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: the entry of libFuzzer and AFL++, programs of operations as inputs, memory that is counted, REQUIRE. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/hawser.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define FUZZ_MS UINT64_C(1000000)
#define FUZZ_S (1000 * FUZZ_MS)

/* One input; the same function serves libFuzzer, AFL++ and the replay program (replay.c). Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input: prints what, where and in which operation, and aborts. */
#define REQUIRE(x) ((x) ? (void)0 : fuzz_failed(#x, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *what, const char *file, int line);

/* ---- programs of operations ----------------------------------------------------------------------------------------- */

/* An input of this kind is a head that chooses the configuration, and operations of one size, so that an operation can be put in, taken out or
 * changed without touching the others (mutate.c does so). What is missing at the end is 0. */
#define FUZZ_HEAD_BYTES 12u
#define FUZZ_OP_BYTES 12u
#define FUZZ_OPS_MAX 256u

struct fuzz_op {
    uint8_t code, a, b, c;
    uint16_t d, e, f, g;
};

struct fuzz_program {
    const uint8_t *data;
    size_t size, at;
    unsigned number; /* of the operation that is under way, from 1 */
};

void fuzz_program_begin(struct fuzz_program *program, const uint8_t *data, size_t size);

/* Byte i of the head. */
uint8_t fuzz_head(const struct fuzz_program *program, unsigned i);

/* The next operation; false at the end. */
bool fuzz_next(struct fuzz_program *program, struct fuzz_op *op);

/* With FUZZ_TRACE in the environment: operations, and what the hosts tell, on standard error. */
bool fuzz_aloud(void);
void fuzz_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fuzz_trace(void *name, const struct hawser_trace_event *event); /* for hawser_config.trace; name: a string */

/* ---- memory --------------------------------------------------------------------------------------------------------- */

/* From malloc, so that AddressSanitizer sees the edges of every piece. */
struct fuzz_memory {
    uint64_t in_use_bytes, requests_count;
    uint64_t refuse_nth; /* this request is refused, and with refuse_all those behind it; 0 = none */
    bool refuse_all;
};

struct hawser_memory fuzz_memory_source(struct fuzz_memory *memory);

/* A configuration that is small, and takes its choices from bytes 0..7 of a head. */
void fuzz_config(const struct fuzz_program *program, struct fuzz_memory *memory, struct hawser_config *config);

/* ---- octets of streams ---------------------------------------------------------------------------------------------- */

/* What stands at a sequence number of a stream; key tells streams apart. */
uint8_t fuzz_octet(uint32_t key, uint32_t seq);
void fuzz_octets(uint32_t key, uint32_t seq, uint8_t *out, size_t n);

#endif
