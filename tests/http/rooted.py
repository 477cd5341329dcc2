# SPDX-License-Identifier: Apache-2.0
"""Runs what lies in the root folder of an image, as a container would, by chroot."""

import os
import select
import shlex
import subprocess

USER = 65532
MEGABYTE = 1_000_000


def script(user, is_read_only, mounts):
    """A shell script: $0 is the root folder, the arguments are the command to run in it."""
    steps = ['mount --bind "$0" "$0"', 'mount -o remount,bind,ro "$0"'] if is_read_only else []
    steps += [f'mount --bind -o ro {shlex.quote(str(source))} "$0"{inside}' for inside, source in mounts.items()]
    return " && ".join([*steps, f'exec chroot {user} "$0" "$@"'])


def strictest(mounts):
    """For root: as USER, the root folder read-only, the folders `mounts` {path inside: folder} as well."""
    return ["unshare", "--mount", "sh", "-c", script(f"--userspec={USER}:{USER}", True, mounts)]


def ways():
    """Command lines that run a program in a root folder, the strictest first."""
    if os.geteuid() == 0:
        yield strictest({})
        yield ["sh", "-c", script(f"--userspec={USER}:{USER}", False, {})]
    yield ["unshare", "-r", "--mount", "sh", "-c", script("", True, {})]
    yield ["unshare", "-r", "sh", "-c", script("", False, {})]


class Server:
    """`command` in the root folder, on a port of the kernel's choice."""

    def __init__(self, way, root, command=("/embedd", "serve")):
        self.process = subprocess.Popen(
            [*way, root, *command],
            env={**os.environ, "EMBEDD_LISTEN": "127.0.0.1:0"},
            stdout=subprocess.PIPE,
        )

    def __enter__(self):
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline().decode() if ready else ""
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.url = line.split()[-1]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
