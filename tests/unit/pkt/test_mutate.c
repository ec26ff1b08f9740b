/* SPDX-License-Identifier: MIT */
/* Mutants: mutate.c, mutate_packet.c, mutate_call.c. Which there are is compared as text, one line
 * a mutant. */
#include <stdio.h>

#include "support/unit.h"

#include "parse_text.h"
#include "pkt/mutate.h"
#include "pkt/print.h"

static void parse_or_fail(const char *text, struct pkt_arena *arena, struct pkt_script *script)
{
    struct pkt_error error;
    if (parse_text_of(text, 0, arena, script, &error) != 0)
        fail_msg("%u:%u: %s in\n%s", error.place.line, error.place.column, error.text, text);
}

/* The mutants of the last event of a script as lines: kind, what, and the event as it is then. */
static void check_mutants(const char *text, const char *const *expected)
{
    struct pkt_arena arena = {0};
    struct pkt_script script;
    const struct pkt_mutant *mutants;
    parse_or_fail(text, &arena, &script);
    size_t count = pkt_mutants(&script, &arena, &mutants), at = 0;
    for (size_t i = 0; i < count; i++) {
        if (mutants[i].event != script.event_count - 1)
            continue;
        static const char *const how[] = {"", " behind", " gone"};
        const char *line = pkt_arena_printf(
            &arena, "%s: %s:%s %s", pkt_mutation_name(mutants[i].mutation), mutants[i].what,
            how[mutants[i].how], pkt_event_text(&mutants[i].changed, &arena));
        if (expected[at] == NULL || strcmp(line, expected[at]) != 0)
            print_message("mutant %zu\n", at);
        assert_non_null(expected[at]);
        assert_string_equal(line, expected[at++]);
    }
    assert_null(expected[at]);
    pkt_arena_free(&arena);
}

static const char *const packets_0[] = {
    "flag: P. becomes FP.: +0.02 > FP. 1:11(10) ack 5 win 65535 urg 2",
    "flag: P. becomes SP.: +0.02 > SP. 1:11(10) ack 5 win 65535 urg 2",
    "flag: P. becomes RP.: +0.02 > RP. 1:11(10) ack 5 win 65535 urg 2",
    "flag: P. becomes .: +0.02 > . 1:11(10) ack 5 win 65535 urg 2",
    "flag: P. becomes P: +0.02 > P 1:11(10) ack 5 win 65535 urg 2",
    "flag: P. becomes PU.: +0.02 > PU. 1:11(10) ack 5 win 65535 urg 2",
    "flag: P. becomes PE.: +0.02 > PE. 1:11(10) ack 5 win 65535 urg 2",
    "flag: P. becomes PW.: +0.02 > PW. 1:11(10) ack 5 win 65535 urg 2",
    "flag: P. becomes PA.: +0.02 > PA. 1:11(10) ack 5 win 65535 urg 2",
    "seq: seq 1 becomes 2: +0.02 > P. 2:12(10) ack 5 win 65535 urg 2",
    "ack: ack 5 becomes 6: +0.02 > P. 1:11(10) ack 6 win 65535 urg 2",
    "length: length 10 becomes 11: +0.02 > P. 1:12(11) ack 5 win 65535 urg 2",
    "length: length 10 becomes 9: +0.02 > P. 1:10(9) ack 5 win 65535 urg 2",
    "window: win 65535 becomes 65534: +0.02 > P. 1:11(10) ack 5 win 65534 urg 2",
    "urgent: urg 2 becomes 3: +0.02 > P. 1:11(10) ack 5 win 65535 urg 3",
    "new-option: four nop are added to the options: +0.02 > P. 1:11(10) ack 5 win 65535 urg 2 "
    "<nop,nop,nop,nop>",
    "late: expected at +0.030142857: +0.030142857 > P. 1:11(10) ack 5 win 65535 urg 2",
    "early: expected at +0.009857143: +0.009857143 > P. 1:11(10) ack 5 win 65535 urg 2",
    "removed: not expected: +0.024 `sleep 0`",
    "twice: expected a second time at once: behind +0 > P. 1:11(10) ack 5 win 65535 urg 2",
    NULL,
};
static const char *const packets_1[] = {
    "flag: .5 becomes FEA.: 1~1.5 > FEA. 1:1(0) ack 5",
    "flag: .5 becomes SEA.: 1~1.5 > SEA. 1:1(0) ack 5",
    "flag: .5 becomes REA.: 1~1.5 > REA. 1:1(0) ack 5",
    "flag: .5 becomes PEA.: 1~1.5 > PEA. 1:1(0) ack 5",
    "flag: .5 becomes EA: 1~1.5 > EA 1:1(0) ack 5",
    "flag: .5 becomes UEA.: 1~1.5 > UEA. 1:1(0) ack 5",
    "flag: .5 becomes A.: 1~1.5 > A. 1:1(0) ack 5",
    "flag: .5 becomes EWA.: 1~1.5 > EWA. 1:1(0) ack 5",
    "flag: .5 becomes E.: 1~1.5 > E. 1:1(0) ack 5",
    "seq: seq 1 becomes 2: 1~1.5 > .5 2:2(0) ack 5",
    "ack: ack 5 becomes 6: 1~1.5 > .5 1:1(0) ack 6",
    "length: length 0 becomes 1: 1~1.5 > .5 1:2(1) ack 5",
    "urgent: urg 0 becomes 1: 1~1.5 > .5 1:1(0) ack 5 urg 1",
    "new-option: four nop are added to the options: 1~1.5 > .5 1:1(0) ack 5 <nop,nop,nop,nop>",
    "late: expected at 1.929571428~2.429571428: 1.929571428~2.429571428 > .5 1:1(0) ack 5",
    "early: expected at 0.070428572~0.570428572: 0.070428572~0.570428572 > .5 1:1(0) ack 5",
    "removed: not expected: 1.5 `sleep 0`",
    "twice: expected a second time at once: behind +0 > .5 1:1(0) ack 5",
    NULL,
};
static const char *const packets_2[] = {
    "flag: R becomes FR: * > FR 1:1(0)",
    "flag: R becomes SR: * > SR 1:1(0)",
    "flag: R becomes -: * > - 1:1(0)",
    "flag: R becomes RP: * > RP 1:1(0)",
    "flag: R becomes R.: * > R. 1:1(0) ack 0",
    "flag: R becomes RU: * > RU 1:1(0)",
    "flag: R becomes RE: * > RE 1:1(0)",
    "flag: R becomes RW: * > RW 1:1(0)",
    "flag: R becomes RA: * > RA 1:1(0)",
    "seq: seq 1 becomes 2: * > R 2:2(0)",
    "length: length 0 becomes 1: * > R 1:2(1)",
    "urgent: urg 0 becomes 1: * > R 1:1(0) urg 1",
    "new-option: four nop are added to the options: * > R 1:1(0) <nop,nop,nop,nop>",
    "removed: not expected: gone * > R 1:1(0)",
    "twice: expected a second time at once: behind +0 > R 1:1(0)",
    NULL,
};

