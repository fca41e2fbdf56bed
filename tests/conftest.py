"""Every test runs alone: no setting of the environment reaches it, and linear algebra takes one thread."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
for name in [name for name in os.environ if name.startswith("LABELCUE_") and not name.startswith("LABELCUE_STUDIO")]:
    del os.environ[name]
