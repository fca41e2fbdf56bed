"""`make soak`: the long form of every proof, with a table at the end. What is done already is not done again."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from soak.proofs import PROOFS
from soak.proving import CannotProve, Figure, Proof, Trial

out = Console()
QUIET = 50
"""What fuzzing provokes is not worth a line."""
NAMES = [proof.name for proof in PROOFS]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="This proof alone; repeatable.")
@click.option("--share", default=1.0, show_default=True, help="How much of the long form, 0 to 1.")
@click.option("--fresh", is_flag=True, help="Forget earlier figures.")
@click.option("--out", "path", default="soak.json", show_default=True, type=click.Path(path_type=Path, dir_okay=False))
def main(only: Sequence[str], share: float, fresh: bool, path: Path) -> None:
    """Prove the promises of backend/docs/promises.md in their long forms. Exit status 1 where one was broken.

    Figures go to a JSON file after each proof. Interrupted, run it again: it goes on with those that are missing.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(QUIET))
    known = {} if fresh or not path.exists() else json.loads(path.read_text())
    for proof in PROOFS:
        amount = max(1, round(proof.long * share))
        if (only and proof.name not in only) or known.get(proof.name, {}).get("amount") == amount:
            continue
        known[proof.name] = _proved(proof, amount)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(known, indent=1) + "\n")
        part.replace(path)
    _show(known)
    raise SystemExit(not all(one["kept"] for one in known.values()))


def _proved(proof: Proof, amount: int) -> dict[str, Any]:
    """The figure as JSON; a proof that ends in an exception is a broken promise."""
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    began = time.monotonic()
    with (
        Progress(*columns, console=out, transient=True) as progress,
        tempfile.TemporaryDirectory(prefix=f"labelcue-soak-{proof.name}-", ignore_cleanup_errors=True) as folder,
    ):
        bar = progress.add_task(proof.name, total=amount)
        try:
            figure = proof.run(Trial(amount, Path(folder), tell=lambda done: progress.update(bar, completed=done)))
        except CannotProve as error:
            figure = Figure(True, f"not proved here: {error}")
        except Exception as error:
            figure = Figure(False, f"{type(error).__name__}: {str(error)[:500]}")
    seconds = round(time.monotonic() - began, 1)
    out.print(f"{'kept' if figure.kept else 'BROKEN':>6}  {proof.name}: {figure.said} ({seconds:,.0f} s)", markup=False)
    return {
        "kept": figure.kept,
        "amount": amount,
        "unit": proof.unit,
        "figure": figure.said,
        "seconds": seconds,
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def _show(known: dict[str, Any]) -> None:
    table = Table("promise", "kept", "figure", "minutes", title="Promises")
    for proof in PROOFS:
        one = known.get(proof.name)
        if one is not None:
            table.add_row(proof.promise, "yes" if one["kept"] else "NO", one["figure"], f"{one['seconds'] / 60:.1f}")
    out.print(table)


if __name__ == "__main__":
    main()