static void test_packets(void **state)
{
    (void)state;
    check_mutants("0 `a`\n+.02 > P. 1:11(10) ack 5 win 65535 urg 2", packets_0);
    check_mutants("0 `a`\n1~1.5 > .5 1:1(0) ack 5", packets_1);
    check_mutants("0 `a`\n* > R 1:1(0)", packets_2);
}

static const char *const options_0[] = {
    "flag: S. becomes SF.: * > SF. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "flag: S. becomes .: * > . 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "flag: S. becomes SR.: * > SR. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "flag: S. becomes SP.: * > SP. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "flag: S. becomes S: * > S 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "flag: S. becomes SU.: * > SU. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "flag: S. becomes SE.: * > SE. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "flag: S. becomes SW.: * > SW. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "flag: S. becomes SA.: * > SA. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "ack: ack 1 becomes 2: * > S. 1:1(0) ack 2 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "length: length 0 becomes 1: * > S. 1:2(1) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "urgent: urg 0 becomes 1: * > S. 1:1(0) ack 1 urg 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 "
    "ecr 2,eol,eol,nop,nop>",
    "option: mss 65535 becomes mss 65534: * > S. 1:1(0) ack 1 <mss 65534,nop,wscale 7,sackOK,TS "
    "val 1 ecr 2,eol,eol,nop,nop>",
    "no-option: mss 65535 becomes 4 nop: * > S. 1:1(0) ack 1 <nop,nop,nop,nop,nop,wscale "
    "7,sackOK,TS val 1 ecr 2,eol,eol,nop,nop>",
    "no-option: nop becomes eol: * > S. 1:1(0) ack 1 <mss 65535,eol,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "option: wscale 7 becomes wscale 8: * > S. 1:1(0) ack 1 <mss 65535,nop,wscale 8,sackOK,TS val "
    "1 ecr 2,eol,eol,nop,nop>",
    "no-option: wscale 7 becomes 3 nop: * > S. 1:1(0) ack 1 <mss 65535,nop,nop,nop,nop,sackOK,TS "
    "val 1 ecr 2,eol,eol,nop,nop>",
    "no-option: sackOK becomes 2 nop: * > S. 1:1(0) ack 1 <mss 65535,nop,wscale 7,nop,nop,TS val 1 "
    "ecr 2,eol,eol,nop,nop>",
    "no-option: TS val 1 ecr 2 becomes 10 nop: * > S. 1:1(0) ack 1 <mss 65535,nop,wscale "
    "7,sackOK,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,eol,eol,nop,nop>",
    "no-option: eol becomes nop: * > S. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,nop,eol,nop,nop>",
    "no-option: eol becomes nop: * > S. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,nop,nop,nop>",
    "no-option: nop becomes eol: * > S. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,eol,nop>",
    "no-option: nop becomes eol: * > S. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,eol>",
    "no-option: there are no options: * > S. 1:1(0) ack 1",
    "new-option: four nop are added to the options: * > S. 1:1(0) ack 1 <mss 65535,nop,wscale "
    "7,sackOK,TS val 1 ecr 2,eol,eol,nop,nop,nop,nop,nop,nop>",
    "removed: not expected: gone * > S. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr "
    "2,eol,eol,nop,nop>",
    "twice: expected a second time at once: behind +0 > S. 1:1(0) ack 1 <mss 65535,nop,wscale "
    "7,sackOK,TS val 1 ecr 2,eol,eol,nop,nop>",
    NULL,
};
static const char *const options_1[] = {
    "flag: . becomes F.: * > F. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "flag: . becomes S.: * > S. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "flag: . becomes R.: * > R. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "flag: . becomes P.: * > P. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "flag: . becomes -: * > - 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "flag: . becomes U.: * > U. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "flag: . becomes E.: * > E. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "flag: . becomes W.: * > W. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "flag: . becomes A.: * > A. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "seq: seq 1 becomes 2: * > . 2:2(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "ack: ack 1 becomes 2: * > . 1:1(0) ack 2 <nop,nop,TS val 1 ecr 2>",
    "length: length 0 becomes 1: * > . 1:2(1) ack 1 <nop,nop,TS val 1 ecr 2>",
    "urgent: urg 0 becomes 1: * > . 1:1(0) ack 1 urg 1 <nop,nop,TS val 1 ecr 2>",
    "no-option: nop becomes eol: * > . 1:1(0) ack 1 <eol,nop,TS val 1 ecr 2>",
    "no-option: nop becomes eol: * > . 1:1(0) ack 1 <nop,eol,TS val 1 ecr 2>",
    "option: TS val 1 ecr 2 becomes TS val 1000001 ecr 2: * > . 1:1(0) ack 1 <nop,nop,TS val "
    "1000001 ecr 2>",
    "no-option: TS val 1 ecr 2 becomes 10 nop: * > . 1:1(0) ack 1 "
    "<nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop>",
    "no-option: there are no options: * > . 1:1(0) ack 1",
    "new-option: four nop are added to the options: * > . 1:1(0) ack 1 <nop,nop,TS val 1 ecr "
    "2,nop,nop,nop,nop>",
    "removed: not expected: gone * > . 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    "twice: expected a second time at once: behind +0 > . 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
    NULL,
};
static const char *const options_2[] = {
    "flag: . becomes F.: * > F. 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "flag: . becomes S.: * > S. 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "flag: . becomes R.: * > R. 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "flag: . becomes P.: * > P. 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "flag: . becomes -: * > - 1:1(0) <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "flag: . becomes U.: * > U. 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "flag: . becomes E.: * > E. 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "flag: . becomes W.: * > W. 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "flag: . becomes A.: * > A. 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "seq: seq 1 becomes 2: * > . 2:2(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "ack: ack 0 becomes 1: * > . 1:1(0) ack 1 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "length: length 0 becomes 1: * > . 1:2(1) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "urgent: urg 0 becomes 1: * > . 1:1(0) ack 0 urg 1 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "option: md5 00ff becomes md5 00fe: * > . 1:1(0) ack 0 <md5 00fe,FO,FO 01,FOEXP 02,nop,nop>",
    "no-option: md5 00ff becomes 4 nop: * > . 1:1(0) ack 0 <nop,nop,nop,nop,FO,FO 01,FOEXP "
    "02,nop,nop>",
    "no-option: FO becomes 2 nop: * > . 1:1(0) ack 0 <md5 00ff,nop,nop,FO 01,FOEXP 02,nop,nop>",
    "option: FO 01 becomes FO 00: * > . 1:1(0) ack 0 <md5 00ff,FO,FO 00,FOEXP 02,nop,nop>",
    "no-option: FO 01 becomes 3 nop: * > . 1:1(0) ack 0 <md5 00ff,FO,nop,nop,nop,FOEXP 02,nop,nop>",
    "option: FOEXP 02 becomes FOEXP 03: * > . 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 03,nop,nop>",
    "no-option: FOEXP 02 becomes 5 nop: * > . 1:1(0) ack 0 <md5 00ff,FO,FO "
    "01,nop,nop,nop,nop,nop,nop,nop>",
    "no-option: nop becomes eol: * > . 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,eol,nop>",
    "no-option: nop becomes eol: * > . 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,eol>",
    "no-option: there are no options: * > . 1:1(0) ack 0",
    "new-option: four nop are added to the options: * > . 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP "
    "02,nop,nop,nop,nop,nop,nop>",
    "removed: not expected: gone * > . 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>",
    "twice: expected a second time at once: behind +0 > . 1:1(0) ack 0 <md5 00ff,FO,FO 01,FOEXP "
    "02,nop,nop>",
    NULL,
};
static const char *const options_3[] = {
    "flag: . becomes F.: * > F. 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "flag: . becomes S.: * > S. 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "flag: . becomes R.: * > R. 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "flag: . becomes P.: * > P. 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "flag: . becomes -: * > - 1:1(0) <ECN e1b 4 ceb 5>",
    "flag: . becomes U.: * > U. 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "flag: . becomes E.: * > E. 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "flag: . becomes W.: * > W. 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "flag: . becomes A.: * > A. 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "seq: seq 1 becomes 2: * > . 2:2(0) ack 0 <ECN e1b 4 ceb 5>",
    "ack: ack 0 becomes 1: * > . 1:1(0) ack 1 <ECN e1b 4 ceb 5>",
    "length: length 0 becomes 1: * > . 1:2(1) ack 0 <ECN e1b 4 ceb 5>",
    "urgent: urg 0 becomes 1: * > . 1:1(0) ack 0 urg 1 <ECN e1b 4 ceb 5>",
    "option: ECN e1b 4 ceb 5 becomes ECN e1b 5 ceb 5: * > . 1:1(0) ack 0 <ECN e1b 5 ceb 5>",
    "no-option: ECN e1b 4 ceb 5 becomes 8 nop: * > . 1:1(0) ack 0 "
    "<nop,nop,nop,nop,nop,nop,nop,nop>",
    "no-option: there are no options: * > . 1:1(0) ack 0",
    "new-option: four nop are added to the options: * > . 1:1(0) ack 0 <ECN e1b 4 ceb "
    "5,nop,nop,nop,nop>",
    "removed: not expected: gone * > . 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    "twice: expected a second time at once: behind +0 > . 1:1(0) ack 0 <ECN e1b 4 ceb 5>",
    NULL,
};
static const char *const options_4[] = {
    "flag: . becomes F.: * > F. 1:1(0) ack 0 <...>",
    "flag: . becomes S.: * > S. 1:1(0) ack 0 <...>",
    "flag: . becomes R.: * > R. 1:1(0) ack 0 <...>",
    "flag: . becomes P.: * > P. 1:1(0) ack 0 <...>",
    "flag: . becomes -: * > - 1:1(0) <...>",
    "flag: . becomes U.: * > U. 1:1(0) ack 0 <...>",
    "flag: . becomes E.: * > E. 1:1(0) ack 0 <...>",
    "flag: . becomes W.: * > W. 1:1(0) ack 0 <...>",
    "flag: . becomes A.: * > A. 1:1(0) ack 0 <...>",
    "seq: seq 1 becomes 2: * > . 2:2(0) ack 0 <...>",
    "ack: ack 0 becomes 1: * > . 1:1(0) ack 1 <...>",
    "length: length 0 becomes 1: * > . 1:2(1) ack 0 <...>",
    "urgent: urg 0 becomes 1: * > . 1:1(0) ack 0 urg 1 <...>",
    "removed: not expected: gone * > . 1:1(0) ack 0 <...>",
    "twice: expected a second time at once: behind +0 > . 1:1(0) ack 0 <...>",
    NULL,
};

static void test_options(void **state)
{
    (void)state;
    check_mutants(
        "0 `a`\n* > S. 1:1(0) ack 1 <mss 65535,nop,wscale 7,sackOK,TS val 1 ecr 2,eol,eol,nop,nop>",
        options_0);
    check_mutants("--tcp_ts_tick_usecs=1000\n0 > . 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>\n* > . "
                  "1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
                  options_1);
    check_mutants("0 `a`\n* > . 1:1(0) <md5 00ff,FO,FO 01,FOEXP 02,nop,nop>", options_2);
    check_mutants("0 `a`\n* > . 1:1(0) <ECN e1b 4 ceb 5>", options_3);
    check_mutants("0 `a`\n* > . 1:1(0) <...>", options_4);
}

static const char *const other_packets_0[] = {
    "flag: R becomes FR: * > [ce,flowlabel 0x00005] 5 > 80 FR 1:1(0) <...>",
    "flag: R becomes SR: * > [ce,flowlabel 0x00005] 5 > 80 SR 1:1(0) <...>",
    "flag: R becomes -: * > [ce,flowlabel 0x00005] 5 > 80 - 1:1(0) <...>",
    "flag: R becomes RP: * > [ce,flowlabel 0x00005] 5 > 80 RP 1:1(0) <...>",
    "flag: R becomes R.: * > [ce,flowlabel 0x00005] 5 > 80 R. 1:1(0) ack 0 <...>",
    "flag: R becomes RU: * > [ce,flowlabel 0x00005] 5 > 80 RU 1:1(0) <...>",
    "flag: R becomes RE: * > [ce,flowlabel 0x00005] 5 > 80 RE 1:1(0) <...>",
    "flag: R becomes RW: * > [ce,flowlabel 0x00005] 5 > 80 RW 1:1(0) <...>",
    "flag: R becomes RA: * > [ce,flowlabel 0x00005] 5 > 80 RA 1:1(0) <...>",
    "seq: seq 1 becomes 2: * > [ce,flowlabel 0x00005] 5 > 80 R 2:2(0) <...>",
    "length: length 0 becomes 1: * > [ce,flowlabel 0x00005] 5 > 80 R 1:2(1) <...>",
    "urgent: urg 0 becomes 1: * > [ce,flowlabel 0x00005] 5 > 80 R 1:1(0) urg 1 <...>",
    "ip: the ECN bits are others: * > [noecn,flowlabel 0x00005] 5 > 80 R 1:1(0) <...>",
    "ip: the flow label is another one: * > [ce,flowlabel 0x80005] 5 > 80 R 1:1(0) <...>",
    "port: port 80 becomes 81: * > [ce,flowlabel 0x00005] 5 > 81 R 1:1(0) <...>",
    "removed: not expected: gone * > [ce,flowlabel 0x00005] 5 > 80 R 1:1(0) <...>",
    "twice: expected a second time at once: behind +0 > [ce,flowlabel 0x00005] 5 > 80 R 1:1(0) "
    "<...>",
    NULL,
};
static const char *const other_packets_1[] = {
    "icmp: type 3 becomes 2: * > [tos 0x10,flowlabel 0x00005] icmp type_2 code_3",
    "icmp: code 3 becomes 2: * > [tos 0x10,flowlabel 0x00005] icmp unreachable "
    "protocol_unreachable",
    "ip: tos 0x10 becomes 0x14: * > [tos 0x14,flowlabel 0x00005] icmp unreachable port_unreachable",
    "removed: not expected: gone * > [tos 0x10,flowlabel 0x00005] icmp unreachable "
    "port_unreachable",
    "twice: expected a second time at once: behind +0 > [tos 0x10,flowlabel 0x00005] icmp "
    "unreachable port_unreachable",
    NULL,
};
static const char *const other_packets_2[] = {
    "length: length 20 becomes 21: * > [ttl 64] udp (21)",
    "ip: ttl 64 becomes 65: * > [ttl 65] udp (20)",
    "removed: not expected: gone * > [ttl 64] udp (20)",
    "twice: expected a second time at once: behind +0 > [ttl 64] udp (20)",
    NULL,
};
static const char *const other_packets_3[] = {
    NULL,
};

static void test_other_packets(void **state)
{
    (void)state;
    check_mutants("0 > [flowlabel 5] . 1:1(0)\n* > [ce,flowlabel 5] 5 > 80 R 1:1(0) <...>",
                  other_packets_0);
    check_mutants("0 `a`\n* > [tos 0x10,flowlabel 5] icmp unreachable port_unreachable",
                  other_packets_1);
    check_mutants("0 `a`\n* > [ttl 64] udp (20)", other_packets_2);
    check_mutants("0 `a`\n+0 < . 1:1(0) ack 1 win 5", other_packets_3);
}

static const char *const calls_0[] = {
    "failure: 3 becomes -1 EBADF: 0 socket(..., SOCK_STREAM, 0) = -1 EBADF ()",
    NULL,
};
static const char *const calls_1[] = {
    "failure: 10 becomes -1 EBADF: 0 read(3, ..., 10) = -1 EBADF ()",
    "result: 10 becomes 11: 0 read(3, ..., 10) = 11",
    NULL,
};
static const char *const calls_2[] = {
    NULL,
};
static const char *const calls_3[] = {
    NULL,
};
static const char *const calls_4[] = {
    "errno: EBADF becomes EIO: +0...1 read(3, ..., 10) = -1 EIO (x)",
    "success: EBADF becomes 0: +0...1 read(3, ..., 10) = 0",
    "end-late: +0...1.286714285: +0...1.286714285 read(3, ..., 10) = -1 EBADF (x)",
    "end-early: +0...0.713285715: +0...0.713285715 read(3, ..., 10) = -1 EBADF (x)",
    NULL,
};
static const char *const calls_5[] = {
    "failure: 0 becomes -1 EBADF: +0.5...0.501 connect(3, ..., ...) = -1 EBADF ()",
    "result: 0 becomes 1: +0.5...0.501 connect(3, ..., ...) = 1",
    "end-late: +0.5...0.511142857: +0.5...0.511142857 connect(3, ..., ...) = 0",
    NULL,
};
static const char *const calls_6[] = {
    "failure: 0 becomes -1 EBADF: 0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, [8]) "
    "= -1 EBADF ()",
    "result: 0 becomes 1: 0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, [8]) = 1",
    "value: onoff 1 becomes 2: 0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=2, linger=5}, [8]) = "
    "0",
    "value: linger 5 becomes 6: 0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=6}, [8]) = "
    "0",
    "value: length 8 becomes 1008: 0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, "
    "[1008]) = 0",
    NULL,
};
static const char *const calls_7[] = {
    "failure: 0 becomes -1 EBADF: 0 getsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", [4]) = -1 "
    "EBADF ()",
    "result: 0 becomes 1: 0 getsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", [4]) = 1",
    "value: \"reno\" becomes \"seno\": 0 getsockopt(3, SOL_TCP, TCP_CONGESTION, \"seno\", [4]) = 0",
    "value: length 4 becomes 1004: 0 getsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", [1004]) = 0",
    NULL,
};
static const char *const calls_8[] = {
    "errno: EINVAL becomes EBADF: 0 getsockopt(3, SOL_TCP, TCP_INFO, ..., [4]) = -1 EBADF (x)",
    "success: EINVAL becomes 0: 0 getsockopt(3, SOL_TCP, TCP_INFO, ..., [4]) = 0",
    NULL,
};
static const char *const calls_9[] = {
    "failure: 0 becomes -1 EBADF: 0 getsockopt(3, 1, 2, [ECONNRESET], [4]) = -1 EBADF ()",
    "result: 0 becomes 1: 0 getsockopt(3, 1, 2, [ECONNRESET], [4]) = 1",
    "value: ECONNRESET becomes 105: 0 getsockopt(3, 1, 2, [105], [4]) = 0",
    "value: length 4 becomes 1004: 0 getsockopt(3, 1, 2, [ECONNRESET], [1004]) = 0",
    NULL,
};
static const char *const calls_10[] = {
    "failure: 0 becomes -1 EBADF: 0 ioctl(3, SIOCINQ, [5]) = -1 EBADF ()",
    "result: 0 becomes 1: 0 ioctl(3, SIOCINQ, [5]) = 1",
    "value: 5 becomes 6: 0 ioctl(3, SIOCINQ, [6]) = 0",
    NULL,
};
static const char *const calls_11[] = {
    "failure: 0 becomes -1 EBADF: 0 ioctl(3, FIONBIO, [1]) = -1 EBADF ()",
    "result: 0 becomes 1: 0 ioctl(3, FIONBIO, [1]) = 1",
    NULL,
};
static const char *const calls_12[] = {
    "failure: 1 becomes -1 EBADF: 0 poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN}, {fd=4, "
    "events=POLLIN}], 2, 0) = -1 EBADF ()",
    "result: 1 becomes 2: 0 poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN}, {fd=4, "
    "events=POLLIN}], 2, 0) = 2",
    "value: revents POLLIN becomes 1025: 0 poll([{fd=3, events=POLLIN|POLLOUT, revents=1025}, "
    "{fd=4, events=POLLIN}], 2, 0) = 1",
    "value: revents POLLIN becomes 0: 0 poll([{fd=3, events=POLLIN|POLLOUT, revents=0}, {fd=4, "
    "events=POLLIN}], 2, 0) = 1",
    "value: {fd=4, events=POLLIN} becomes {fd=4, events=POLLIN, revents=1024}: 0 poll([{fd=3, "
    "events=POLLIN|POLLOUT, revents=POLLIN}, {fd=4, events=POLLIN, revents=1024}], 2, 0) = 1",
    NULL,
};
static const char *const calls_13[] = {
    "failure: 1 becomes -1 EBADF: 0 epoll_wait(5, {events=EPOLLIN|EPOLLET, fd=4}, 1, 0) = -1 EBADF "
    "()",
    "result: 1 becomes 2: 0 epoll_wait(5, {events=EPOLLIN|EPOLLET, fd=4}, 1, 0) = 2",
    "value: events EPOLLIN|EPOLLET becomes 2147484673: 0 epoll_wait(5, {events=2147484673, fd=4}, "
    "1, 0) = 1",
    "value: events EPOLLIN|EPOLLET becomes 0: 0 epoll_wait(5, {events=0, fd=4}, 1, 0) = 1",
    "value: fd 4 becomes 5: 0 epoll_wait(5, {events=EPOLLIN|EPOLLET, fd=5}, 1, 0) = 1",
    NULL,
};
static const char *const calls_14[] = {
    "failure: 0 becomes -1 EBADF: 0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = -1 EBADF ()",
    "result: 0 becomes 1: 0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1",
    NULL,
};
static const char *const calls_15[] = {
    "failure: 10 becomes -1 EBADF: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], "
    "msg_flags=MSG_EOR, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = -1 EBADF ()",
    "result: 10 becomes 11: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], "
    "msg_flags=MSG_EOR, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 11",
    "value: msg_flags MSG_EOR becomes 144: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., "
    "100}], msg_flags=144, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
    "value: msg_flags MSG_EOR becomes 0: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], "
    "msg_flags=0, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
    "value: cmsg_level SOL_SOCKET becomes 2: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., "
    "100}], msg_flags=MSG_EOR, msg_control=[{cmsg_level=2, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
    "value: cmsg_type 5 becomes 6: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], "
    "msg_flags=MSG_EOR, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=6, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
    "value: cmsg_level 1 becomes 2: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], "
    "msg_flags=MSG_EOR, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=2, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
    "value: cmsg_type 6 becomes 7: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], "
    "msg_flags=MSG_EOR, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=7, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
    "value: ee_errno ENOMSG becomes 43: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], "
    "msg_flags=MSG_EOR, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=43, ee_info=7}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
    "value: ee_info 7 becomes 8: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], "
    "msg_flags=MSG_EOR, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1, "
    "scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=8}}, "
    "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
    "value: TCP_NLA_BUSY 3 becomes 1000000003: 0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., "
    "100}], msg_flags=MSG_EOR, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, "
    "cmsg_data={scm_sec=1, scm_nsec=0}}, {cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, "
    "ee_info=7}}, {cmsg_data={TCP_NLA_BUSY=1000000003}}]}, 0) = 10",
    NULL,
};
static const char *const calls_16[] = {
    "assertion: == 10 becomes == 11: 0 %{ assert a == 11 and b == 5.0 and c==7, d == 0x10; e ==9 "
    "}%",
    "assertion: == 7 becomes == 8: 0 %{ assert a == 10 and b == 5.0 and c==8, d == 0x10; e ==9 }%",
    NULL,
};
static const char *const calls_17[] = {
    "assertion: == 6 becomes == 7: 0 %{ if a == 1: b = 2 # assert c == 3\nx = 'assert y == 4'\nif "
    "a == 5: assert b == 7, \"b == 7\" # == 8\nassert (c ==9\n or d == 10) }%",
    "assertion: == 9 becomes == 10: 0 %{ if a == 1: b = 2 # assert c == 3\nx = 'assert y == 4'\nif "
    "a == 5: assert b == 6, \"b == 7\" # == 8\nassert (c ==10\n or d == 10) }%",
    NULL,
};
static const char *const calls_18[] = {
    "assertion: == 5 becomes == 6: 0 %{ assert a == 6 }%",
    NULL,
};

