"""`labelcue demo`: real mails or photographs in a real Label Studio of its own, whose queue LabelCue keeps in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DemoOptions:
    """What the command line asks for."""

    home: Path = Path(".labelcue")
    simulate: int | None = None
    """Labels that two simulated annotators make; None: nobody is simulated."""
    exit_after: bool = False
    """Stop everything when that is done."""
    fresh: bool = False
    """Forget the data of earlier runs."""
    port: int = 8080
    """Label Studio's port, or the next free one."""
    service_port: int = 9095
    """LabelCue's port, or the next free one."""
    studio_venv: Path = Path(".venv-labelstudio")
    mails: int = 2000
    """Items of the pool at most, in a new home."""
    images: bool = False
    """Photographs in place of mails."""


def run(options: DemoOptions) -> int:
    """Run the demo until Ctrl-C; the exit status. Raises LabelCueError."""
    from labelcue.demo.running import run as start

    return start(options)


def simulate_running(home: Path, labels: int) -> int:
    """Let simulated annotators label in the demo that runs in `home`; the exit status. Raises LabelCueError."""
    from labelcue.demo.simulating import simulate_running as start

    return start(home, labels)


__all__ = ["DemoOptions", "run", "simulate_running"]
