#!/bin/sh
# SPDX-License-Identifier: MIT
# make-archive.sh LD OBJCOPY AR OUT LIBRARY...: the layers as one archive whose hidden names are local, so that
# a function of ours never meets one of the same name in the program that links us.
set -eu
ld=$1 objcopy=$2 ar=$3 out=$4
shift 4
object=${out%.a}.o
"$ld" -r -o "$object" --whole-archive "$@"
"$objcopy" --localize-hidden "$object"
rm -f "$out"
"$ar" rcsD "$out" "$object"
rm -f "$object"