static void test_calls(void **state)
{
    (void)state;
    check_mutants("0 socket(..., SOCK_STREAM, 0) = 3", calls_0);
    check_mutants("0 read(3, ..., 10) = 10", calls_1);
    check_mutants("0 read(3, ..., 10) = ...", calls_2);
    check_mutants("0 read(3, ..., 10) = A|B", calls_3);
    check_mutants("0 `a`\n+0...1 read(3, ..., 10) = -1 EBADF (x)", calls_4);
    check_mutants("0 `a`\n+0.5...0.501 connect(3, ..., ...) = 0", calls_5);
    check_mutants("0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, [8]) = 0", calls_6);
    check_mutants("0 getsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", [4]) = 0", calls_7);
    check_mutants("0 getsockopt(3, SOL_TCP, TCP_INFO, ..., [4]) = -1 EINVAL (x)", calls_8);
    check_mutants("0 getsockopt(3, 1, 2, [ECONNRESET], [4]) = 0", calls_9);
    check_mutants("0 ioctl(3, SIOCINQ, [5]) = 0", calls_10);
    check_mutants("0 ioctl(3, FIONBIO, [1]) = 0", calls_11);
    check_mutants(
        "0 poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN}, {fd=4, events=POLLIN}], 2, 0) = 1",
        calls_12);
    check_mutants("0 epoll_wait(5, {events=EPOLLIN|EPOLLET, fd=4}, 1, 0) = 1", calls_13);
    check_mutants("0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0", calls_14);
    check_mutants(
        "0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,100}], msg_flags=MSG_EOR, "
        "msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=5, cmsg_data={scm_sec=1,scm_nsec=0}}, "
        "{cmsg_level=1, cmsg_type=6, cmsg_data={ee_errno=ENOMSG, ee_info=7}}, "
        "{cmsg_data={TCP_NLA_BUSY=3}}]}, 0) = 10",
        calls_15);
    check_mutants("0 %{ assert a == 10 and b == 5.0 and c==7, d == 0x10; e ==9 }%", calls_16);
    check_mutants("0 %{ if a == 1: b = 2 # assert c == 3\nx = 'assert y == 4'\nif a == 5: assert b "
                  "== 6, \"b == 7\" # == 8\nassert (c ==9\n or d == 10) }%",
                  calls_17);
    check_mutants("0 %{ assert a == 5 }%", calls_18);
}

