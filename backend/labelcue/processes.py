"""What `labelcue serve` runs: the supervisor, or one of its two children."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from labelcue.settings import Settings
from labelcue.store.layout import Home
from labelcue.supervisor import command, end_with_supervisor, stop_on_signals, supervise

NICE = 5
"""Added to the niceness of the learner."""


def serve(settings: Settings, only: str | None) -> int:
    """Run both processes, or one; the exit status."""
    from labelcue import logs
    from labelcue.service.auth import require_secrets

    require_secrets(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    if only == "service":
        return _service(settings)
    logs.configure(settings)
    if only == "learner":
        return _learner(settings)
    stop = threading.Event()
    stop_on_signals(stop)
    flags = _flags(settings)
    return supervise({name: command("serve", "--only", name, *flags) for name in ("service", "learner")}, stop)


def _service(settings: Settings) -> int:
    from labelcue.service import serve as service

    return service.serve(settings)


@contextmanager
def learning(blas_threads: int = 0) -> Iterator[None]:
    """What a process that trains takes of the machine: `blas_threads` (0: cores - 1), and what the others leave.

    The service answers annotators, so it comes first when there are too few cores for both.
    """
    threads = blas_threads or max(1, (os.cpu_count() or 2) - 1)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    import torch
    from threadpoolctl import threadpool_limits

    os.nice(NICE)
    torch.set_num_threads(threads)
    with threadpool_limits(threads):
        yield


def _learner(settings: Settings) -> int:
    from labelcue.learner import Learner
    from labelcue.store import open_ledger

    stop = threading.Event()
    stop_on_signals(stop)
    end_with_supervisor(stop.set)
    ledger = open_ledger(settings.store_url, settings.busy_ms)
    with learning(settings.blas_threads):
        Learner(settings, Home(settings.home), ledger).run(stop)
    ledger.close()
    return 0


def _flags(settings: Settings) -> list[str]:
    """Flags that give a child the same settings; secrets it takes from file and environment, as this one did."""
    flags: list[str] = []
    for name in sorted(settings.model_fields_set):
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            continue
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            flags.append(option if value else option.replace("--", "--no-", 1))
        else:
            flags += [option, str(value)]
    return flags
