# SPDX-License-Identifier: Apache-2.0
"""The report of `make bench-quality`: figures, whether they reach what is aimed at, and tables."""

import json
from pathlib import Path


class Report:
    def __init__(self):
        self.rows = []

    def add(self, name, value, target=None, better="higher", unit="score"):
        self.rows.append({"name": name, "value": round(value, 6), "unit": unit, "target": target,
                          "better": better})
        met = ""
        if target is not None:
            is_met = value >= target if better == "higher" else value <= target
            sign = "≥" if better == "higher" else "≤"
            met = f"{sign} {target:.6g} {'met' if is_met else 'MISSED'}"
        print(f"  {name:62} {value:9.4f}  {met}", flush=True)

    def write(self, path):
        path.write_text(json.dumps(self.rows, indent=1, ensure_ascii=False) + "\n")
        print(path)


def table(title, names, columns):
    """Markdown. columns: {model: {name: value}}; what a model was not measured on stays empty."""
    lines = ["", f"**{title}**", "", f"| | {' | '.join(columns)} |", "| --- " * (len(columns) + 1) + "|"]
    for name in names:
        cells = [f"{found[name]:.3f}".replace("-", "−") if name in found else ""
                 for found in columns.values()]
        lines.append("".join(f"| {cell} " if cell else "| " for cell in [name, *cells]) + "|")
    return "\n".join(lines)


def has_data(folder):
    """False, and said why, where there is nothing to measure on."""
    if Path(folder).is_dir():
        return True
    print(f"skipped: there is no folder {folder}; name one with DATA=FOLDER "
          "(docs/MODEL.md tells where each set comes from)")
    return False
