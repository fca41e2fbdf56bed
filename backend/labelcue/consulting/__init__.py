"""Asks another model what it says of each task, and writes it to the ledger: predictions in Label Studio, or a backend.

What it says is another's word: it is checked against the label config, cut to size, and where there is none the queue
goes by coverage alone. `naming.py` reads who is asked, `studio.py` and `backend.py` ask, `consultant.py` is the loop.
"""

from __future__ import annotations

from labelcue.consulting.consultant import Consultant
from labelcue.consulting.naming import require_model

__all__ = ["Consultant", "require_model"]
