/* SPDX-License-Identifier: MIT */
/* A packetdrill script as a tree: what the parser makes and everything else reads. All of it lives in the script's arena. */
#ifndef PKT_SCRIPT_H
#define PKT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawser/hawser.h>

struct pkt_place {
    unsigned line, column; /* from 1; 0 = the command line */
};

/* ---- time ----------------------------------------------------------------------------------------------------------- */

enum pkt_time_kind {
    PKT_TIME_ABSOLUTE,       /* 0.1 */
    PKT_TIME_RELATIVE,       /* +.02 */
    PKT_TIME_ANY,            /* * */
    PKT_TIME_ABSOLUTE_RANGE, /* 1~1.5 */
    PKT_TIME_RELATIVE_RANGE, /* +0~+.3 */
};

struct pkt_time {
    enum pkt_time_kind kind;
    int64_t start_ns;
    int64_t end_ns;  /* of a range, or of a blocking call */
    bool has_end;    /* +0...0.2: a blocking call that ends at end_ns, on the same base as start_ns */
};

/* ---- expressions ---------------------------------------------------------------------------------------------------- */

enum pkt_expr_kind {
    PKT_EXPR_ELLIPSIS,  /* ... */
    PKT_EXPR_INTEGER,   /* number; hexadecimal when it was written so */
    PKT_EXPR_WORD,      /* text: a symbol, looked up when the call is made */
    PKT_EXPR_STRING,    /* bytes/length with the escapes done; followed_by_ellipsis for "text"... */
    PKT_EXPR_OR,        /* items[0] | items[1] */
    PKT_EXPR_ASSIGN,    /* text = items[0]: NAME = value inside a list; also the field = value of the structures below */
    PKT_EXPR_LIST,      /* [a, b] */
    PKT_EXPR_BRACES,    /* {a, b}: a structure when its items are ASSIGN with the structure's field names (sa_family, sin_port, msg_name(...),
                           msg_iov(2), cmsg_level, ee_errno, scm_sec, fd, events, revents, ptr, u32, u64, onoff, linger), else a list */
    PKT_EXPR_CALL,      /* text(items…): htons(80), inet_addr("1.2.3.4"), inet6_addr("::1"); msg_name(...) and msg_iov(2) on an ASSIGN's left
                           side are kept in `argument` */
};

struct pkt_expr {
    enum pkt_expr_kind kind;
    struct pkt_place place;
    const char *text;               /* NUL-terminated */
    int64_t number;
    bool hexadecimal;
    bool followed_by_ellipsis;
    const uint8_t *bytes;
    size_t length;
    const struct pkt_expr *argument;
    const struct pkt_expr **items;
    size_t count;
};

/* ---- packets -------------------------------------------------------------------------------------------------------- */

enum pkt_ecn { PKT_ECN_ABSENT, PKT_ECN_NOECN, PKT_ECN_ECT0, PKT_ECN_ECT1, PKT_ECN_CE, PKT_ECN_ECT01 };

struct pkt_ip_info {
    enum pkt_ecn ecn;
    int tos;             /* -1 = absent; excludes ecn */
    int64_t flow_label;  /* -1 = absent */
    int ttl;             /* -1 = absent */
};

enum pkt_option_kind {
    PKT_OPT_NOP, PKT_OPT_EOL, PKT_OPT_MSS, PKT_OPT_WSCALE, PKT_OPT_SACK_OK, PKT_OPT_SACK, PKT_OPT_TIMESTAMPS, PKT_OPT_MD5,
    PKT_OPT_FAST_OPEN, PKT_OPT_FAST_OPEN_EXP, PKT_OPT_ACC_ECN_0, PKT_OPT_ACC_ECN_1,
};

struct pkt_option {
    enum pkt_option_kind kind;
    uint32_t value;          /* MSS, WSCALE */
    uint32_t ts_val, ts_ecr;
    unsigned count;          /* SACK blocks, bytes of md5 or cookie, AccECN counters */
    struct { uint32_t left, right; } sack[4];
    uint8_t bytes[18];
    uint32_t counters[3];    /* AccECN: in wire order of the kind */
};

enum pkt_options_kind { PKT_OPTIONS_NONE, PKT_OPTIONS_LIST, PKT_OPTIONS_ANY };

#define PKT_FIN 0x001
#define PKT_SYN 0x002
#define PKT_RST 0x004
#define PKT_PSH 0x008
#define PKT_ACK 0x010
#define PKT_URG 0x020
#define PKT_ECE 0x040
#define PKT_CWR 0x080
#define PKT_AE 0x100

