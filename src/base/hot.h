/* SPDX-License-Identifier: MIT */
/* HOT: a function of another file that every segment passes. */
#ifndef HAWSER_BASE_HOT_H
#define HAWSER_BASE_HOT_H

/* What is used of the core is compiled as one (meson.build). At -O2 gcc then takes a function into
 * its callers in other files up to four times the size when its definition says inline; a request
 * takes a seventh less time for it. The prototype in the header does not say it, so the function is
 * an ordinary one everywhere else. clang, which compiles the layers one by one and has no use for
 * the word, warns of such functions when they call static ones. */
#ifdef __clang__
#define HOT
#else
#define HOT inline
#endif

#endif
