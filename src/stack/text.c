/* SPDX-License-Identifier: MIT */
/* Names and texts of the public lists, printed trace events, the version, and what happens when an
 * assertion fails. */
#include <hawser/hawser.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#include "wire/ip.h"
#include "wire/print.h"
#include "wire/tcp.h"
#include "wire/text.h"

#define STRING_OF(x) #x
#define VERSION_TEXT(major, minor, patch) STRING_OF(major) "." STRING_OF(minor) "." STRING_OF(patch)

const char *hawser_version(void)
{
    return VERSION_TEXT(HAWSER_VERSION_MAJOR, HAWSER_VERSION_MINOR, HAWSER_VERSION_PATCH);
}

/* Weak: a program that wants a message, or its own way to end, defines this name itself. */
__attribute__((weak)) _Noreturn void hawser_assertion_failed(const char *what, const char *file,
                                                             int line)
{
    (void)what;
    (void)file;
    (void)line;
    __builtin_trap();
}

const char *hawser_error_name(int error)
{
    switch (error) {
    case HAWSER_OK:
        return "OK";
#define NAME_CASE(name, number, class, text)                                                       \
    case number:                                                                                   \
        return #name;
        HAWSER_ERROR_MAP(NAME_CASE)
    default:
        return "UNKNOWN";
    }
}

const char *hawser_error_text(int error)
{
    switch (error) {
    case HAWSER_OK:
        return "no error";
#define TEXT_CASE(name, number, class, text)                                                       \
    case number:                                                                                   \
        return text;
        HAWSER_ERROR_MAP(TEXT_CASE)
    default:
        return "no such error";
    }
}

enum hawser_error_class hawser_error_class_of(int error)
{
    switch (error) {
#define CLASS_CASE(name, number, class, text)                                                      \
    case number:                                                                                   \
        return HAWSER_CLASS_##class;
        HAWSER_ERROR_MAP(CLASS_CASE)
    default:
        return HAWSER_CLASS_NONE;
    }
}

const char *hawser_state_name(enum hawser_state state)
{
    switch (state) {
    case HAWSER_ESTABLISHED:
        return "ESTABLISHED";
    case HAWSER_SYN_SENT:
        return "SYN-SENT";
    case HAWSER_SYN_RECEIVED:
        return "SYN-RECEIVED";
    case HAWSER_FIN_WAIT_1:
        return "FIN-WAIT-1";
    case HAWSER_FIN_WAIT_2:
        return "FIN-WAIT-2";
    case HAWSER_TIME_WAIT:
        return "TIME-WAIT";
    case HAWSER_CLOSED:
        return "CLOSED";
    case HAWSER_CLOSE_WAIT:
        return "CLOSE-WAIT";
    case HAWSER_LAST_ACK:
        return "LAST-ACK";
    case HAWSER_LISTEN:
        return "LISTEN";
    case HAWSER_CLOSING:
        return "CLOSING";
    }
    return "?"; /* a number that is no state */
}

static const char *const cause_texts[] = {
#define CAUSE_TEXT(name, text) text,
    HAWSER_CAUSE_MAP(CAUSE_TEXT)};
static const char *const timer_names[] = {
#define TIMER_NAME(name, text) text,
    HAWSER_TIMER_MAP(TIMER_NAME)};
static const char *const drop_texts[] = {
#define DROP_TEXT(name, text) text,
    HAWSER_DROP_MAP(DROP_TEXT)};
static const char *const record_texts[] = {
    [HAWSER_RECORD_ENTERED] = "entered",
    [HAWSER_RECORD_RESTARTED] = "restarted",
    [HAWSER_RECORD_EXPIRED] = "expired",
    [HAWSER_RECORD_REUSED_BY_SYN] = "reused by a SYN",
    [HAWSER_RECORD_REUSED_BY_OPEN] = "reused by an active OPEN",
    [HAWSER_RECORD_RESET] = "reset",
    [HAWSER_RECORD_EVICTED] = "evicted",
};

#define PICK(list, i) ((unsigned)(i) < sizeof(list) / sizeof((list)[0]) ? (list)[i] : "?")

const char *hawser_cause_text(enum hawser_cause cause)
{
    return PICK(cause_texts, cause);
}

const char *hawser_timer_name(enum hawser_timer timer)
{
    return PICK(timer_names, timer);
}

const char *hawser_drop_text(enum hawser_drop drop)
{
    return PICK(drop_texts, drop);
}

int hawser_address_scan(const char *text, struct hawser_address *out)
{
    struct hawser_address scanned;
    if (text == NULL || out == NULL || !address_scan(text, &scanned))
        return HAWSER_ERR_INVALID;
    *out = scanned;
    return 0;
}

_Static_assert(HAWSER_ADDRESS_TEXT_MAX == ADDRESS_TEXT_MAX, "one length for an address's text");

size_t hawser_address_print(const struct hawser_address *address, char out[HAWSER_ADDRESS_TEXT_MAX])
{
    return address_print(address, out);
}

bool hawser_address_is_v4(const struct hawser_address *address)
{
    return address_is_v4(address);
}

