"""No code runs from data: nothing in our sources unpickles, evaluates or loads what may carry code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle"}
"""Importing one of these is enough; joblib comes with scikit-learn and is not ours to use."""
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "torch.load",
    "torch.jit.load",
    "torch.hub.load",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "os.system",
    "os.popen",
    "faiss.read_index",
}
FLAGS = {"allow_pickle": True, "shell": True, "verify": False, "trust_remote_code": True, "weights_only": False}
"""Arguments that open a door."""


def dangerous(sources: list[Path]) -> list[str]:
    """Every place in these sources that could run code from data, as `file:line: what`."""
    return [f"{path}:{line}: {what}" for path in sources for line, what in _found(ast.parse(path.read_text()))]


def _found(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names if one.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.lineno, f"from {node.module}"
        elif isinstance(node, ast.Call):
            yield from _called(node)


def _called(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = ast.unparse(node.func)
    if name in CALLS:
        yield node.lineno, f"{name}()"
    for given in node.keywords:
        if given.arg in FLAGS and isinstance(given.value, ast.Constant) and given.value.value == FLAGS[given.arg]:
            yield node.lineno, f"{given.arg}={given.value.value}"
    loads_arrays = name.rpartition(".")[0] in ("np", "numpy") and name.endswith(".load")
    if loads_arrays and not any(given.arg == "allow_pickle" for given in node.keywords):
        yield node.lineno, f"{name}() that does not say allow_pickle=False"
