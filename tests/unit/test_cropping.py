"""The class of a box is learned from crops: which boxes count, what is embedded once, and what reaches the ledger."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

from labelcue.cropping import Cropper, CropVectors
from labelcue.cropping.classifier import FEWEST
from labelcue.embedders import digest_of, unit
from labelcue.embedders.images import ImageEmbedder
from labelcue.errors import LabelStudioDown, TaskUnreadable
from labelcue.hearing import Hearing
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.items import prediction_event
from labelcue.pool.vectors import VectorFile
from labelcue.service.marked import Marked
from labelcue.store import open_ledger
from labelcue.store.fold import fold
from labelcue.types import Event, Floats, Json, Kind, TaskId
from picturing import as_file, close_media, media_of_nobody
from waiting import until

__all__ = ["close_media"]  # the fixture
PROJECT, T = 7, TypeVar("T")
XML = (
    '<View><Image name="image" value="$image"/><RectangleLabels name="box" toName="image">'
    '<Label value="red"/><Label value="blue"/></RectangleLabels></View>'
)
COLOURS = {"red": (220, 30, 30), "blue": (30, 30, 220)}
LEFT, RIGHT = (0.0, 50.0), (50.0, 50.0)
"""Where a half of the picture begins, and how wide it is, in percent."""


class Colour(ImageEmbedder):
    """Four numbers: the mean of each channel, and one for all."""

    name, side, dim = "colour", 8, 4
    seen = 0

    def embed_pictures(self, pictures: Any) -> Floats:
        self.seen += len(pictures)
        mean = pictures.reshape(len(pictures), -1, 3).mean(axis=1) / 255
        return unit(np.column_stack([mean, np.full(len(pictures), 0.2)]))


def picture(left: str, right: str, mark: int) -> str:
    """A data address; two halves of two colours, and one pixel that makes it another file."""
    made = Image.new("RGB", (40, 20), COLOURS[left])
    made.paste(COLOURS[right], (20, 0, 40, 20))
    made.putpixel((0, 0), (mark % 256, mark // 256, 0))
    return f"data:image/png;base64,{base64.b64encode(as_file(made)).decode()}"


def box(label: str, place: tuple[float, float] = LEFT, **more: Any) -> dict[str, Any]:
    value = {"x": place[0], "y": 0, "width": place[1], "height": 100, "rotation": 0, "rectanglelabels": [label]}
    return {"from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": value, **more}


class Studio:
    """A ledger with tasks, whose images are embedded, and a cropper."""

    def __init__(self, folder: Path, *, most: int = 20) -> None:
        self.folder, self.most, self.clock, self.media = folder, most, 0, media_of_nobody()
        self.ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite3'}")
        self.embedder, self.down, self.busy = Colour(), False, False
        self.say(Kind.LABEL_CONFIG, label_config=XML, updated_at=self.time())
        self.images = VectorFile(folder / "vectors", 4, embedder="colour")
        self.cropper = self.anew()

    def anew(self) -> Cropper:
        """After a restart."""
        file = VectorFile(self.folder / "vectors" / "crops", 4, embedder="colour")

        def crops() -> CropVectors:
            return CropVectors(file, lambda: self.embedder, self)

        return Cropper(self.ledger, PROJECT, self.images, crops, most=self.most, busy=lambda: self.busy)

    def each(self, wanted: Sequence[tuple[TaskId, str]], use: Callable[[bytes], T]) -> Iterator[T | TaskUnreadable]:
        if self.down:
            raise LabelStudioDown("Label Studio is down.")
        return self.media.each(wanted, use)

    def time(self) -> str:
        self.clock += 1
        return f"2026-01-01T00:{self.clock // 60:02}:{self.clock % 60:02}.000000Z"

    def say(self, kind: Kind, **body: Any) -> None:
        self.clock += 1
        self.ledger.append([Event(PROJECT, kind, f"{kind.value}:{self.clock}", body)])

    def task(self, task: int, address: str, *, embedded: bool = True) -> None:
        self.say(Kind.TASK, task=task, data={"image": address}, updated_at=self.time())
        if embedded:
            self.images.append([task], np.ones((1, 4)) / 2, [digest_of(address)])

    def label(self, task: int, *regions: Json, number: int = 0, **more: Any) -> None:
        body = {"annotation": number or 1000 + task, "task": task, "user": 1, "updated_at": self.time()}
        self.say(Kind.ANNOTATION, **{**body, "cancelled": False, "result": list(regions), **more})

    def predict(self, task: int, *regions: Json, score: float = 0.9) -> None:
        self.clock += 1
        self.ledger.append([prediction_event(PROJECT, task, "m", score, list(regions), self.clock)])

    def work(self, cropper: Cropper | None = None) -> dict[str, Any]:
        one = cropper or self.cropper
        while one.step():
            pass
        one._tell("")
        return one.status()

    def crops(self) -> list[dict[str, Json]]:
        return [dict(event.body) for event in self.ledger.read(PROJECT, kinds=(Kind.CROPS,))]


def side(task: int) -> str:
    return ("red", "blue")[task % 2]


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Ten tasks, boxed by annotators: enough of each class."""
    made = Studio(tmp_path)
    for task in range(1, 2 * FEWEST + 1):
        made.task(task, picture(side(task), side(task + 1), task))
        made.label(task, box(side(task), LEFT), box(side(task + 1), RIGHT))
    return made