/* ---- scripts of mutants ---------------------------------------------------------------------- */

static const char whole[] =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 5) = 0\n"
    "+0 < S 0:0(0) win 65000 <mss 1200,sackOK,nop,nop>\n"
    "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>\n"
    "+0.1 < . 1:1(0) ack 1 win 65000\n"
    "+0 accept(3, ..., ...) = 4\n"
    "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
    "+0 read(4, ..., 10) = -1 EAGAIN (try again)\n"
    "+0...0.2 recv(4, ..., 10, 0) = 5\n"
    "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n"
    "+0 poll([{fd=4, events=POLLIN, revents=POLLIN}, {fd=5, events=POLLOUT}], 2, 0) = 1\n"
    "+1 > P. 1:101(100) ack 6 win 500 <nop,nop,sack 7:9 11:12>\n"
    "+0.3~+0.5 > [ect0] F. 101:101(0) ack 6\n"
    "* > . 102:102(0) ack 7\n"
    "+0 %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%\n";

static size_t different_lines(const char *left, const char *right, size_t *left_lines,
                              size_t *right_lines)
{
    size_t different = 0;
    *left_lines = *right_lines = 0;
    while (*left != '\0' && *right != '\0') {
        size_t left_length = strcspn(left, "\n"), right_length = strcspn(right, "\n");
        different += left_length != right_length || memcmp(left, right, left_length) != 0;
        left += left_length + 1;
        right += right_length + 1;
        ++*left_lines;
        ++*right_lines;
    }
    for (; *left != '\0'; left += strcspn(left, "\n") + 1)
        ++*left_lines;
    for (; *right != '\0'; right += strcspn(right, "\n") + 1)
        ++*right_lines;
    return different;
}

