/* SPDX-License-Identifier: MIT */
/* Force-included in front of every file of the core: what the core must not call does not compile, under any spelling. */
#ifndef HAWSER_BASE_FORBID_H
#define HAWSER_BASE_FORBID_H

/* The vector intrinsics' headers would bring in malloc by this one; its include guards (gcc's and clang's) keep it out. */
#define _MM_MALLOC_H_INCLUDED
#define __MM_MALLOC_H

/* clang-format off */
#pragma GCC poison malloc calloc realloc free alloca
#pragma GCC poison time clock_gettime gettimeofday
#pragma GCC poison rand random getrandom
#pragma GCC poison printf fprintf sprintf snprintf puts
#pragma GCC poison socket read write open close
#pragma GCC poison abort exit
/* clang-format on */

#endif
