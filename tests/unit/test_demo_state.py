"""What the demo remembers, and what it never touches."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from labelcue.demo.locking import is_held, only_one
from labelcue.demo.project import pool_of
from labelcue.demo.state import State, StateFile
from labelcue.demo.subjects import HANDS, MAILS, Subject
from labelcue.errors import ConfigError, Corrupt
from labelcue.labelstudio.config import parse_config

PORTS = {"studio_port": 8080, "service_port": 9095, "mails": 2000}


def opened(home: Path) -> State:
    return StateFile(home).open(**PORTS)


def test_a_new_state_has_secrets_of_its_own_that_only_the_owner_can_read(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "a"), opened(tmp_path / "b")
    assert first.admin.password != second.admin.password
    assert first.admin.token != second.admin.token
    assert (tmp_path / "a" / "demo.json").stat().st_mode & 0o777 == 0o600
    assert first.admin.password.get_secret_value() not in f"{first!r} {first}"


def test_a_state_is_taken_up_again_with_every_change(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    state = file.change(opened(tmp_path), project=7, imported=True)
    assert StateFile(tmp_path).open(studio_port=1, service_port=2, mails=3) == state
    assert state.admin.password.get_secret_value() == file.load().admin.password.get_secret_value()


@pytest.mark.parametrize("name", ["projects", "labelcue.toml", "ledger.sqlite3"])
def test_another_installations_home_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match="no demo"):
        opened(tmp_path)


def test_a_damaged_state_says_how_to_start_over(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("{}")
    with pytest.raises(Corrupt, match="--fresh"):
        opened(tmp_path)
    StateFile(tmp_path).forget()
    assert opened(tmp_path).project == 0


def test_starting_over_deletes_what_the_demo_made_and_nothing_else(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "label-studio").mkdir()
    (tmp_path / "label-studio" / "label_studio.sqlite3").touch()
    for name in ("ledger.sqlite3", "ledger.sqlite3-wal", "learning-curve.png", "mine.txt"):
        (tmp_path / name).touch()
    StateFile(tmp_path).forget()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_starting_over_spares_a_folder_without_a_demo(tmp_path: Path) -> None:
    (tmp_path / "projects").mkdir()
    StateFile(tmp_path).forget()
    assert (tmp_path / "projects").is_dir()


def test_one_demo_a_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert not is_held(home)
    with only_one(home, wait=False):
        assert is_held(home)
        with pytest.raises(BlockingIOError), only_one(home, wait=False):
            pass
    assert not is_held(home)
    assert list(home.iterdir()) == []


def test_secrets_are_written_in_clear_only_when_asked(tmp_path: Path) -> None:
    admin = opened(tmp_path).admin.model_copy(update={"token": SecretStr("topsecret")})
    assert "topsecret" not in repr(admin)
    assert admin.model_dump()["token"] == "topsecret"


def test_a_demo_stays_with_its_subject(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    file.open(studio_port=1, service_port=2, mails=3)
    with pytest.raises(ConfigError, match="about mails"):
        file.open(studio_port=1, service_port=2, mails=3, images=True)
    file.forget()
    assert file.open(studio_port=1, service_port=2, mails=3, images=True).images
    assert file.open(studio_port=1, service_port=2, mails=3).images
    assert len(pool_of(file.load())) == 3


@pytest.mark.parametrize("subject", [MAILS, HANDS], ids=lambda subject: subject.noun)
def test_every_subject_has_the_answers_of_its_label_config(subject: Subject) -> None:
    spec = parse_config(subject.label_config())
    assert spec.field == subject.field
    assert {one.label for one in subject.load()} == set(spec.classes)
