"""The gates of `make check` shut where they should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gates.__main__ import bill, main
from gates.code import dangerous
from gates.dependencies import Package, needed, problems

SHUT = (
    "import pickle",
    "import joblib",
    "from pickle import loads as quiet",
    "import dill.source",
    "eval('1')",
    "x = torch.load(path)",
    "np.load(path)",
    "np.load(path, allow_pickle=True)",
    "subprocess.run('ls', shell=True)",
    "httpx.get(url, verify=False)",
    "yaml.load(text)",
    "AutoModel.from_pretrained(name, trust_remote_code=True)",
)
OPEN = (
    "np.load(path, allow_pickle=False)",
    "re.compile('x')",
    "json.loads('1')",
    "# import pickle",
    "x = 'pickle.load('",
)


@pytest.mark.parametrize("line", SHUT)
def test_code_from_data_is_named_with_its_place(tmp_path: Path, line: str) -> None:
    source = tmp_path / "source.py"
    source.write_text(f"'''Doc.'''\n{line}\n")
    (found,) = dangerous([source])
    assert found.startswith(f"{source}:2: ")


@pytest.mark.parametrize("line", OPEN)
def test_what_only_looks_like_it_passes(tmp_path: Path, line: str) -> None:
    source = tmp_path / "source.py"
    source.write_text(f"{line}\n")
    assert dangerous([source]) == []


def test_packages_that_are_unsafe_unlocked_or_not_free_are_named(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# locked\npillow==9.0.0\nTorch==2.13.0+cpu ; sys_platform == 'linux'\n")
    told = list(
        problems(
            [Package("pillow", "9.0.0", "MIT"), Package("torch", "2.13.0+cpu", "BSD"), Package("x", "1", "GPL-3.0")],
            lock,
        )
    )
    assert len(told) == 3
    assert "CVE" in told[0]
    assert "x is not in requirements.lock" in told[1]
    assert "GPL-3.0" in told[2]


def test_all_that_is_pulled_in_is_seen() -> None:
    names = {one.name for one in needed(["flask>=3"])}
    assert {"flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous"} <= names
    assert all(one.version and one.licence for one in needed(["flask>=3"]))


def test_the_gates_are_open_and_the_bill_is_the_same_twice(tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        assert main(tmp_path / name) == 0
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    told = json.loads((tmp_path / "one.json").read_text())
    assert told == bill(
        [Package(c["name"], c["version"], c["licenses"][0]["license"]["name"]) for c in told["components"]], "0.1.0"
    )
    assert any(one["purl"].startswith("pkg:pypi/numpy@") for one in told["components"])
