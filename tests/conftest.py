"""Every test runs alone: no setting of the environment reaches it, and linear algebra takes one thread."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
OURS = ("LABELCUE_STUDIO", "LABELCUE_REQUIRE_BROWSER")
"""Beginnings of what the tests themselves are told by."""
for name in [name for name in os.environ if name.startswith("LABELCUE_") and not name.startswith(OURS)]:
    del os.environ[name]

# The same examples on every machine, however slow it is.
settings.register_profile(
    "steady", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

from browsing import FAILED, new_page  # noqa: E402  after the environment is clean

__all__ = ["new_page"]  # the fixture


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let fixtures know, when they end, whether their test has failed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report
