"""Long work shown step by step: a bar while it runs, one line when it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Step:
    """One piece of long work."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Say how far it is; `total` 0 means: nobody knows."""
        self._bars.update(self._task, completed=done, total=total or None, note=escape(note[:40]))


class Steps:
    """Prints to one console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show `title` with a bar; afterwards, with its seconds. Where nobody watches, only lines are printed."""
        started = time.monotonic()
        if not self.console.is_terminal:
            self.console.print(f"  {title} ...", highlight=False)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(30),
            TextColumn("{task.percentage:>3.0f} %"),
        )
        with Progress(
            *columns, TimeElapsedColumn(), TextColumn("[dim]{task.fields[note]}"), console=self.console, transient=True
        ) as bars:
            yield Step(bars, bars.add_task(title, total=None, note=""))
        self.console.print(f"[green]✓[/] {title} [dim]({time.monotonic() - started:.0f} s)[/]", highlight=False)

    def note(self, words: str) -> None:
        """One line of its own."""
        self.console.print(f"[yellow]![/] {words}", highlight=False)
