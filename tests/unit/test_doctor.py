"""What the doctor says of learners and services; the rest is tested on a real Label Studio."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from labelcue.doctor import examine
from labelcue.doctor.learner import learner_findings
from labelcue.settings import Settings
from labelcue.store.layout import Home

ROOT = Path(__file__).parents[2]


def levels(status: dict[str, Any]) -> dict[str, str]:
    return {finding.name: finding.level for finding in learner_findings(1, status)}


def test_a_learner_is_judged_by_its_own_words() -> None:
    done = {"done": 5, "total": 5, "unreadable": 0}
    now = time.time()
    assert levels({}) == {"learner": "bad"}
    assert levels({"at": now, "embedding": done}) == {"learner": "ok", "embedding": "ok"}
    assert levels({"at": now - 60, "embedding": done})["learner"] == "bad"
    assert levels({"at": now, "error": "disk full", "embedding": done})["learner"] == "bad"
    assert levels({"at": now, "embedding": {"done": 2, "total": 5}})["embedding"] == "warn"
    assert levels({"at": now, "embedding": {**done, "error": "no weights"}})["embedding"] == "bad"
    unread = {"done": 5, "total": 5, "unreadable": 1, "problems": {"7": "no field 'text'"}}
    [_, finding] = learner_findings(1, {"at": now, "embedding": unread})
    assert finding.level == "warn"
    assert "no field 'text'" in finding.what


def test_without_service_and_connection_both_are_named(tmp_path: Path) -> None:
    findings = examine(Home(tmp_path), Settings(home=tmp_path, port=1), None)
    assert [(finding.name, finding.level) for finding in findings] == [("service", "bad"), ("connection", "warn")]
    findings = examine(Home(tmp_path), Settings(home=tmp_path, port=1), 4)
    assert [(finding.name, finding.level) for finding in findings] == [("service", "bad"), ("connection", "bad")]
    assert all(finding.remedy for finding in findings)


def test_every_finding_has_a_paragraph() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "backend" / "labelcue" / "doctor").glob("*.py"))
    names = set(re.findall(r'(?:Finding|case\.judge|case\.check)\(\s*"([a-z-]+)"', sources))
    page = (ROOT / "backend" / "docs" / "doctor.md").read_text()
    assert len(names) > 12
    assert {finding for finding in names if f"## `{finding}`" not in page} == set()
