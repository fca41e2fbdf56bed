"""Debian's tagged programs as a labelled set, from made Packages lists: neither apt nor Debian is needed here."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

from labelcue.bench.efficiency import debian as room
from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.efficiency.debian import common_tags, debian, programs_of, stanzas
from labelcue.bench.efficiency.made import sets_of
from labelcue.bench.efficiency.measure import run
from labelcue.bench.efficiency.trials import Plan
from labelcue.errors import BadRequest

LIST = """\
Package: sounder
Source: sound (1.2)
Description: plays sounds
 A long description, which apt's lists have seldom.
 Tag: of no meaning here
Tag: interface::x11, role::program, use::playing,
 works-with::audio, works-with::TODO

Package: sounder-extras
Source: sound
Description: plays more sounds
Tag: role::program, use::playing

Package: clone
Description: plays sounds
Tag: role::program, use::viewing

Package: library
Description: draws pictures
Tag: role::shared-lib, use::viewing

Package: untold
Description: a program of which nobody has said what it is for
Tag: role::program, use::TODO, implemented-in::c

Package: bare
Description: no tags

Package: art
Description: draws pictures
Tag: role::program, use::playing, field::arts

"""


def packages(programs: int) -> str:
    """So many programs: editors, some of them for text, some programs for pictures, and some with a rare tag each."""
    said = ("use::editing", "use::editing, works-with::text", "use::editing", "works-with::image")
    one = "Package: p{n}\nDescription: program number {n}\nTag: role::program, {tags}\n"
    return "\n".join(one.format(n=n, tags=said[n % 4] if n % 8 != 7 else f"field::rare{n}") for n in range(programs))


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(room, "LEAST", 60)
    monkeypatch.setattr(room, "LABELS", 3)
    (tmp_path / "Packages").write_text(packages(96))
    return tmp_path / "Packages"


def test_folded_fields_are_joined_and_descriptions_are_their_first_line() -> None:
    first, *_ = stanzas(LIST)
    assert first["Tag"] == "interface::x11, role::program, use::playing, works-with::audio, works-with::TODO"
    assert first["Description"] == "plays sounds"
    assert list(stanzas("")) == []
    assert list(stanzas(" folded below nothing\n")) == [{"": "folded below nothing"}]


def test_programs_are_tagged_ones_one_of_each_source_and_description() -> None:
    art, clone, extras = programs_of(LIST)  # by name; after the clone the sounder tells nothing new
    assert (art.name, art.text, art.tags) == ("art", "art: draws pictures", {"use::playing", "field::arts"})
    assert (clone.text, extras.text) == ("clone: plays sounds", "sounder-extras: plays more sounds")
    _, sounder = programs_of(LIST.replace("Package: clone", "Package: zclone"))
    assert (sounder.name, sounder.tags) == ("sounder", {"use::playing", "works-with::audio"})


def test_labels_are_the_most_common_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LABELS", 2)
    assert common_tags(programs_of(packages(32))) == ("use::editing", "works-with::text")
    assert common_tags(programs_of(LIST)) == ("use::playing", "field::arts")  # of equals, by name


def test_a_list_becomes_a_set_with_empty_sets_in_it(listed: Path) -> None:
    data = debian(f"debian:{listed}")
    assert data.name == f"debian-Packages-{data.sha[:6]}"
    assert data.classes == ("use::editing", "works-with::text", "works-with::image")
    assert len(data.targets) + len(data.test_targets) == 96
    assert (data.targets.sum(axis=1) == 0).any()
    np.testing.assert_allclose(np.linalg.norm(data.vectors, axis=1), 1, atol=1e-5)
    assert debian(f"debian:{listed}").sha == data.sha
    listed.write_text(packages(95))
    assert debian(f"debian:{listed}").sha != data.sha


def test_an_item_stays_a_test_item_in_a_longer_list(listed: Path) -> None:
    short = debian(f"debian:{listed}")
    listed.write_text(packages(120))
    long = debian(f"debian:{listed}")

    def tests(data: LabelledSet) -> set[bytes]:
        return {row.tobytes() for row in data.test_vectors}

    assert tests(short) < tests(long)


def test_apt_is_asked_and_the_release_is_in_the_name(listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LIST", ("cat", str(listed)))
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "potato"})
    (data,) = sets_of([Path("debian:tags")])
    assert data.name.startswith("debian-potato-")
    assert data.sha == debian(f"debian:{listed}").sha


def test_a_run_measures_it_and_says_what_it_was(listed: Path) -> None:
    found = run([Path(f"debian:{listed}")], Plan(("herding",), seeds=1, budget=40, batch=20))
    ((name, data),) = found["data"].items()
    assert data["pool"] + data["test"] == 96
    assert (data["classes"], name.rsplit("-")[-1]) == (3, data["sha"][:6])
    assert 0 <= found["sets"][name]["full_accuracy"] <= 1


@pytest.mark.parametrize("command", [("/no/such/apt-cache",), ("false",)])
def test_without_apt_the_remedy_is_said(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LIST", command)
    with pytest.raises(BadRequest, match="debian:tags cannot be read") as caught:
        debian("debian:tags")
    assert "Packages" in caught.value.remedy


def test_bad_lists_are_named(listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadRequest, match="no-such cannot be read"):
        debian(f"debian:{tmp_path}/no-such")
    listed.write_bytes(b"\xff\x00 no list")
    with pytest.raises(BadRequest, match="0 tagged programs; 60 are needed") as caught:
        debian(f"debian:{listed}")
    assert "apt-get update" in caught.value.remedy
    listed.write_text(
        "\n".join(f"Package: p{n}\nDescription: {n}\nTag: role::program, use::viewing\n" for n in range(90))
    )
    with pytest.raises(BadRequest, match="use::viewing always or never"):
        debian(f"debian:{listed}")
