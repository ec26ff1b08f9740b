/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: see fuzz.h. */
#include "fuzz/fuzz.h"

#include <stdarg.h>

static unsigned op_number; /* for the message of a failure */

_Noreturn void fuzz_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: operation %u: does not hold: %s\n", file, line, op_number, what);
    abort();
}

_Noreturn void hawser_assertion_failed(const char *what, const char *file, int line)
{
    fuzz_failed(what, file, line);
}

/* ---- programs of operations ------------------------------------------------------------------ */

void fuzz_program_begin(struct fuzz_program *program, const uint8_t *data, size_t size)
{
    *program = (struct fuzz_program){.data = data, .size = size, .at = FUZZ_HEAD_BYTES};
    op_number = 0;
}

static uint8_t byte_at(const struct fuzz_program *program, size_t at)
{
    return at < program->size ? program->data[at] : 0;
}

uint8_t fuzz_head(const struct fuzz_program *program, unsigned i)
{
    return byte_at(program, i);
}

static uint16_t half_at(const struct fuzz_program *program, size_t at)
{
    return (uint16_t)(byte_at(program, at) | byte_at(program, at + 1) << 8);
}

bool fuzz_next(struct fuzz_program *program, struct fuzz_op *op)
{
    if (program->at >= program->size || program->number >= FUZZ_OPS_MAX)
        return false;
    size_t at = program->at;
    *op = (struct fuzz_op){
        .code = byte_at(program, at),
        .a = byte_at(program, at + 1),
        .b = byte_at(program, at + 2),
        .c = byte_at(program, at + 3),
        .d = half_at(program, at + 4),
        .e = half_at(program, at + 6),
        .f = half_at(program, at + 8),
        .g = half_at(program, at + 10),
    };
    program->at += FUZZ_OP_BYTES;
    if (program->at > program->size)
        program->at = program->size; /* the last one was cut short */
    op_number = ++program->number;
    fuzz_say("-- %u: %u  %u %u %u  %u %u %u %u\n", op_number, op->code, op->a, op->b, op->c, op->d,
             op->e, op->f, op->g);
    return true;
}

bool fuzz_aloud(void)
{
    static int aloud = -1;
    if (aloud < 0)
        aloud = getenv("FUZZ_TRACE") != NULL;
    return aloud > 0;
}

void fuzz_say(const char *format, ...)
{
    if (!fuzz_aloud())
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

void fuzz_trace(void *name, const struct hawser_trace_event *event)
{
    char line[512];
    hawser_trace_print(event, line, sizeof line);
    fprintf(stderr, "%s %s\n", (const char *)name, line);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void *acquire(void *context, size_t bytes)
{
    struct fuzz_memory *memory = context;
    uint64_t nth = ++memory->requests_count;
    if (memory->refuse_nth != 0 &&
        (nth == memory->refuse_nth || (memory->refuse_all && nth > memory->refuse_nth)))
        return NULL;
    void *piece = aligned_alloc(64, (bytes + 63) / 64 * 64);
    REQUIRE(piece != NULL);
    memset(piece, 0, bytes);
    memory->in_use_bytes += bytes;
    return piece;
}

static void release(void *context, void *piece, size_t bytes)
{
    struct fuzz_memory *memory = context;
    REQUIRE(bytes <= memory->in_use_bytes);
    memory->in_use_bytes -= bytes;
    free(piece);
}

struct hawser_memory fuzz_memory_source(struct fuzz_memory *memory)
{
    return (struct hawser_memory){.acquire = acquire, .release = release, .context = memory};
}

void fuzz_config(const struct fuzz_program *program, struct fuzz_memory *memory,
                 struct hawser_config *config)
{
    static const uint32_t buffers[] = {65536, 2048, 8192, 262144};
    static const uint32_t tables[] = {16, 1, 2, 64};
    uint8_t has_not = fuzz_head(program, 0), sizes = fuzz_head(program, 1);
    uint8_t ways = fuzz_head(program, 2);

    hawser_config_defaults(config);
    *memory = (struct fuzz_memory){0};
    config->memory = fuzz_memory_source(memory);
    memset(config->entropy, 1 + fuzz_head(program, 3) % 7, sizeof config->entropy);
    config->chunk_bytes = 64 * 1024;
    config->memory_bytes = 8 << 20;
    config->buffer_bytes = sizes & 0x80 ? 256 * 1024 : 4 << 20;
    config->timestamps = !(has_not & 1);
    config->sack = !(has_not & 2);
    config->window_scaling = !(has_not & 4);
    config->syn_cookies = !(has_not & 8);
    config->rfc1337 = !(has_not & 16);
    config->path_mtu_discovery = !(has_not & 32);
    config->timewait_reuse = has_not >> 6 & 1;
    config->send_buffer_bytes = buffers[sizes & 3];
    config->receive_buffer_bytes = buffers[sizes >> 2 & 3];
    config->receive_window_initial_bytes = config->receive_buffer_bytes;
    config->connections_max = tables[sizes >> 4 & 1 ? 2 : 3];
    config->halfopen_max = tables[ways & 3];
    config->timewait_max = tables[ways >> 2 & 3];
    config->initial_window_segments = ways >> 4 & 1 ? 1 : 10;
    config->quick_acks = ways >> 5 & 1 ? 0 : 16;
    config->syn_retries = 4;
    config->listeners_max = 4;
    config->neighbours_max = 4;
    config->paths_max = 2;
    config->fragments_bytes_max = 128 * 1024;
    config->port_first = 50000;
    config->port_last = ways >> 6 & 1 ? 50001 : 50063;
    memory->refuse_nth = fuzz_head(program, 4);
    memory->refuse_all = fuzz_head(program, 5) & 1;
}

/* ---- octets of streams ----------------------------------------------------------------------- */

uint8_t fuzz_octet(uint32_t key, uint32_t seq)
{
    uint32_t x = (seq ^ key * UINT32_C(0x9e3779b1)) * UINT32_C(0x85ebca6b);
    return (uint8_t)(x >> 23);
}

void fuzz_octets(uint32_t key, uint32_t seq, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = fuzz_octet(key, seq + (uint32_t)i);
}
