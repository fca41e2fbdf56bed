"""Weights that come as a dependency: found without running its code, checked, and run by ONNX on the CPU."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path
from typing import Any

from labelcue.errors import Corrupt


def packaged(package: str, file: str) -> Path | None:
    """Where a file of an installed package lies, without importing the package; None where there is none."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / file
        if path.is_file():
            return path
    return None


def check(name: str, raw: bytes, sha256: str, package: str) -> None:
    """Raises Corrupt where the bytes are not the ones that this version was tested with."""
    found = hashlib.sha256(raw).hexdigest()
    if found != sha256:
        raise Corrupt(
            f"{name} is not the file that it should be (SHA-256 {found[:16]}…, expected {sha256[:16]}…).",
            f"Install it again: pip install --force-reinstall {package}",
        )


def cores() -> int:
    """Cores that this process may use; macOS does not say, so there it is all of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_session(model: str | bytes, threads: int) -> Any:
    """A model, by its path or as it is, ready to run."""
    # Else its releases from 1.24 on note what runs here in a file under the home folder, and tell their maker.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that spin between two runs would take the cores of the learner and of Label Studio.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena keeps the largest batch's memory for ever, for a tenth of the time; the learner's memory is dearer.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
