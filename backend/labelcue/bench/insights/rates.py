"""How often something held, with the standard error of that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.types import Json


@dataclass
class Rate:
    """A count of replays in which something held."""

    held: int = 0
    of: int = 0

    def add(self, held: bool) -> None:
        """One more replay."""
        self.held += bool(held)
        self.of += 1

    def as_json(self) -> Json:
        """`{"share", "sem", "of"}`; the share is None without replays."""
        if not self.of:
            return {"share": None, "sem": None, "of": 0}
        share = self.held / self.of
        return {"share": share, "sem": float(np.sqrt(share * (1 - share) / self.of)), "of": self.of}


def mean_of(values: list[float]) -> Json:
    """`{"mean", "sem", "of"}` of some figures, one a seed."""
    sem = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"mean": float(np.mean(values)) if values else None, "sem": sem, "of": len(values)}
