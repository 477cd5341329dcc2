# SPDX-License-Identifier: Apache-2.0
"""Runs a command, whose output is thrown away, and prints what it took as JSON.

usage: measured.py COMMAND [ARGUMENT]...

This is a small program of its own because a process counts the memory of the one that started it
as its own peak, until it runs something else: here that is some 10 MB.
"""

import json
import os
import sys
import time


def main():
    command = sys.argv[1:]
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - begin
    print(json.dumps({"seconds": seconds, "peak_mb": usage.ru_maxrss * 1024 / 1e6}))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main() != 0)
