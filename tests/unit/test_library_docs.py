"""The page on the library tells the truth: its script runs, and its table names every method."""

from __future__ import annotations

import csv
import inspect
import re
from pathlib import Path

import pytest

from labelcue.data import load_mails
from labelcue.engine import Cue

PAGE = (Path(__file__).parents[2] / "backend" / "docs" / "library.md").read_text()


def test_the_script_runs_from_a_csv_to_an_ordered_list_and_a_saved_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mails = load_mails()[:40]
    with (tmp_path / "texts.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text"])
        writer.writeheader()
        writer.writerows({"text": mail.text} for mail in mails)
    truth = {mail.text: mail.label for mail in mails}
    asked = iter(["6", "5", "0"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda prompt: truth.get(prompt.rsplit("\n", 1)[0]) or next(asked))

    ten, then = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len([line for line in ten.splitlines() if line]) <= 10
    names: dict[str, object] = {}
    exec(compile(ten, "library.md", "exec"), names)
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 10
    assert listed[0].startswith("1.00  ")
    exec(compile(then, "library.md", "exec"), names)
    assert len(Cue.load("queue.npz").facts["labels"]) == 11
    assert "'spam'" in capsys.readouterr().out.splitlines()[-1]


def test_every_public_method_stands_in_a_table() -> None:
    named = set(re.findall(r"[Cc]ue\.(\w+)", PAGE))
    public = {name for name, _ in inspect.getmembers(Cue) if not name.startswith("_")}
    assert public - named <= {"ids", "restore"}  # `restore` is the learner's.
