/* SPDX-License-Identifier: MIT */
/* A small protocol in the simulator: messages of any length, each behind its length in two octets;
 * the client sends some, the server sends each back, and both know what must come.
 *
 * It shows: what a program for `hawser sim --program` looks like, and what a stream of octets does
 * to one that takes it for messages. Its argument plants a mistake for the simulator to find:
 *     header   a length is taken for read when only one of its octets has come
 *     short    what hawser_send did not take is forgotten
 *
 * Make and run it:
 *     cc -shared -fPIC -o sim_messages.so sim_messages.c $(pkg-config --cflags hawser)
 *     hawser sim --program ./sim_messages.so
 *     hawser sim --program ./sim_messages.so --program-arg header */
#include <string.h>

#include <hawser/sim.h>

#define HEADER_BYTES 2u
#define TEXT_MAX 3000u
#define RETRY_NS                                                                                   \
    UINT64_C(100000000) /* after HAWSER_ERR_RESOURCES, of which no event tells the end */

struct message {
    uint8_t bytes[HEADER_BYTES + TEXT_MAX];
    size_t length, done; /* octets it has, octets sent */
};

struct talker {
    struct message out, in;
    uint32_t messages;       /* the client's */
    uint32_t sent, received; /* whole ones */
    bool shut, failed;
};

/* The nth message of a connection. Both ends can tell it. */
static void compose(uint64_t connection, uint32_t n, struct message *out)
{
    uint64_t word = (connection * 1000003 + n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    size_t text = (size_t)(word >> 40) % TEXT_MAX;
    out->bytes[0] = (uint8_t)(text >> 8);
    out->bytes[1] = (uint8_t)text;
    for (size_t i = 0; i < text; i++)
        out->bytes[HEADER_BYTES + i] = (uint8_t)((word >> 8) + i);
    out->length = HEADER_BYTES + text;
    out->done = 0;
}

static void failed(struct hawser_sim_end *end)
{
    ((struct talker *)end->state)->failed = true;
    hawser_close(end->host, end->tcp);
}

/* True when nothing of it is left to send. */
static bool send_rest(struct hawser_sim_end *end)
{
    struct talker *t = (struct talker *)end->state;
    struct message *out = &t->out;
    while (out->done < out->length) {
        int64_t n =
            hawser_send(end->host, end->tcp, out->bytes + out->done, out->length - out->done, 0);
        if (n == HAWSER_ERR_RESOURCES)
            hawser_sim_wake(end, RETRY_NS);
        if (n < 0) /* what ended the connection is told by reading, too */
            return false;
        out->done += (size_t)n;
        if (strcmp(end->argument, "short") == 0)
            out->done = out->length;
    }
    return true;
}

/* Reads on up to so many octets of a message. 1: they are there; 0: not yet; -1: end or error. */
static int read_to(struct hawser_sim_end *end, size_t length)
{
    struct talker *t = (struct talker *)end->state;
    while (t->in.length < length) {
        int64_t n =
            hawser_receive(end->host, end->tcp, t->in.bytes + t->in.length, length - t->in.length);
        if (n == HAWSER_ERR_AGAIN)
            return 0;
        if (n < 0)
            failed(end);
        if (n <= 0)
            return -1;
        t->in.length += (size_t)n;
        if (length == HEADER_BYTES && strcmp(end->argument, "header") == 0)
            t->in.length = length;
    }
    return 1;
}

/* The same results for a whole message. */
static int read_message(struct hawser_sim_end *end)
{
    struct talker *t = (struct talker *)end->state;
    int result = read_to(end, HEADER_BYTES);
    if (result <= 0)
        return result;
    size_t text = (size_t)t->in.bytes[0] << 8 | t->in.bytes[1];
    if (text >= TEXT_MAX)
        hawser_sim_fail(end, "message %u has %zu octets, more than any", t->received, text);
    return read_to(end, HEADER_BYTES + text);
}

static void check_message(struct hawser_sim_end *end)
{
    struct talker *t = (struct talker *)end->state;
    struct message wanted;
    compose(end->connection, t->received, &wanted);
    if (wanted.length != t->in.length || memcmp(wanted.bytes, t->in.bytes, wanted.length) != 0)
        hawser_sim_fail(end, "message %u is not what was sent", t->received);
    t->received++;
    t->in.length = 0;
}

/* The server sends a message back before it reads the next. */
static void serve(struct hawser_sim_end *end)
{
    struct talker *t = (struct talker *)end->state;
    int result = 1;
    while (send_rest(end) && (result = read_message(end)) > 0) {
        t->out = t->in;
        t->out.done = 0;
        check_message(end);
    }
    if (result < 0 && !t->failed) /* the client has no more, and everything was sent back */
        hawser_close(end->host, end->tcp);
}

/* The client sends as there is room, and reads all the while. */
static void ask(struct hawser_sim_end *end)
{
    struct talker *t = (struct talker *)end->state;
    while (send_rest(end) && t->sent < t->messages)
        compose(end->connection, t->sent++, &t->out);
    if (!t->shut && t->sent == t->messages && t->out.done == t->out.length)
        t->shut = hawser_shutdown(end->host, end->tcp) == 0;
    int result;
    while ((result = read_message(end)) > 0)
        check_message(end);
    if (result < 0 && !t->failed)
        hawser_close(end->host, end->tcp);
}

static void event(struct hawser_sim_end *end, uint32_t events)
{
    struct talker *t = (struct talker *)end->state;
    (void)events; /* whatever it is: do what can be done now */
    if (end->client)
        ask(end);
    else
        serve(end);
    if ((events & HAWSER_EVENT_ERROR) && !t->failed)
        failed(end);
}

static void begin(struct hawser_sim_end *end)
{
    struct talker *t = (struct talker *)end->state;
    t->messages = (uint32_t)(hawser_sim_random(end) % 20);
    if (!end->client)
        serve(end);
}

static void over(struct hawser_sim_end *end, enum hawser_sim_over how)
{
    struct talker *t = (struct talker *)end->state;
    t->failed = t->failed || how != HAWSER_SIM_LEFT;
}

static void judge(struct hawser_sim_end *client, struct hawser_sim_end *server)
{
    const struct talker *c = (struct talker *)client->state;
    if (c->failed || server == NULL || ((struct talker *)server->state)->failed)
        return;
    if (c->received != c->messages)
        hawser_sim_fail(client, "%u messages of %u came back", c->received, c->messages);
}

const struct hawser_sim_program *hawser_sim_init(const char *argument)
{
    static const struct hawser_sim_program program = {.version = HAWSER_SIM_VERSION,
                                                      .state_bytes = sizeof(struct talker),
                                                      .begin = begin,
                                                      .event = event,
                                                      .over = over,
                                                      .judge = judge};
    bool known =
        argument[0] == '\0' || strcmp(argument, "header") == 0 || strcmp(argument, "short") == 0;
    return known ? &program : NULL;
}
