#!/bin/sh
# SPDX-License-Identifier: MIT
# make-archive.sh LD OBJCOPY AR OUT PORT CORE...: libhawser.a, as one object of the core and one of port/, so that a
# program that brings its own links needs no libpcap. Hidden names become local: a function of ours never meets one of
# the same name in the program that links us.
set -eu
ld=$1 objcopy=$2 ar=$3 out=$4 port=$5
shift 5
folder=$out.p
mkdir -p "$folder"
"$ld" -r -o "$folder/core.o" --whole-archive "$@"
"$ld" -r -o "$folder/port.o" --whole-archive "$port"
"$objcopy" --localize-hidden "$folder/core.o"
"$objcopy" --localize-hidden "$folder/port.o"
rm -f "$out"
"$ar" rcsD "$out" "$folder/core.o" "$folder/port.o"
