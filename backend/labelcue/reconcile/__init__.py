"""Label Studio → ledger: what the webhooks missed.

Label Studio is the truth, webhooks are hints that come at most once. A poll makes the ledger's fold equal to Label
Studio again. It costs three short requests when nothing changed: the project with its counters, and the tasks that
changed lately. Where the counters still disagree, and now and then in any case, every task is compared by its
outline (id, time of change, number of annotations), and only those that differ are read whole.

    reconciler.py   when to look, and at what; the loop
    comparison.py   Label Studio's side: outlines, whole tasks, what is gone
    mirror.py       the ledger's side: the fold, and appending to it
"""

from __future__ import annotations

from labelcue.reconcile.comparison import Report
from labelcue.reconcile.reconciler import Reconciler

__all__ = ["Reconciler", "Report"]
