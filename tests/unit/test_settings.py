"""Settings: defaults < environment < file < flags, and errors that name the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelcue.errors import ConfigError
from labelcue.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LABELCUE_{name.upper()}", raising=False)
    monkeypatch.delenv("LABELCUE_CONFIG", raising=False)


def test_a_flag_beats_the_file_and_the_file_beats_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELCUE_PORT", "1001")
    monkeypatch.setenv("LABELCUE_THREADS", "3")
    monkeypatch.setenv("LABELCUE_SEED", "7")
    (tmp_path / "labelcue.toml").write_text("port = 1002\nthreads = 4\n")
    settings = load_settings({"home": tmp_path, "port": "1003", "threads": None})
    assert (settings.port, settings.threads, settings.seed) == (1003, 4, 7)


def test_the_file_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "other.toml"
    path.write_text("port = 1004\n")
    assert load_settings({}, path).port == 1004
    monkeypatch.setenv("LABELCUE_CONFIG", str(path))
    assert load_settings({}).port == 1004
    with pytest.raises(ConfigError, match="no configuration file"):
        load_settings({}, tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [("port = 70000", "'port' is wrong"), ("prot = 1", "'prot' is wrong"), ("port = ", "not valid TOML")],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "labelcue.toml").write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_settings({"home": tmp_path})
    assert caught.value.remedy


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path, "webhook_secret": "canary"})
    assert "canary" not in f"{settings!r} {settings}"
    assert settings.webhook_secret.get_secret_value() == "canary"


def test_addresses_have_defaults(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path})
    assert settings.base_url == "http://127.0.0.1:9095"
    assert settings.store_url == f"sqlite:///{tmp_path}/ledger.sqlite3"
    assert load_settings({"home": tmp_path, "url": "http://cue:1/"}).base_url == "http://cue:1"


def test_every_setting_says_what_it_does() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
