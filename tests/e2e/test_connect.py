"""connect, doctor and disconnect on a real Label Studio, with a service that only answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from fake_service import PASSWORD, SECRET, FakeService
from labelcue import connect as connecting
from labelcue.connect import ours
from labelcue.doctor import Finding, examine
from labelcue.errors import ConfigError, LabelStudioError, NotFound, UnsupportedConfig
from labelcue.labelstudio.client import LabelStudio
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.status import write_status
from labelcue.types import Kind
from waiting import until

pytestmark = pytest.mark.e2e
BEAT_S = 1.0
LEARNER: dict[str, Any] = {
    "embedding": {"done": 12, "total": 12, "unreadable": 0},
    "delivery": {"version": "cue-queue-1", "left": 12},
}
"""What a healthy one says."""

CONFIG = """<View><Text name="text" value="$text"/><Choices name="kind" toName="text">
<Choice value="ham"/><Choice value="spam"/></Choices></View>"""
MOVING = {"updated_at", "created_ago"}
# Label Studio never lowers a task's own count of predictions when a model version is deleted, here or in its own pages.
MOVING_OF_TASKS = {*MOVING, "total_predictions", "updated_by"}


@pytest.fixture
def service() -> Iterator[FakeService]:
    fake = FakeService()
    yield fake
    fake.stop()


@pytest.fixture
def settings(service: FakeService, tmp_path: Path) -> Settings:
    secrets = {"basic_password": SecretStr(PASSWORD), "webhook_secret": SecretStr(SECRET)}
    return Settings(home=tmp_path, port=service.port, lease_s=2, **secrets)


@pytest.fixture
def ls(studio: Any) -> Iterator[LabelStudio]:
    with closing(LabelStudio(studio.url, studio.token)) as client:
        yield client


@pytest.fixture
def project(ls: LabelStudio) -> Iterator[int]:
    number = int(ls.create_project("Mails to connect", CONFIG)["id"])
    ls.import_tasks(number, [{"text": f"mail {place}"} for place in range(12)])
    yield number
    ls.delete_project(number)


@pytest.fixture
def said() -> list[str]:
    return []


def connected(ls: LabelStudio, settings: Settings, project: int, said: list[str], **options: Any) -> Connection:
    chosen = {"embedder": "minilm", "pre_annotation": "off", **options}
    token = SecretStr(ls._wire._token)
    return connecting.connect(ls, Home(settings.home), settings, project, token=token, on_step=said.append, **chosen)


def disconnected(ls: LabelStudio, settings: Settings, project: int, said: list[str]) -> None:
    connecting.disconnect(ls, Home(settings.home), settings, project, on_step=said.append)


def everything(ls: LabelStudio, project: int) -> dict[str, Any]:
    """All that the API tells of a project, save what changes by itself."""

    def still(thing: Any, moving: set[str] = MOVING) -> Any:
        if isinstance(thing, list):
            return [still(part, moving) for part in thing]
        if not isinstance(thing, dict):
            return thing
        return {name: still(value, moving) for name, value in thing.items() if name not in moving}

    tasks = [task for page in ls.tasks(project, fields="all") for task in page]
    return {
        "project": still(ls.project(project)),
        "webhooks": still(ls.webhooks(project)),
        "backends": still(ls.backends(project)),
        "versions": ls.model_versions(project),
        "tasks": {task["id"]: still(task, MOVING_OF_TASKS) for task in tasks},
    }


def deliver(ls: LabelStudio, project: int, number: int, tasks: list[int]) -> None:
    """What delivery does: a frontier, and the project's model version set to it."""
    version = f"cue-queue-{number}"
    scores = [{"task": task, "result": [], "score": 0.1, "model_version": version} for task in tasks]
    ls.import_predictions(project, scores)
    ls.update_project(project, model_version=version, show_collab_predictions=False)


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_connect_changes_what_it_must_and_disconnect_puts_it_back(
    ls: LabelStudio, settings: Settings, service: FakeService, project: int, said: list[str]
) -> None:
    before = everything(ls, project)
    connection = connected(ls, settings, project, said)
    assert Connection.load(Home(settings.home).connection(project)) == connection

    found = ls.project(project)
    assert (found["sampling"], found["model_version"]) == ("Uncertainty sampling", "")
    [backend] = ls.backends(project)
    assert (backend["title"], backend["state"], backend["id"]) == ("LabelCue", "CO", connection.backend_id)
    [hook] = ls.webhooks(project)
    assert not ours.differs(hook, ours.wanted_webhook(settings, project, 0))
    with closing(open_ledger(settings.store_url)) as ledger:
        [event] = ledger.read(project)
    assert (event.kind, event.body["label_config"]) == (Kind.LABEL_CONFIG, found["label_config"])

    service.heard.clear()
    ls.annotate(next(ls.task_ids(project)), [])
    until(lambda: service.heard, what="the webhook, which Label Studio may have given up waiting for")
    assert [body["action"] for body in service.heard] == ["ANNOTATION_CREATED"]
    ls.delete_annotation(int(service.heard[0]["annotation"]["id"]))
    deliver(ls, project, 1, list(ls.task_ids(project)))

    disconnected(ls, settings, project, said)
    assert service.refused == 0
    assert everything(ls, project) == before
    assert not list(Home(settings.home).project(project).glob("*.json"))
    with pytest.raises(NotFound):
        disconnected(ls, settings, project, said)


