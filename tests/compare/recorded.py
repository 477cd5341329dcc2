# SPDX-License-Identifier: Apache-2.0
"""What record.py wrote down, as commands and services again."""

import pickle
import stat

from both import Bytes, Command, Link, Request, Service
from questions import LAST, PLAIN, short


def files_of(recorded, files):
    """Path → content, as Command takes it."""
    found = {}
    for path, (mode, key) in sorted(dict(files).items()):
        content = recorded["contents"][key]
        found[path] = None if stat.S_ISDIR(mode) else Link(content.decode()) if stat.S_ISLNK(mode) else content
    return found


def load(path):
    with open(path, "rb") as file:
        return pickle.load(file)


def commands(recorded):
    for arguments, stdin, folder, variables, files in recorded["runs"]:
        if arguments[0] == "serve" and "--help" not in arguments:
            continue  # it would not end where it is well
        yield Command(f"recorded: {short(' '.join(arguments))} < {short(stdin[:40])}", *arguments, stdin=stdin, files=files_of(recorded, files),
                      variables=dict(variables), folder=folder, numbers_vary=arguments[0] == "bench")


def services(recorded):
    for number, service in enumerate(recorded["services"]):
        asked = []
        for kind, data in dict.fromkeys(service["asked"]):
            name = f"{number} {short(data)}"
            if kind == "bytes":
                asked += [Bytes(name, data), Bytes(f"{name}, and more behind", data + LAST)]
            else:
                asked.append(Request(name, data, has_body=kind != "HEAD"))
        flags = [flag for flag in service["flags"] if not flag.startswith(("--idle-timeout", "--request-timeout", "--write-timeout"))]
        flags = [flag for flag in PLAIN if not any(own.startswith(flag.partition("=")[0]) for own in flags)] + flags
        yield Service(f"recorded {' '.join(service['flags'])[:80]}", flags, asked, files=files_of(recorded, service["files"]), variables=service["variables"])
