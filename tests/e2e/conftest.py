"""A real Label Studio for the tests: installed once, migrated once, then copied for each module."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from places import kept_port
from plugged import PATIENT, House, plugged_venv, prepared
from stack import ADMIN, FRONTIER, Stack

from labelcue.demo.accounts import easy_password
from labelcue.demo.locking import only_one
from labelcue.demo.studio import Studio
from labelcue.demo.venv import ensure_venv, lock_text

ROOT = Path(__file__).parents[2]
STEADY = {"DJANGO_SETTINGS_MODULE": "steady", "PYTHONPATH": str(Path(__file__).parent / "studio_settings")}
"""Label Studio's own settings, with a database that lets who writes wait for his turn."""
SLOWEST_S = 1800
"""Of one test with all that is made for it: the first one installs Label Studio."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A limit for what hangs; what is slow has limits of its own, which say what was waited for."""
    for item in items:
        if item.get_closest_marker("e2e") is not None:
            item.add_marker(pytest.mark.timeout(SLOWEST_S))


class RunningStudio:
    """What a test sees of its Label Studio."""

    def __init__(self, studio: Studio, files: Path) -> None:
        self._studio = studio
        self.files = files
        """The folder from which it serves local files."""
        self.token = studio.admin.token.get_secret_value()

    @property
    def url(self) -> str:
        return self._studio.url

    def create_user(self, name: str) -> tuple[int, str]:
        """A new account's id and token."""
        account = self._studio.sign_up(f"{name}@labelcue.local", easy_password())
        return account.user, account.token.get_secret_value()

    def stop(self) -> None:
        self._studio.stop()


@pytest.fixture(scope="session")
def studio_venv() -> Path:
    """LABELCUE_STUDIO_VENV, or the demo's own environment, made if it is not there."""
    given = os.environ.get("LABELCUE_STUDIO_VENV")
    return Path(given) if given else ensure_venv(ROOT / ".venv-labelstudio", lambda _done, _total, _what: None)


@pytest.fixture(scope="session")
def studio_template(studio_venv: Path) -> Path:
    """A data folder after the migrations, kept beside the installation for later sessions."""
    made_for = hashlib.sha256(f"{lock_text()}{ADMIN.model_dump()}".encode()).hexdigest()[:16]
    folder = studio_venv / "labelcue-templates"
    with only_one(folder, wait=True):
        if not (folder / made_for).is_dir():
            draft = folder / f"{made_for}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            studio = Studio(studio_venv, draft, ADMIN)
            studio.start(lambda _done, _total, _what: None)
            studio.stop()
            draft.rename(folder / made_for)
    return folder / made_for / "label-studio"


@pytest.fixture(scope="session")
def plugin_venv(studio_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with Label Studio and the plugin."""
    return plugged_venv(studio_venv, tmp_path_factory.mktemp("plugged") / "venv")


@pytest.fixture(scope="module")
def house(plugin_venv: Path, studio_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Label Studio with the plugin, for the tests of a file: each has projects of its own, which keep it busy."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(studio_template, folder / "label-studio")
    with ExitStack() as cleanup:
        port = cleanup.enter_context(kept_port())
        home, environment = prepared(folder, port)
        studio = Studio(plugin_venv, folder, ADMIN, extra={**environment, **PATIENT})
        cleanup.callback(studio.stop)
        studio.start(lambda _done, _total, _what: None)
        stack = Stack(studio.url, ADMIN.token.get_secret_value(), home, port)
        cleanup.callback(stack.close)
        stack.start()
        yield House(studio, stack, House.accounts(studio))


@pytest.fixture(scope="module")
def studio(
    studio_venv: Path, studio_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStudio]:
    """A running Label Studio, one for each module: its projects are its tests' own."""
    folder = tmp_path_factory.mktemp("label-studio")
    shutil.copytree(studio_template, folder / "label-studio")
    files = folder / "files"
    files.mkdir()
    served = {"LOCAL_FILES_SERVING_ENABLED": "true", "LOCAL_FILES_DOCUMENT_ROOT": str(files)}
    studio = Studio(studio_venv, folder, ADMIN, extra={**STEADY, **served})
    studio.start(lambda _done, _total, _what: None)
    try:
        yield RunningStudio(studio, files)
    finally:
        studio.stop()


@pytest.fixture(scope="module")
def annotators(studio: RunningStudio) -> tuple[str, str]:
    """Tokens of two accounts that are not the admin's."""
    return studio.create_user("ada")[1], studio.create_user("ben")[1]


@pytest.fixture
def frontier() -> int:
    """The smallest frontier that the learner delivers; a module may choose another."""
    return FRONTIER


@pytest.fixture
def stack(studio: RunningStudio, tmp_path: Path, frontier: int) -> Iterator[Stack]:
    """Service and learner in a home of their own, running; no project is connected yet."""
    with ExitStack() as cleanup:
        stack = Stack(studio.url, studio.token, tmp_path / "home", frontier=frontier)
        cleanup.callback(stack.close)
        stack.start()
        yield stack