def test_predicted_boxes_are_judged_by_what_annotators_boxed(studio: Studio) -> None:
    studio.task(50, picture("red", "blue", 50))
    studio.predict(50, box("red", LEFT), box("red", RIGHT))
    told = studio.work()
    (body,) = studio.crops()
    (first, second) = body["said"]
    assert body["task"] == 50
    assert first[0] == "red"
    assert first[1] == first[2] > 0.5
    assert second[0] == "blue"
    assert second[1] > 0.5 > second[2]
    assert (told["learned"], told["classes"], told["kept"]) == (4 * FEWEST, 2, 4 * FEWEST + 2)
    assert (told["judged"], told["waiting"], told["missing"], told["error"]) == (1, 0, 0, "")


def test_the_doubt_of_the_task_and_what_is_shown_know_of_it(studio: Studio) -> None:
    for task, wrong in ((50, "red"), (51, "blue")):
        studio.task(task, picture("blue", "red", task))
        studio.predict(task, box(wrong, LEFT), score=0.9)
    studio.work()
    state, spec = fold(studio.ledger.read(PROJECT)), parse_config(XML)
    said = Hearing(state, studio.ledger.event).said([TaskId(50), TaskId(51)], spec)
    doubt = {task: float(one[-1]) for task, one in said.items() if one is not None}
    assert doubt[TaskId(50)] > 0.4 > 0.15 > doubt[TaskId(51)]
    shown = Marked().of(studio.ledger, PROJECT, TaskId(50))
    assert shown is not None
    assert shown.body["crops"] == studio.crops()[0]["said"]


