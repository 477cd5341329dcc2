#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs unit test programs one after the other; says how many tests passed and which programs failed.
# usage: tests/run_units.sh PROGRAM...   (from the top folder of the project)
set -u
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=0
for program in "$@"; do
    if "$program" >"$log" 2>&1; then
        count=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s)\.$/\1/p' "$log" | tail -n 1)
        passed=$((passed + ${count:-0}))
        skipped=$(grep -c '^\[  SKIPPED \] [a-z]' "$log")
        printf '  ok    %s (%s tests%s)\n' "$program" "${count:-0}" \
            "$([ "$skipped" -gt 0 ] && echo ", $skipped skipped")"
    else
        failed=$((failed + 1))
        printf '  FAIL  %s\n' "$program"
        grep -v '^\[ RUN\|^\[       OK' "$log"
    fi
done
printf 'unit: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