/* Each mutant is a script that parses, with one event changed, one more or one less; the script
 * itself stays what it was; no two mutants are the same. */
static void test_scripts(void **state)
{
    (void)state;
    struct pkt_arena arena = {0};
    struct pkt_script script, mutated, parsed;
    const struct pkt_mutant *mutants;
    const char *texts[400];
    parse_or_fail(whole, &arena, &script);
    assert_string_equal(pkt_script_text(&script, &arena), whole);
    size_t count = pkt_mutants(&script, &arena, &mutants), kinds[PKT_MUTATIONS] = {0};
    assert_in_range(count, 80, COUNT_OF(texts));
    for (size_t i = 0; i < count; i++) {
        pkt_mutate(&script, &mutants[i], &arena, &mutated);
        texts[i] = pkt_script_text(&mutated, &arena);
        parse_or_fail(texts[i], &arena, &parsed);
        size_t before, after, different = different_lines(whole, texts[i], &before, &after);
        if (mutants[i].how == PKT_MUTANT_REPLACES)
            assert_int_equal(different, 1);
        assert_int_equal(after, before + (mutants[i].how == PKT_MUTANT_FOLLOWS) -
                                    (mutants[i].how == PKT_MUTANT_REMOVES));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(texts[k], texts[i]);
        assert_int_equal(mutants[i].place.line, mutants[i].event + 1);
        kinds[mutants[i].mutation]++;
    }
    assert_string_equal(pkt_script_text(&script, &arena), whole);
    for (size_t i = 0; i < PKT_MUTATIONS; i++)
        assert_true(kinds[i] > 0 || i == PKT_MUTATION_PORT || i == PKT_MUTATION_ICMP);
    pkt_arena_free(&arena);
}

