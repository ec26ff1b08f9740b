/* SPDX-License-Identifier: MIT */
/* What the adapter and its preloaded getsockopt() know of each other. */
#ifndef PKT_SO_PRELOAD_H
#define PKT_SO_PRELOAD_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether the descriptor is the stack's; then *result (and errno) is what getsockopt() gives. */
typedef bool so_preload_ask(void *context, int fd, int level, int option, void *value, socklen_t *length, int *result);

/* Whom to ask from now on; NULL = nobody. Looked up by its name: it is there only when it was preloaded. */
#define SO_PRELOAD_NAME "hawser_packetdrill_ask"
typedef void so_preload_function(so_preload_ask *ask, void *context);
so_preload_function hawser_packetdrill_ask;

#endif
