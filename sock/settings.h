/* SPDX-License-Identifier: MIT */
/* Settings that Linux knows and Hawser does not have: one value, or any, says what Hawser does. */
#ifndef SOCK_SETTINGS_H
#define SOCK_SETTINGS_H

#include "sock/sock.h"

/* 0: the value describes what Hawser does anyway; -EOPNOTSUPP: it does not; -ENOENT. *why is set. */
int settings_fixed_set(const char *name, const char *value, const char **why);

/* Its value, or NULL. */
const char *settings_fixed_get(const char *name);

/* The i-th name, NULL beyond the last. */
const char *settings_fixed_name(unsigned i);

#endif
