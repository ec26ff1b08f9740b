/* SPDX-License-Identifier: MIT */
/* packetdrill's interface as the interpreter's stack: what packetdrill does with a shared library, done here. */
#ifndef TESTS_SO_OVER_H
#define TESTS_SO_OVER_H

#include "pkt/run.h"

struct over_choice {
    const char *library;
    const char *settings; /* a folder for settings that change while a script runs */
};

/* context: a struct over_choice. */
pkt_make_stack over_make;

/* What a script asks for that cannot go over the interface at all; NULL = nothing. */
const char *over_lacks(const struct pkt_script *script);

/* Whether the real getsockopt() knows the stack's descriptors. */
bool over_preloaded(void);

#endif
