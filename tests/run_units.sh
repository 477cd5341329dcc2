#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs unit test programs, as many at a time as there are cores (JOBS: so many). In the order they are
# named it says how many tests of each passed, with all that a failed one printed; at the end the sums.
# usage: tests/run_units.sh PROGRAM...   (from the top folder of the project)
set -u
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
trap 'exit 1' HUP INT TERM

# shellcheck disable=SC2016  # the inner shell's own words
printf '%s\n' "$@" | xargs -d '\n' -n 1 -P "${JOBS:-$(nproc)}" sh -c '
    log=$0/$1
    mkdir -p "${log%/*}"
    if "$1" >"$log" 2>&1; then touch "$log.passed"; fi' "$logs"

# "[  PASSED  ] 3 test(s)." of each group of a log: the sum.
count() {
    sed -n "s/^\[  $1 *\] \([0-9]*\) test(s).*/\1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'
}

passed=0 failed=0 skipped=0
for program in "$@"; do
    log=$logs/$program
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    if [ -e "$log.passed" ]; then
        printf '  ok    %s (%s tests%s)\n' "$program" "$p" "$([ "$s" -gt 0 ] && echo ", $s skipped")"
    else
        [ "$f" -gt 0 ] || f=1 # it ended before it could count
        printf '  FAIL  %s\n' "$program"
        grep -v '^\[ RUN\|^\[       OK' "$log"
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
printf 'unit: %d passed, %d failed%s\n' "$passed" "$failed" "$([ "$skipped" -gt 0 ] && echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
