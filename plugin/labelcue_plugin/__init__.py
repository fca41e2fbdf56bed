"""LabelCue's exact queue inside Label Studio: a Django app that takes the place of the choice of the next task."""

from __future__ import annotations

__version__ = "0.1.0"
PROTOCOL = 1
"""What plugin and service speak; both name it in the header `LabelCue-Protocol`."""