size_t hawser_frame_print(enum hawser_link_kind kind, const uint8_t *frame, size_t length,
                          char *out, size_t cap)
{
    return packet_print(kind == HAWSER_LINK_ETHERNET, frame, length, out, cap);
}

/* "198.18.0.1:80", "[2001:db8::1]:80" */
static void print_endpoint(struct text *t, const struct hawser_endpoint *end)
{
    char address[ADDRESS_TEXT_MAX];
    bool v4 = address_is_v4(&end->address);
    address_print(&end->address, address);
    text_string(t, v4 ? "" : "[");
    text_string(t, address);
    text_string(t, v4 ? ":" : "]:");
    text_number(t, end->port);
}

static void print_seconds(struct text *t, uint64_t ns)
{
    uint64_t us = ns / 1000;
    text_number(t, us / 1000000);
    text_char(t, '.');
    for (uint64_t digit = 100000; digit > 0; digit /= 10)
        text_char(t, (char)('0' + us / digit % 10));
}

static void print_options(struct text *t, const struct hawser_segment *s)
{
    if (s->mss != 0)
        text_field(t, ", mss ", s->mss);
    if (s->wscale >= 0)
        text_field(t, ", wscale ", (uint64_t)s->wscale);
    if (s->sack_permitted)
        text_string(t, ", sackOK");
    if (s->has_timestamps) {
        text_field(t, ", TS val ", s->ts_val);
        text_field(t, " ecr ", s->ts_ecr);
    }
    for (unsigned i = 0; i < s->sack_count && i < TCP_SACK_BLOCKS_MAX; i++) {
        text_field(t, i == 0 ? ", sack {" : " {", s->sack[i].left);
        text_field(t, ":", s->sack[i].right);
        text_char(t, '}');
    }
}

static void print_segment(struct text *t, const struct hawser_segment *s)
{
    static const struct {
        uint8_t bit;
        char letter;
    } flags[] = {{TCP_SYN, 'S'}, {TCP_FIN, 'F'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'},
                 {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'}, {TCP_ACK, '.'}};
    text_string(t, " [");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (s->flags & flags[i].bit)
            text_char(t, flags[i].letter);
    text_field(t, "] seq ", s->seq);
    if (s->flags & TCP_ACK)
        text_field(t, ", ack ", s->ack);
    text_field(t, ", win ", s->window);
    if (s->flags & TCP_URG)
        text_field(t, ", urg ", s->urgent);
    print_options(t, s);
    text_field(t, ", len ", s->length);
    if (s->retransmission)
        text_string(t, " (again)");
}

static void print_change(struct text *t, const struct hawser_trace_event *event)
{
    text_string(t, " ");
    text_string(t, hawser_state_name(event->from));
    text_string(t, " -> ");
    text_string(t, hawser_state_name(event->to));
    text_string(t, ": ");
    text_string(t, hawser_cause_text(event->cause));
}

static void print_record(struct text *t, const struct hawser_trace_event *event)
{
    text_string(t, " record ");
    text_string(t, PICK(record_texts, event->record));
    if (event->record == HAWSER_RECORD_ENTERED || event->record == HAWSER_RECORD_RESTARTED) {
        text_string(t, ", until ");
        print_seconds(t, event->until_ns);
    }
}

static void print_what(struct text *t, const struct hawser_trace_event *event)
{
    switch (event->kind) {
    case HAWSER_TRACE_SEGMENT_IN:
    case HAWSER_TRACE_SEGMENT_OUT:
        print_segment(t, &event->segment);
        break;
    case HAWSER_TRACE_STATE:
        print_change(t, event);
        break;
    case HAWSER_TRACE_TIMER:
        text_string(t, " timer ");
        text_string(t, hawser_timer_name(event->timer));
        break;
    case HAWSER_TRACE_DROP:
        text_string(t, " dropped: ");
        text_string(t, hawser_drop_text(event->drop));
        break;
    case HAWSER_TRACE_RECORD:
        print_record(t, event);
        break;
    }
}

/* "12.000500 198.18.0.1:80 < 198.18.0.2:40000 LISTEN [S] seq 7, win 64240, mss 1460, len 0" */
size_t hawser_trace_print(const struct hawser_trace_event *event, char *out, size_t cap)
{
    struct text t;
    text_init(&t, out, cap);
    print_seconds(&t, event->now_ns);
    text_char(&t, ' ');
    print_endpoint(&t, &event->local);
    switch (event->kind) {
    case HAWSER_TRACE_SEGMENT_IN:
        text_string(&t, " < ");
        break;
    case HAWSER_TRACE_SEGMENT_OUT:
        text_string(&t, " > ");
        break;
    case HAWSER_TRACE_STATE:
    case HAWSER_TRACE_TIMER:
    case HAWSER_TRACE_DROP:
    case HAWSER_TRACE_RECORD:
        text_string(&t, " - ");
        break;
    }
    print_endpoint(&t, &event->remote);
    if (event->kind != HAWSER_TRACE_STATE) { /* which says both states itself */
        text_char(&t, ' ');
        text_string(&t, hawser_state_name(event->state));
    }
    print_what(&t, event);
    return t.length;
}
