# SPDX-License-Identifier: Apache-2.0
"""What `.dockerignore` lets through to a build of the container image.

As the engines read it: a pattern counts for what it names and for all below it, `*` and `?` stop at a
slash, `**` does not, `!` lets through again, and the last pattern that matches decides.
"""

import os
import posixpath
import re


def as_expression(pattern):
    """The regular expression of one pattern, which matches whole paths."""
    parts = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    expression = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|\\.|.", pattern):
        if part in parts:
            expression += parts[part]
        elif part.startswith("[") and len(part) > 1:
            expression += part
        else:
            expression += re.escape(part[-1])
    return re.compile(expression)


class Ignored:
    """The rules of one file. `text` is what stands in it."""

    def __init__(self, text):
        self.rules = []
        for line in text.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            line = line.strip()
            is_back = line.startswith("!")
            pattern = posixpath.normpath(line[is_back:].strip()).lstrip("/")
            self.rules.append((is_back, pattern, as_expression(pattern)))

    def __contains__(self, path):
        """Whether the build does not see this path."""
        parts = path.split("/")
        heads = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        is_ignored = False
        for is_back, _, expression in self.rules:
            if is_ignored == is_back and any(map(expression.fullmatch, heads)):
                is_ignored = not is_back
        return is_ignored

    def may_hold_more(self, folder):
        """Whether anything below this ignored folder may be let through again."""
        return any(is_back and (pattern.startswith(folder + "/") or "*" in pattern)
                   for is_back, pattern, _ in self.rules)


def files(top):
    """Paths, relative to the folder `top`, of all files of its build context."""
    ignored = Ignored((top / ".dockerignore").read_text(encoding="utf-8"))
    found = []
    for folder, folders, names in os.walk(top):
        inside = os.path.relpath(folder, top)
        below = "" if inside == "." else inside + "/"
        folders[:] = [name for name in folders
                      if below + name not in ignored or ignored.may_hold_more(below + name)]
        found += [below + name for name in names if below + name not in ignored]
    return sorted(found)
