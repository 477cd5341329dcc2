#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing, and does nothing when all are there.
# usage: tools/deps.sh GROUP...   with GROUP one of: build run test image browser axe clients spark bench quality teachers openai-ids fuzz tidy cov
set -eu

packages() {
    case $1 in
    build) echo gcc libc6-dev libmicrohttpd-dev libgnutls28-dev libjansson-dev libuv1-dev nettle-dev libonig-dev libutf8proc-dev libminizip-dev zlib1g-dev libzstd-dev libseccomp-dev ;;
    run) echo curl ;;
    test) echo libcmocka-dev clang-format pkg-config g++ python3 python3-venv curl openssl ;;
    image) echo buildah mmdebstrap ca-certificates python3 python3-venv ;;
    browser) echo chromium python3 python3-venv ;;
    axe) command -v npm >/dev/null || echo nodejs npm ;;
    # Node may have come from elsewhere, with an npm that Debian's cannot stand beside.
    clients) echo prometheus; command -v npm >/dev/null || echo nodejs npm ;;
    spark) echo openjdk-17-jre-headless ;;
    bench) echo wrk python3 python3-venv ;;
    quality) echo gcc python3 python3-venv fasttext ;;
    # Maven may have come from elsewhere, too.
    teachers) command -v mvn >/dev/null || echo maven ;;
    fuzz) echo clang libclang-rt-14-dev ;;
    openai-ids) echo npm python3 ;;
    tidy) echo cppcheck ;;
    cov) echo lcov libcmocka-dev python3 ;;
    *)
        echo "tools/deps.sh: unknown group '$1'; use build, run, test, image, browser, axe, clients, spark, bench, quality, teachers, openai-ids, fuzz, tidy or cov" >&2
        exit 2
        ;;
    esac
}

wanted=
for group in "$@"; do
    wanted="$wanted $(packages "$group")"
done

if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian system. Needed are what Debian 12 calls:$wanted" >&2
    echo "When they are there, go on with: make NODEPS=1 ..." >&2
    exit 1
fi

missing=
for package in $wanted; do
    case " $missing " in *" $package "*) continue ;; esac
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || status=
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root=sudo
else
    echo "These Debian packages are missing, and only root may install them:" >&2
    echo "    apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "installing:$missing"
# shellcheck disable=SC2086 # lists of words, on purpose
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends $missing </dev/null
}
# A bare machine has no package lists, an old one stale ones.
$as_root apt-get update -q </dev/null || echo "could not refresh the package lists; trying as they are" >&2
install
