"""Every proof, in the order of backend/docs/promises.md."""

from __future__ import annotations

from soak.killing import acknowledged_outlives_kills
from soak.proving import Proof
from soak.stopping import it_stops_cleanly
from soak.syncing import synced_before_acknowledged

PROOFS = (
    Proof("kills", "an acknowledged event outlives kill -9", "kills", 8, 200, acknowledged_outlives_kills),
    Proof("syncs", "acknowledged means on disk", "answers", 20, 2000, synced_before_acknowledged),
    Proof("stops", "it stops cleanly under load", "stops", 3, 100, it_stops_cleanly),
)
