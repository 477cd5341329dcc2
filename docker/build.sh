#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the container image embedd:VERSION (and embedd:latest) with the first of docker, podman and
# buildah that works here, or with the one that ENGINE names.
# usage: [ENGINE=docker|podman|buildah] docker/build.sh VERSION
set -eu
if [ $# -ne 1 ]; then
    echo "usage: docker/build.sh VERSION" >&2
    exit 2
fi
version=$1
cd "$(dirname -- "$0")/.."

# A client without its engine is no use: `info` asks the engine.
works() {
    command -v "$1" >/dev/null || return 1
    why=$("$1" info 2>&1 >/dev/null) && return 0
    printf '%s is installed but does not work here: %s\n' "$1" "$(printf '%s\n' "$why" | tail -n 1)" >&2
    return 1
}

for engine in ${ENGINE:-docker podman buildah} none; do
    works "$engine" && break
done

# Health checks are part of docker's image format and get lost in the OCI one, podman's default.
case $engine in
docker) set -- docker build ;;
podman | buildah) set -- "$engine" build --format docker ;;
*)
    echo "To build the image, install one of: docker.io, podman, buildah (apt-get install podman)." >&2
    exit 1
    ;;
esac

revision=$(git rev-parse HEAD 2>/dev/null) || revision=unknown
echo "building embedd:$version with $1"
"$@" -f docker/Dockerfile -t "embedd:$version" -t embedd:latest --build-arg "VERSION=$version" \
    --build-arg "REVISION=$revision" --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)" .
if [ "$1" != buildah ]; then
    echo "Run it: $1 run --rm -p 127.0.0.1:8080:8080 embedd:$version"
fi
