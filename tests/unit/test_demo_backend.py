"""What the demo waits for: the learner's own words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from labelcue.demo.backend import Backend
from labelcue.errors import ConfigError
from labelcue.store.layout import Home
from labelcue.store.status import write_status


def told(home: Path, **words: Any) -> None:
    write_status(Home(home).status(3), {"at": time.time(), **words})


def test_it_waits_until_the_learner_knows_every_label_and_has_it_look_for_lost_ones(tmp_path: Path) -> None:
    backend = Backend(tmp_path, 0, "http://127.0.0.1:8080")
    told(tmp_path, round={"labelled": 20})
    backend.follow_labels(3, 20)
    assert (Home(tmp_path).project(3) / "wake").exists()


def test_a_label_config_that_cannot_be_learned_ends_the_waiting(tmp_path: Path) -> None:
    backend = Backend(tmp_path, 0, "http://127.0.0.1:8080")
    told(tmp_path, round={"labelled": 19}, config_error="no Choices")
    with pytest.raises(ConfigError, match="no Choices"):
        backend.follow_labels(3, 20)
