# SPDX-License-Identifier: Apache-2.0
"""Parts of the built-in model's recipe that need no network and no teacher."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "builtin"))
