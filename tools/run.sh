#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Serves the built-in model, shows the first question with its real answer, and stays until Ctrl-C.
# usage: tools/run.sh PROGRAM [ARGUMENT...]   (arguments go to `embedd serve`)
set -eu
program=$1
shift

folder=$(mktemp -d)
: >"$folder/out"
"$program" serve "$@" >>"$folder/out" &
server=$!
trap 'rm -rf "$folder"' EXIT
# Ctrl-C reaches the program by itself; a second signal would cut its drain short.
trap : INT
trap 'kill -TERM "$server" 2>/dev/null || :' TERM

until url=$(sed -n 's/^listening on //p' "$folder/out" | grep .); do
    if ! kill -0 "$server" 2>/dev/null; then
        wait "$server" || exit $?
        exit 0
    fi
    sleep 0.05
done

body='{"input": ["hello world", "我爱吃饭"], "encoding_format": "float"}'
echo "embedd answers on $url. Try, in another terminal:"
echo
echo "    curl $url/v1/embeddings -d '$body'"
echo
echo "It answers (numbers shortened here):"
echo
curl -sS "$url/v1/embeddings" -d "$body" |
    sed -E 's/("embedding":\[)(([^],]*,){4})[^]]*/\1\2 .../g; s/^/    /'
echo
echo
echo "Stop it with Ctrl-C."

# A signal ends the first wait; the second one waits for the drain.
status=0
wait "$server" || status=$?
if kill -0 "$server" 2>/dev/null; then
    status=0
    wait "$server" || status=$?
fi
exit "$status"