def test_a_second_connect_changes_nothing_and_says_so(
    ls: LabelStudio, settings: Settings, project: int, said: list[str]
) -> None:
    first = connected(ls, settings, project, said)
    deliver(ls, project, 3, list(ls.task_ids(project)))
    before = ls.webhooks(project), everything(ls, project)
    said.clear()
    assert connected(ls, settings, project, said) == first
    assert (ls.webhooks(project), everything(ls, project)) == before
    assert "Everything stands as it should: nothing was changed" in said
    with closing(open_ledger(settings.store_url)) as ledger:
        assert len(list(ledger.read(project))) == 1


def test_other_peoples_things_are_left_alone(
    ls: LabelStudio, settings: Settings, project: int, said: list[str]
) -> None:
    other = FakeService()
    try:
        foreign = f"http://127.0.0.1:{other.port}"
        login = {"auth_method": "BASIC_AUTH", "basic_auth_user": "labelcue", "basic_auth_pass": PASSWORD}
        ls.create_backend(project, foreign, title="Theirs", **login)
        ls.create_webhook(project, f"{foreign}/elsewhere", headers={"X-Theirs": "1"}, actions=["TASKS_CREATED"])
        # One that points at us without a secret, as a backend that was added by hand leaves it.
        ls.create_webhook(project, ours.webhook_url(settings.base_url))
        scores = [{"task": task, "result": [], "score": 0.5, "model_version": "v1"} for task in ls.task_ids(project)]
        ls.import_predictions(project, scores)
        ls.update_project(project, model_version="v1", sampling="Uniform sampling")
        before = everything(ls, project)

        connected(ls, settings, project, said)
        shown = {hook["url"]: hook for hook in ls.webhooks(project) if not ours.is_ours(hook)}
        assert len(ls.webhooks(project)) == 4
        assert shown[ours.webhook_url(settings.base_url)]["is_active"] is False
        assert shown[f"{foreign}/elsewhere"] in [*before["webhooks"], *ls.webhooks(project)]
        deliver(ls, project, 7, list(ls.task_ids(project))[:5])

        disconnected(ls, settings, project, said)
        assert everything(ls, project) == before
    finally:
        other.stop()


def test_a_backend_that_was_added_by_hand_is_taken_over_and_given_back(
    ls: LabelStudio, settings: Settings, project: int, said: list[str]
) -> None:
    login = {"auth_method": "BASIC_AUTH", "basic_auth_user": "labelcue", "basic_auth_pass": PASSWORD}
    ls.create_backend(project, settings.base_url, title="By hand", **login)
    before = everything(ls, project)
    assert before["project"]["model_version"] == "By hand"
    connected(ls, settings, project, said)
    assert ls.project(project)["model_version"] == ""
    assert len(ls.backends(project)) == 1
    disconnected(ls, settings, project, said)
    assert everything(ls, project) == before


