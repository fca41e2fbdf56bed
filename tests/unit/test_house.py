"""What must hold of the whole code base."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import labelcue
from labelcue import errors

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "backend" / "labelcue").rglob("*.py"), *(ROOT / "plugin").rglob("*.py")])
DANGEROUS = re.compile(
    r"\bimport pickle|\bpickle\.\w|\btorch\.load\(|allow_pickle=True|\byaml\.load\("
    r"|shell=True|verify=False|\beval\(|\bexec\("
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_source_can_run_code_from_data(path: Path) -> None:
    found = [line for line in path.read_text().splitlines() if DANGEROUS.search(line)]
    assert not found


def test_the_public_names_are_these() -> None:
    assert sorted(labelcue.__all__) == ["Cue", "Ranked", "__version__"]
    assert all(getattr(labelcue, name) for name in labelcue.__all__)


def _tree(root: type[errors.LabelCueError]) -> list[type[errors.LabelCueError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in _tree(child))]


def test_every_error_is_drawn_in_the_tree_with_its_status() -> None:
    drawn = dict(re.findall(r"^[ │├└─]*(\w+) .*?(\d{3})?$", errors.__doc__ or "", re.MULTILINE))
    for error in _tree(errors.LabelCueError):
        if error.__module__ == errors.__name__:
            assert error.__name__ in drawn
            assert drawn[error.__name__] in ("", str(error.status))


def test_every_dependency_is_explained() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    page = (ROOT / "backend" / "docs" / "dependencies.md").read_text()
    listed = project[project.index("dependencies = [") : project.index("[project.optional-dependencies]")]
    for name in re.findall(r'^  "([a-z0-9-]+)', listed, re.MULTILINE):
        assert name in page