static void test_not_fatal(void **state)
{
    (void)state;
    struct pkt_arena arena = {0};
    struct pkt_script script;
    const struct pkt_mutant *mutants;
    parse_or_fail("--non_fatal=packet,syscall\n0 close(3) = 0\n+0 > . 1:1(0) ack 1\n", &arena,
                  &script);
    assert_int_equal(pkt_mutants(&script, &arena, &mutants), 0);
    pkt_arena_free(&arena);
}

/* Tolerances: 4 ms, or 12.5 % where that is more. The time is moved so far that even what was off
 * by that much is off by more than that now. */
static void test_distance(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        int64_t start_ms, late_ms, early_ms; /* -1 = there is none */
    } rows[] = {
        {"", 0, 10, -1},
        {"", 20, 30, 9},
        {"", 1000, 1286, 713},
        {"--tolerance_usecs=100000", 1000, 1286, 713},
        {"--tolerance_usecs=200000", 1000, 1458, 541},
        {"--tolerance_percent=0", 1000, 1009, 991},
        {"--tolerance_percent=95", 1000, -1, -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[200];
        struct pkt_arena arena = {0};
        struct pkt_script script;
        const struct pkt_mutant *mutants;
        int64_t late_ms = -1, early_ms = -1;
        (void)snprintf(text, sizeof text, "%s\n0 `a`\n+%lld.%03lld > . 1:1(0) ack 1",
                       rows[i].options, (long long)rows[i].start_ms / 1000,
                       (long long)rows[i].start_ms % 1000);
        parse_or_fail(text, &arena, &script);
        size_t count = pkt_mutants(&script, &arena, &mutants);
        for (size_t k = 0; k < count; k++) {
            if (mutants[k].mutation == PKT_MUTATION_LATE)
                late_ms = mutants[k].changed.time.start_ns / 1000000;
            if (mutants[k].mutation == PKT_MUTATION_EARLY)
                early_ms = mutants[k].changed.time.start_ns / 1000000;
        }
        assert_int_equal(late_ms, rows[i].late_ms);
        assert_int_equal(early_ms, rows[i].early_ms);
        pkt_arena_free(&arena);
    }
}