struct pkt_tcp {
    uint16_t flags;       /* PKT_FIN … PKT_AE; an ACE digit has been turned into AE, CWR and ECE */
    bool ace_digit;       /* it was written as a digit */
    uint32_t seq, length; /* END is seq + length, as the parser has checked */
    uint32_t ack;
    int32_t window;       /* raw header value; -1 = absent */
    int32_t urgent;       /* -1 = absent */
    enum pkt_options_kind options_kind;
    const struct pkt_option *options;
    size_t options_count;
};

enum pkt_icmp_quote { PKT_QUOTE_DEFAULT, PKT_QUOTE_TCP, PKT_QUOTE_UDP, PKT_QUOTE_RAW };

struct pkt_icmp {
    bool v6;              /* which of the two the script's family made of it */
    uint8_t type, code;
    int32_t id;           /* -1 = absent */
    int64_t mtu;          /* -1 = absent */
    enum pkt_icmp_quote quote;
    uint32_t quote_seq, quote_length; /* TCP: SEQ and LEN; UDP and RAW: LEN */
};

enum pkt_encap_kind { PKT_ENCAP_IPV4, PKT_ENCAP_IPV6, PKT_ENCAP_GRE, PKT_ENCAP_MPLS, PKT_ENCAP_PSP };

struct pkt_encap { /* Hawser has none of them: the runtime skips scripts that use one, by its name */
    enum pkt_encap_kind kind;
    struct pkt_ip_info ip;
    struct hawser_address source, destination;
};

enum pkt_packet_kind { PKT_PACKET_TCP, PKT_PACKET_UDP, PKT_PACKET_ICMP };

struct pkt_packet {
    bool inbound; /* '<': injected into the stack */
    struct pkt_ip_info ip;
    const struct pkt_encap *encaps;
    size_t encap_count;
    bool has_ports;
    uint16_t source_port, destination_port;
    enum pkt_packet_kind kind;
    struct pkt_tcp tcp;
    uint32_t udp_length;
    struct pkt_icmp icmp;
};

/* ---- events --------------------------------------------------------------------------------------------------------- */

struct pkt_call {
    const char *name;
    const struct pkt_expr **arguments;
    size_t argument_count;
    const struct pkt_expr *result; /* NULL = not given (void) */
    const char *error;             /* "EAGAIN"; NULL = none */
    const char *note;              /* in parentheses; NULL = none */
};

enum pkt_event_kind { PKT_EVENT_PACKET, PKT_EVENT_CALL, PKT_EVENT_COMMAND, PKT_EVENT_CODE };

struct pkt_event {
    enum pkt_event_kind kind;
    struct pkt_place place, end; /* first and last character */
    struct pkt_time time;
    struct pkt_packet packet;
    struct pkt_call call;
    const char *text;            /* COMMAND, CODE */
};

/* ---- the script ----------------------------------------------------------------------------------------------------- */

struct pkt_define {
    const char *name, *value;
    enum { PKT_DEFINE_WORD, PKT_DEFINE_STRING, PKT_DEFINE_COMMAND, PKT_DEFINE_INTEGER } kind;
};

enum pkt_family { PKT_IPV4, PKT_IPV6, PKT_MAPPED };

/* What options say (command line over script); defaults in pkt_options_default. */
struct pkt_options {
    enum pkt_family family;
    struct hawser_address local, remote;
    uint16_t bind_port, connect_port;   /* 8080 both */
    int64_t tolerance_ns;               /* 4 ms */
    double tolerance_percent;           /* 12.5 */
    uint32_t mtu;                       /* 1500 */
    uint64_t ts_tick_ns;                /* tcp_ts_tick_usecs; 0 = TS values are not checked */
    bool ts_ecr_scaled;
    bool strict_segments;
    bool packets_not_fatal, calls_not_fatal;
    bool is_anyip;
    bool dry_run;
    unsigned verbose;
    const char *code_command;           /* "/usr/bin/python3" */
    const char *so_filename, *so_flags; /* NULL = none */
    const char **init_scripts;
    size_t init_script_count;
    const char *unsupported;            /* name of an option that we know but do not have ("wire_client"): the script is a skip */
};

struct pkt_script {
    const char *path;
    const char *source;             /* whole text, source_length bytes and a NUL; lines of it are shown on failure */
    size_t source_length;
    struct pkt_options options;
    const char *init_command;       /* NULL = none */
    const char *cleanup_command;
    const struct pkt_event *events;
    size_t event_count;
};

struct pkt_error {
    struct pkt_place place;
    char text[256];
};

#endif
