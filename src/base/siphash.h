/* SPDX-License-Identifier: MIT */
/* SipHash with a 128-bit key, 2-4 where nothing else is said: ISNs (RFC 6528), cookies, table lookup,
 * port choice. */
#ifndef HAWSER_BASE_SIPHASH_H
#define HAWSER_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k[2];
};

/* Any length; the result depends on every bit of key, data and length. */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

/* The same value as siphash() over the words in little-endian order, for keys that are whole words.
 * */
uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words, size_t count);

/* SipHash-1-3 of the same, for tables only: nobody sees its values, so an attacker can at most
 * notice that some keys share a bucket, and for that fewer rounds are enough. */
uint64_t siphash13_words(const struct siphash_key *key, const uint64_t *words, size_t count);

#endif
