#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the clients of a compiled language into build/clients/LANGUAGE, in the versions that their lock files pin; or,
# where its tools are missing or too old, writes there why they are left out.
# usage: tests/clients/build.sh go|java|rust
set -eu
cd "$(dirname "$0")/$1"
home=$(cd ../../.. && pwd)/build/clients/$1
mkdir -p "$home"
rm -f "$home/ready" "$home/left-out"

leave_out() {
    echo "$1" >"$home/left-out"
    echo "clients left out: $1"
    exit 0
}

# need NAME VERSION FOUND: leaves the clients out unless FOUND, the version of what is there, is VERSION or later.
need() {
    [ -n "$3" ] || leave_out "$1 is not installed"
    oldest=$(printf '%s\n' "$2" "$3" | sort -V | head -n 1)
    [ "$oldest" = "$2" ] || leave_out "$1 $2 or later is needed, not $3"
}

# version COMMAND...: the first number that it prints, nothing where there is no such command.
version() {
    command -v "$1" >/dev/null || return 0
    "$@" 2>&1 | grep -om1 '[0-9][0-9.]*[0-9]' | head -n 1
}

case $1 in
go)
    export GOTOOLCHAIN=local # never fetch another Go
    need Go "$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' go.mod)" "$(version go version)"
    go build -mod=readonly -ldflags='-s -w' -o "$home/clients" .
    ;;
java)
    need "A Java compiler" 17 "$(version javac -version)"
    need Maven 3.6 "$(version mvn -v)"
    rm -rf "$home/lib" "$home/classes"
    mvn --batch-mode dependency:copy-dependencies -DoutputDirectory="$home/lib" >"$home/log" || { cat "$home/log"; exit 1; }
    javac -proc:none -cp "$home/lib/*" -d "$home/classes" ./*.java
    ;;
rust)
    need Cargo "$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)" "$(version cargo --version)"
    CARGO_TARGET_DIR=$home cargo build --quiet --locked
    ;;
*)
    echo "usage: $0 go|java|rust" >&2
    exit 2
    ;;
esac
touch "$home/ready"