def test_what_was_chosen_after_connect_stays_chosen(
    ls: LabelStudio, settings: Settings, project: int, said: list[str]
) -> None:
    connected(ls, settings, project, said)
    scores = [{"task": task, "result": [], "score": 0.5, "model_version": "v2"} for task in ls.task_ids(project)]
    ls.import_predictions(project, scores)
    ls.update_project(project, sampling="Uniform sampling", model_version="v2")
    disconnected(ls, settings, project, said)
    found = ls.project(project)
    assert (found["sampling"], found["model_version"]) == ("Uniform sampling", "v2")


def test_a_connect_that_broke_off_is_finished_or_taken_back(
    ls: LabelStudio, settings: Settings, project: int, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(ls, project)
    home = Home(settings.home)

    def broken(*_: Any, **__: Any) -> None:
        raise LabelStudioError("The wire was cut.")

    for method in ("create_webhook", "create_backend", "update_project"):
        with monkeypatch.context() as patch:
            patch.setattr(ls, method, broken)
            with pytest.raises(LabelStudioError):
                connected(ls, settings, project, said)
        assert home.projects() == []
    disconnected(ls, settings, project, said)
    assert everything(ls, project) == before

    for method in ("create_backend", "update_project"):
        with monkeypatch.context() as patch:
            patch.setattr(ls, method, broken)
            with pytest.raises(LabelStudioError):
                connected(ls, settings, project, said)
    assert connected(ls, settings, project, said).before["sampling"] == before["project"]["sampling"]
    with monkeypatch.context() as patch:
        patch.setattr(ls, "delete_backend", broken)
        with pytest.raises(LabelStudioError):
            disconnected(ls, settings, project, said)
    assert home.projects() == []
    disconnected(ls, settings, project, said)
    assert everything(ls, project) == before


def test_a_project_that_is_gone_can_be_disconnected(
    ls: LabelStudio, settings: Settings, project: int, said: list[str]
) -> None:
    connected(ls, settings, project, said)
    ls.delete_project(project)
    disconnected(ls, settings, project, said)
    assert "gone" in said[-1]
    assert Home(settings.home).projects() == []


def test_what_cannot_be_connected_is_refused_before_anything_is_changed(
    ls: LabelStudio, settings: Settings, service: FakeService, project: int, said: list[str]
) -> None:
    before = everything(ls, project)
    home = Home(settings.home)
    Connection(url="http://another.example/", project=99, token=SecretStr("t")).save(home.connection(99))
    with pytest.raises(ConfigError, match="one Label Studio"):
        connected(ls, settings, project, said)
    home.connection(99).unlink()
    wrong = settings.model_copy(update={"basic_password": SecretStr("other")})
    with pytest.raises(ConfigError, match="other secrets"):
        connected(ls, wrong, project, said)
    with pytest.raises(ConfigError, match="does not answer"):
        connected(ls, settings.model_copy(update={"port": 1}), project, said)
    with pytest.raises(ConfigError, match="no secrets"):
        connected(ls, Settings(home=settings.home, port=service.port), project, said)
    assert everything(ls, project) == before
    ls.update_project(project, label_config=CONFIG.replace("<Choices ", '<Choices perRegion="true" '))
    with pytest.raises(UnsupportedConfig):
        connected(ls, settings, project, said)
    assert ls.webhooks(project) == []


def test_a_webhook_gets_its_project_s_secret_and_another_one_when_asked(
    ls: LabelStudio, settings: Settings, service: FakeService, project: int, said: list[str]
) -> None:
    home = Home(settings.home)
    connection = connected(ls, settings, project, said)

    def carried() -> str:
        [hook] = ls.webhooks(project)
        return str(hook["headers"][ours.SECRET_HEADER])

    first = carried()
    assert first.startswith(f"{project}.")
    assert SECRET not in first
    service.renewals = 1
    assert connected(ls, settings, project, said, renew=True).renewals == 1
    assert carried() not in (first, SECRET)
    assert by_name(examine(home, settings, project))["round-trip"].level == "ok"
    connected(ls, settings, project, said)  # an ordinary run keeps it
    assert Connection.load(home.connection(project)).renewals == 1

    # As an earlier release left it.
    ls.update_webhook(int(connection.webhook_id or 0), headers={ours.SECRET_HEADER: SECRET})
    finding = by_name(examine(home, settings, project))["webhook"]
    assert (finding.level, "service's own secret" in finding.what) == ("warn", True)
    connected(ls, settings, project, said)
    assert by_name(examine(home, settings, project))["webhook"].level == "ok"
    disconnected(ls, settings, project, said)


def test_a_service_that_moved_is_followed(ls: LabelStudio, settings: Settings, project: int, said: list[str]) -> None:
    before = everything(ls, project)
    connected(ls, settings, project, said)
    moved = FakeService()
    try:
        there = settings.model_copy(update={"port": moved.port})
        connected(ls, there, project, said)
        assert [hook["url"] for hook in ls.webhooks(project)] == [ours.webhook_url(there.base_url)]
        assert [backend["url"] for backend in ls.backends(project)] == [there.base_url]
        disconnected(ls, there, project, said)
    finally:
        moved.stop()
    assert everything(ls, project) == before


def test_the_doctor_finds_nothing_on_a_healthy_project_and_names_each_trap(
    ls: LabelStudio, settings: Settings, service: FakeService, project: int, said: list[str]
) -> None:
    home = Home(settings.home)
    connection = connected(ls, settings, project, said)
    deliver(ls, project, 1, list(ls.task_ids(project)))
    with alive(home.status(project)):
        healthy = by_name(examine(home, settings, project))
    assert {name: finding.level for name, finding in healthy.items() if finding.level != "ok"} == {}
    assert all(finding.remedy for finding in healthy.values())
    assert healthy["round-trip"].level == "ok"

    ls.update_project(
        project,
        sampling="Sequential sampling",
        model_version="LabelCue",
        maximum_annotations=2,
        evaluate_predictions_automatically=True,
    )
    hook = ours.wanted_webhook(settings, project, 0)
    ls.update_webhook(int(connection.webhook_id or 0), **{**hook, "is_active": False, "actions": hook["actions"][:-1]})
    ls.create_webhook(project, hook["url"])
    write_status(home.status(project), {**LEARNER, "at": time.time() - 600, "error": "disk full"})
    levels = {name: finding.level for name, finding in by_name(examine(home, settings, project)).items()}
    assert levels["learner"] == "bad"
    assert levels["sampling"] == "bad"
    assert levels["title-is-version"] == "bad"
    assert levels["frontier"] == "bad"
    assert levels["webhook"] == "bad"
    assert levels["webhook-without-secret"] == "warn"
    assert levels["round-trip"] == "bad"
    assert levels["several-annotators"] == "warn"
    assert levels["automatic-predictions"] == "warn"

    connected(ls, settings, project, said)
    ls.update_project(project, maximum_annotations=1, evaluate_predictions_automatically=False)
    with alive(home.status(project)):
        assert {finding.name for finding in examine(home, settings, project) if finding.level != "ok"} == set()

    first, *rest = ls.task_ids(project)
    for task in rest:
        ls.annotate(task, [])
    assert by_name(examine(home, settings, project))["frontier"].level == "ok"
    ls.delete_predictions(project, "cue-queue-1")
    deliver(ls, project, 2, rest)
    assert by_name(examine(home, settings, project))["frontier"].level == "bad"
    ls.annotate(first, [])
    assert by_name(examine(home, settings, project))["frontier"].level == "ok"


@contextmanager
def alive(path: Path) -> Iterator[None]:
    """A learner's signs of life: however slow the machine, the latest one is fresh."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            write_status(path, {**LEARNER, "at": time.time()})

    write_status(path, {**LEARNER, "at": time.time()})
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_the_doctor_says_what_does_not_answer(
    ls: LabelStudio, settings: Settings, project: int, said: list[str]
) -> None:
    home = Home(settings.home)
    nothing = by_name(examine(home, settings, None))
    assert nothing["connection"].level == "warn"
    connection = connected(ls, settings, project, said)
    connection.model_copy(update={"token": SecretStr("wrong")}).save(home.connection(project))
    assert by_name(examine(home, settings, None))["token"].level == "bad"
    connection.model_copy(update={"url": "http://127.0.0.1:1/"}).save(home.connection(project))
    assert by_name(examine(home, settings, None))["label-studio"].level == "bad"
    connection.save(home.connection(project))
    gone = settings.model_copy(update={"port": 1})
    assert by_name(examine(home, gone, project))["service"].level == "bad"
    ls.delete_project(project)
    assert by_name(examine(home, settings, project))["project"].level == "bad"