/* The first SYN of a connection chooses its number. */
static void test_syn(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } rows[] = {
        {"0 connect(3, ..., ...) = 0\n+0 > S 0:0(0)", 0},
        {"0 connect(3, ..., ...) = 0\n+0 > S 0:0(0)\n+1 > S 0:0(0)", 1},
        {"0 `a`\n+0 < S 0:0(0) win 1\n+0 > S. 0:0(0) ack 1\n+1 > S. 0:0(0) ack 1", 1},
        {"0 `a`\n+0 < S 0:0(0) win 1\n+0 > S. 0:0(0) ack 1\n+0 < S 9:9(0) win 1\n+0 > S. 0:0(0) "
         "ack 10",
         0},
        {"0 `a`\n+0 < S 0:0(0) win 1\n+0 > S. 0:0(0) ack 1\n+0 > . 1:1(0) ack 1", 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pkt_arena arena = {0};
        struct pkt_script script;
        const struct pkt_mutant *mutants;
        parse_or_fail(rows[i].text, &arena, &script);
        size_t count = pkt_mutants(&script, &arena, &mutants), found = 0;
        for (size_t k = 0; k < count; k++)
            found += mutants[k].mutation == PKT_MUTATION_SEQ;
        assert_int_equal(found, rows[i].count);
        pkt_arena_free(&arena);
    }
}

/* An endless list costs no more than a short one. */
static void test_bounded(void **state)
{
    (void)state;
    static char text[40000] = "0 getsockopt(3, 1, 1, [1";
    for (size_t i = strlen(text); i < sizeof text - 20; i += 2)
        memcpy(text + i, ",1", 3);
    memcpy(text + strlen(text), "], [4]) = 0", 12);
    struct pkt_arena arena = {0};
    struct pkt_script script;
    const struct pkt_mutant *mutants;
    parse_or_fail(text, &arena, &script);
    assert_in_range(pkt_mutants(&script, &arena, &mutants), 200, 300);
    pkt_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets),       cmocka_unit_test(test_options),
        cmocka_unit_test(test_other_packets), cmocka_unit_test(test_calls),
        cmocka_unit_test(test_scripts),       cmocka_unit_test(test_not_fatal),
        cmocka_unit_test(test_distance),      cmocka_unit_test(test_syn),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
