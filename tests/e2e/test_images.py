"""`Choices` on `Image` beside a real Label Studio: uploads are embedded, learned, ordered and predicted."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pydantic import SecretStr
from stack import Stack

from labelcue import connect as connecting
from labelcue.labelstudio.client import LabelStudio
from labelcue.media import open_media
from labelcue.store.connection import Connection
from labelcue.types import TaskId
from picturing import as_file, gradient
from waiting import until

pytestmark = pytest.mark.e2e

CONFIG = """<View><Image name="image" value="$image"/><Choices name="kind" toName="image">
<Choice value="smooth"/><Choice value="noisy"/></Choices></View>"""
PICTURES = 24
BAD = ("s3://no-such-bucket/a.png", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/")


def kind(label: str) -> list[dict[str, Any]]:
    return [{"from_name": "kind", "to_name": "image", "type": "choices", "value": {"choices": [label]}}]


def pictures() -> dict[str, bytes]:
    """Two kinds of pictures that anybody can tell apart, by the names of their files; no two are equal."""
    rng = np.random.default_rng(0)
    found = {}
    for number in range(PICTURES // 2):
        found[f"smooth-{number}.png"] = as_file(gradient(60 + number, 50))
        noise = Image.fromarray(rng.integers(0, 255, (50, 60, 3), dtype=np.uint8))
        found[f"noisy-{number}.jpg"] = as_file(noise, "JPEG", quality=90)
    return found


def upload(stack: Stack, project: int) -> None:
    """As the import page of Label Studio does it; a file that is no picture is among them."""
    files = [(name, (name, raw)) for name, raw in {**pictures(), "broken.png": b"\x89PNG\r\n and no more"}.items()]
    answer = httpx.post(
        f"{stack.studio_url.rstrip('/')}/api/projects/{project}/import",
        files=files,
        headers={"Authorization": f"Token {stack.token}"},
        timeout=300,
    )
    assert answer.is_success, answer.text


def connect(stack: Stack, project: int) -> None:
    connecting.connect(
        stack.ls,
        stack.home,
        stack.settings,
        project,
        token=SecretStr(stack.token),
        embedder=stack.settings.embedder,
        pre_annotation="off",
        on_step=lambda _words: None,
    )


def test_uploads_are_embedded_learned_and_predicted(stack: Stack) -> None:
    project = int(stack.ls.create_project("Pictures of a test", CONFIG)["id"])
    upload(stack, project)
    stack.ls.import_tasks(project, [{"image": address} for address in BAD])
    connect(stack, project)
    assert Connection.load(stack.home.connection(project)).embedder == "efficientnet-lite0"
    images = {int(task["id"]): str(task["data"]["image"]) for page in stack.ls.tasks(project) for task in page}

    def embedded() -> bool:
        snapshot, words = stack.snapshot(project), stack.status(project).get("embedding") or {}
        done = words.get("done") == len(images) == PICTURES + 1 + len(BAD)
        return done and snapshot is not None and len(snapshot.ids) == PICTURES

    until(embedded, 300, "vectors of every picture")
    problems = stack.status(project)["embedding"]["problems"]
    bad = {task for task, image in images.items() if image in BAD or image.endswith("broken.png")}
    assert {int(task) for task in problems} == bad
    assert len(bad) == 1 + len(BAD)

    kinds = {task: "noisy" if "noisy" in image else "smooth" for task, image in images.items()}
    for label in ("smooth", "noisy"):
        for task in [task for task in stack.queue(project) if kinds[task] == label][:4]:
            stack.ls.annotate(task, kind(label))
    snapshot = stack.settled(project, 8)
    assert snapshot.trained
    said = [snapshot.classes[place] for place in snapshot.probabilities.argmax(axis=1)]
    right = [kinds[int(task)] == label for task, label in zip(snapshot.ids, said, strict=True)]
    assert sum(right) >= PICTURES - 2
    predict_unknown(stack, project, next(image for image in images.values() if "noisy" in image))


def predict_unknown(stack: Stack, project: int, image: str) -> None:
    """A picture that no round knows is fetched and embedded when it is asked for."""
    auth = (stack.settings.basic_user, stack.settings.basic_password.get_secret_value())
    body = {
        "project": f"{project}.1",
        "label_config": CONFIG,
        "tasks": [{"id": 10**8, "data": {"image": image}}, {"id": 10**8 + 1, "data": {"image": BAD[1]}}],
    }

    def answer() -> list[dict[str, Any]] | None:
        found = httpx.post(f"{stack.settings.base_url}/predict", json=body, auth=auth, timeout=60)
        assert found.is_success, found.text
        good, bad = found.json()["results"]
        assert bad["result"] == []
        assert "no address" in bad["reason"]
        return good["result"] or None  # the time for a request may be over on a busy machine

    result = until(answer, what="a prediction for a picture of an unknown task")
    assert result is not None
    assert result[0]["value"]["choices"] == ["noisy"]


def test_media_of_a_real_label_studio_need_the_token(studio: Any, stack: Stack) -> None:
    project = int(stack.ls.create_project("Pictures of a test", CONFIG)["id"])
    upload(stack, project)
    images = [str(task["data"]["image"]) for page in stack.ls.tasks(project) for task in page]
    image = next(image for image in images if image.endswith("smooth-0.png"))
    assert image.startswith("/data/upload/")
    with closing(open_media(stack.settings, stack.home.media, stack.ls)) as media:
        raw = media.read(TaskId(1), image)
    assert raw in pictures().values()
    with (
        closing(LabelStudio(studio.url, "b" * 40)) as nobody,
        closing(open_media(stack.settings, stack.home.root / "other", nobody)) as media,
        pytest.raises(Exception, match="401"),
    ):
        media.read(TaskId(1), image)


def test_local_files_of_a_real_label_studio_are_read(studio: Any, stack: Stack) -> None:
    folder = studio.files / "shots"
    folder.mkdir()
    for name, raw in pictures().items():
        (folder / name).write_bytes(raw)
    project = int(stack.ls.create_project("Local files of a test", CONFIG)["id"])
    headers = {"Authorization": f"Token {stack.token}"}
    body = {"project": project, "path": str(folder), "use_blob_urls": True, "title": "shots"}
    with httpx.Client(base_url=stack.studio_url, headers=headers, timeout=300) as http:
        made = http.post("/api/storages/localfiles/", json=body)
        assert made.is_success, made.text
        synced = http.post(f"/api/storages/localfiles/{made.json()['id']}/sync")
        assert synced.is_success, synced.text
    tasks = until(lambda: [task for page in stack.ls.tasks(project) for task in page], what="tasks of the storage")
    images = [str(task["data"]["image"]) for task in tasks]
    assert len(images) == PICTURES
    assert all("/data/local-files/?d=" in image for image in images)
    with closing(open_media(stack.settings, stack.home.media, stack.ls)) as media:
        assert sorted(media.read(TaskId(1), image) for image in images) == sorted(pictures().values())