def test_without_two_classes_of_some_boxes_nothing_is_said_and_no_predicted_box_is_embedded(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    for task in range(1, 10):
        studio.task(task, picture("red", "red", task))
        studio.label(task, box("red"))
    for task in range(10, 10 + FEWEST - 1):
        studio.task(task, picture("blue", "blue", task))
        studio.label(task, box("blue"))
    studio.task(50, picture("blue", "blue", 50))
    studio.predict(50, box("red"))
    told = studio.work()
    assert studio.crops() == []
    assert (told["learned"], told["kept"], studio.embedder.seen) == (0, 9 + FEWEST - 1, 9 + FEWEST - 1)
    studio.task(60, picture("blue", "blue", 60))
    studio.label(60, box("blue"))
    assert studio.work()["learned"] == 9 + FEWEST
    assert len(studio.crops()) == 1


def test_a_restart_embeds_nothing_again_and_says_nothing_twice(studio: Studio) -> None:
    studio.task(50, picture("red", "blue", 50))
    studio.predict(50, box("blue", LEFT))
    studio.work()
    seen, said = studio.embedder.seen, studio.crops()
    told = studio.work(studio.anew())
    assert (studio.embedder.seen, studio.crops()) == (seen, said)
    assert told["learned"] == 4 * FEWEST


def test_a_label_a_new_prediction_and_new_data_take_the_verdict_away(studio: Studio) -> None:
    for task in (50, 51, 52):
        studio.task(task, picture("red", "blue", task))
        studio.predict(task, box("blue", LEFT))
    studio.work()
    studio.label(50, box("red", LEFT))
    studio.predict(51, box("red", LEFT))
    studio.task(52, picture("blue", "red", 99), embedded=False)
    studio.cropper.step()
    state = fold(studio.ledger.read(PROJECT))
    assert state.crops_of(TaskId(50)) is not None
    assert state.crops_of(TaskId(52)) is None
    studio.work()
    state = fold(studio.ledger.read(PROJECT))
    found = state.crops_of(TaskId(51))
    assert found is not None
    assert studio.ledger.event(found.position).body["said"][0][0] == "red"
    assert [body["task"] for body in studio.crops()] == [50, 51, 52, 51]


def test_many_more_boxes_are_learned_from_and_what_waits_is_judged_anew(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelcue.cropping.cropper.NEWS", 1e-3)
    studio.task(50, picture("red", "blue", 50))
    studio.predict(50, box("blue", LEFT))
    before = studio.work()["learned"]
    studio.task(60, picture("red", "blue", 60))
    studio.label(60, box("red", LEFT))
    assert studio.work()["learned"] == before
    for task in range(61, 75):
        studio.task(task, picture(side(task), side(task + 1), task))
        studio.label(task, box(side(task), LEFT), box(side(task + 1), RIGHT))
    assert studio.work()["learned"] == before + 1 + 28
    first, last = studio.crops()
    assert first["said"][0][1] < last["said"][0][1]


def test_audits_skips_and_deleted_annotations_teach_nothing(studio: Studio) -> None:
    studio.say(Kind.DRAW, task=1, stream="audit", propensity=0.1, round=1)
    studio.label(2, box("blue"), cancelled=True)
    studio.say(Kind.ANNOTATION_DELETED, annotation=1003)
    studio.say(Kind.TASK_DELETED, task=4)
    assert studio.work()["learned"] == 4 * FEWEST - 8
    studio.say(Kind.RETIRE, by=None)
    studio.label(5, box("red"), box("blue", RIGHT))
    studio.label(6, box("red"), box("blue", RIGHT))
    assert studio.work(studio.anew())["learned"] == 4 * FEWEST - 6


def test_no_more_boxes_of_a_task_count_than_are_asked_for(tmp_path: Path) -> None:
    studio = Studio(tmp_path, most=1)
    for task in range(1, 2 * FEWEST + 1):
        studio.task(task, picture(side(task), side(task + 1), task))
        studio.label(task, box(side(task), LEFT), box(side(task + 1), RIGHT))
    studio.task(50, picture("red", "blue", 50))
    studio.predict(50, box("red", LEFT), box("red", RIGHT))
    assert studio.work()["learned"] == 2 * FEWEST
    first, second = studio.crops()[0]["said"]
    assert first is not None
    assert second is None


def test_bad_images_and_boxes_without_pixels_hurt_no_other(studio: Studio) -> None:
    studio.task(50, "data:image/png;base64,AAAA")
    studio.predict(50, box("red", LEFT))
    studio.task(51, picture("red", "blue", 51))
    studio.predict(51, box("blue", (10.0, 0.01)), box("blue", LEFT), {"from_name": "box", "value": 3})
    studio.task(52, "https://elsewhere.invalid/x.png")
    studio.predict(52, box("red", LEFT))
    told = studio.work()
    (body,) = studio.crops()
    assert body["task"] == 51
    assert [one is None for one in body["said"]] == [True, False, True]
    assert set(told["problems"]) == {"50", "52"}
    assert told["waiting"] == 0
    before = studio.embedder.seen
    studio.predict(50, box("blue", LEFT))
    studio.work()
    assert studio.embedder.seen == before


def test_what_is_not_embedded_yet_waits(studio: Studio) -> None:
    studio.task(50, picture("red", "blue", 50), embedded=False)
    studio.predict(50, box("blue", LEFT))
    studio.work()
    assert studio.crops() == []
    studio.images.append([50], np.ones((1, 4)) / 2, [digest_of("50")])
    studio.busy = True
    studio.work()
    assert studio.crops() == []
    studio.busy = False
    studio.work()
    assert [body["task"] for body in studio.crops()] == [50]


def test_another_label_config_is_learned_anew(studio: Studio) -> None:
    studio.work()
    studio.say(Kind.LABEL_CONFIG, label_config=XML.replace("blue", "green"), updated_at=studio.time())
    studio.task(50, picture("red", "blue", 50))
    studio.predict(50, box("red", LEFT))
    assert studio.work()["learned"] == 0
    assert studio.crops() == []
    studio.say(
        Kind.LABEL_CONFIG, label_config=XML.replace("RectangleLabels", "KeyPointLabels"), updated_at=studio.time()
    )
    assert not studio.cropper.step()
    studio.say(Kind.LABEL_CONFIG, label_config=XML, updated_at=studio.time())
    assert studio.work()["learned"] == 4 * FEWEST
    assert [body["task"] for body in studio.crops()] == [50]


def test_it_goes_on_by_itself_when_label_studio_is_back(studio: Studio) -> None:
    studio.task(50, picture("red", "blue", 50))
    studio.predict(50, box("blue", LEFT))
    studio.down = True
    stop = threading.Event()
    thread = threading.Thread(target=studio.cropper.run, args=(stop,))
    thread.start()
    try:
        until(lambda: "down" in studio.cropper.status().get("error", ""), what="the error")
        studio.down = False
        until(studio.crops, what="a verdict")
        until(lambda: studio.cropper.status()["error"] == "", what="no error")
    finally:
        stop.set()
        thread.join(timeout=60)
    assert not thread.is_alive()
