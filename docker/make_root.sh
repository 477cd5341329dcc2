#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Assembles the root folder of the container image: the program, stripped, the shared libraries it
# needs where the loader looks for them, and the licences of all of it. Nothing else: no shell.
# usage: docker/make_root.sh PROGRAM ROOT   (ROOT is made; it must not exist)
set -eu
umask 022
program=$1
root=$2
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

mkdir -p -- "$(dirname -- "$root")"
mkdir -- "$root"
strip -o "$root/embedd" -- "$program"
chmod 755 "$root/embedd"

# "name => /path (address)", or "/path (address)" for the loader itself.
ldd "$program" >"$root/ldd"
if grep 'not found' "$root/ldd" >&2; then
    exit 1
fi
awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' "$root/ldd" >"$root/libraries"

doc=usr/share/doc
mkdir -p "$root/$doc/embedd"
cp -- "$top/LICENSE" "$top/LICENSES/CC-BY-SA-4.0.txt" "$top/LICENSES/MIT.txt" "$root/$doc/embedd/"
while IFS= read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L -- "$library" "$root$library"
    # The package database knows a library by its path before or after /lib became a link to /usr/lib.
    command -v dpkg-query >/dev/null || continue
    package=$(dpkg-query -S "$library" 2>/dev/null || dpkg-query -S "$(realpath "$library")")
    package=${package%%:*}
    mkdir -p "$root/$doc/$package"
    cp -L -- "/$doc/$package/copyright" "$root/$doc/$package/copyright"
done <"$root/libraries"

# What the C library opens by itself to read GB18030 (embedd train --encoding gb18030).
converters=$(dirname -- "$(realpath "$(grep '/libc\.so' "$root/libraries")")")/gconv
if [ -f "$converters/GB18030.so" ]; then
    mkdir -p "$root$converters"
    cp -L -- "$converters/GB18030.so" "$root$converters/"
    printf '%s\n' 'module GB18030// INTERNAL GB18030 1' 'module INTERNAL GB18030// GB18030 1' \
        >"$root$converters/gconv-modules"
fi
rm -- "$root/ldd" "$root/libraries"
