"""Projects of every control that marks parts, and of those on vectors of somebody's: made and connected all at once.

Where predictions are shown, LabelCue replaces them 15 s apart: all of these projects wait for that together.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow
from label_studio_sdk.converter.brush import encode_rle
from numpy.typing import NDArray
from pyarrow import parquet
from pydantic import SecretStr
from stack import Stack

from labelcue import connect as connecting
from picturing import as_file, gradient
from serving_vectors import DIM

TASKS, PLANTED = 14, 3
PICTURE = f"data:image/png;base64,{base64.b64encode(as_file(gradient(80, 60))).decode()}"
SERIES = {"time": list(range(12)), "v": [number % 5 for number in range(12)]}
OBJECTS = {
    "Paragraphs": '<Paragraphs name="shown" value="$shown" nameKey="who"/>',
    "Image": '<Image name="shown" value="$shown"/>',
    "Audio": '<Audio name="shown" value="$shown"/>',
    "Video": '<Video name="shown" value="$shown"/>',
    "TimeSeries": '<TimeSeries name="shown" value="$shown" valueType="json" timeColumn="time"><Channel column="v"/>'
    "</TimeSeries>",
}
CHOICES = '<Choices name="label" toName="shown"><Choice value="calm"/><Choice value="loud"/></Choices>'
CLASSES = ("calm", "loud")


class Marked(NamedTuple):
    """What a control marks, and what a region of it holds beside its labels, as Label Studio's editor makes it."""

    shown: str
    value: dict[str, Any]
    beside: str = ""
    """The control that has its labels, where it has none itself."""


def mask() -> list[int]:
    """A square of 80 x 60 pixels' brush, as Label Studio encodes it: four channels, of which the last one counts."""
    painted = np.zeros((60, 80, 4), dtype=np.uint8)
    painted[10:30, 20:50] = 255
    return [int(one) for one in encode_rle(painted.ravel())]


def tracked() -> list[dict[str, Any]]:
    """A box at two frames of a video, of which the last one ends it."""
    box = {"x": 35.0, "y": 26.5, "width": 11.5, "height": 15.5, "rotation": 0}
    return [{"frame": frame, "time": frame / 25, "enabled": frame < 20, **box} for frame in (1, 20)]


MARKS = {
    "PolygonLabels": Marked("Image", {"points": [[10.0, 10.0], [60.0, 12.5], [40.0, 70.0]], "closed": True}),
    "KeyPointLabels": Marked("Image", {"x": 30.0, "y": 40.0, "width": 0.5}),
    "EllipseLabels": Marked("Image", {"x": 50.0, "y": 45.0, "radiusX": 20.0, "radiusY": 10.0, "rotation": 15}),
    "BrushLabels": Marked("Image", {"format": "rle", "rle": mask()}),
    "TimeSeriesLabels": Marked("TimeSeries", {"start": 2, "end": 5, "instant": False}),
    "Labels": Marked("Audio", {"start": 0.5, "end": 1.25, "channel": 0}),
    "TimelineLabels": Marked("Video", {"ranges": [{"start": 3, "end": 9}]}),
    "ParagraphLabels": Marked("Paragraphs", {"start": "0", "end": "1", "startOffset": 5, "endOffset": 2, "text": "x"}),
    "VideoRectangle": Marked("Video", {"framesCount": 50, "duration": 2.0, "sequence": tracked()}, "Labels"),
}
SIZE = {"original_width": 80, "original_height": 60, "image_rotation": 0}
FILES = {"Audio": "v.npz", "Video": "v.npy", "TimeSeries": "v.parquet"}
"""What is shown, and the file of its vectors."""
SERVERS = {"http": ("http:{}", "Audio"), "openai": ("openai:small-3@{}", "Paragraphs")}
"""The form in which a server is asked, and what is shown."""
KEY = "a-key-of-a-test"


class Work(NamedTuple):
    """A project, its tasks in the order of their numbers, and its label config."""

    project: int
    ids: list[int]
    xml: str


class Maker:
    """Makes projects and connects them."""

    def __init__(self, stack: Stack, folder: Path, model: str, vectors: str) -> None:
        """`model`: the address of an ML backend; `vectors`: of a server of vectors."""
        self._stack, self._folder, self._model, self._vectors = stack, folder, model, vectors

    def marked(self, tag: str) -> Work:
        """The last column of the first tasks' `said`, their score, is low: the model is not sure of them."""
        shown, value, beside = MARKS[tag]
        labels = "".join(f'<Label value="{name}"/>' for name in CLASSES)
        rng, more = np.random.default_rng(0), []
        for number in range(TASKS):
            score = 0.08 if number < PLANTED else 0.98
            said = {"result": [{**region(tag, value, CLASSES[number % 2]), "score": score}], "score": score}
            more.append({"said": said, "vector": rng.normal(size=DIM).round(4).tolist()})
        named = f'<{beside or tag} name="{"what" if beside else "label"}" toName="shown">{labels}</{beside or tag}>'
        drawn = f'<{tag} name="label" toName="shown"/>' if beside else ""
        work = self._made(shown, named + drawn, more)
        self._connect(work, f"precomputed:field=vector,dim={DIM}", self._model)
        return work

    def filed(self, shown: str) -> Work:
        """Choices, by vectors in a file."""
        work = self._made(shown, CHOICES)
        self._connect(work, f"precomputed:{kept(self._folder / FILES[shown], work.ids)}")
        return work

    def served(self, form: str) -> Work:
        """Choices, by vectors of a server that wants a key."""
        asked, shown = SERVERS[form]
        key = self._folder / "key"
        key.write_text(f"{KEY}\n")
        work = self._made(shown, CHOICES)
        self._connect(work, f"{asked.format(self._vectors)},dim={DIM},key=file:{key}")
        return work

    def _made(self, shown: str, control: str, more: Sequence[dict[str, Any]] = ({},) * TASKS) -> Work:
        xml = f"<View>{OBJECTS[shown]}{control}</View>"
        project = int(self._stack.ls.create_project(f"{shown} of a test", xml)["id"])
        tasks = [{"data": {"shown": data_of(shown, number), **one}} for number, one in enumerate(more)]
        return Work(project, self._stack.ls.import_tasks(project, tasks), xml)

    def _connect(self, work: Work, embedder: str, model: str = "") -> None:
        connecting.connect(
            self._stack.ls,
            self._stack.home,
            self._stack.settings,
            work.project,
            token=SecretStr(self._stack.token),
            embedder=embedder,
            pre_annotation="on",
            model=model,
            on_step=lambda _words: None,
        )


def data_of(shown: str, number: int) -> Any:
    """What the field of a task holds. Nothing but its words is ever opened here: LabelCue has vectors of it."""
    talk = [{"who": "Ann", "text": f"Mail {number} is late."}, {"who": "Bob", "text": "So it is."}]
    told = {"Paragraphs": talk, "Image": PICTURE, "TimeSeries": SERIES}
    return told.get(shown, f"https://files.example/{shown.lower()}-{number}.mp4")


def read_of(shown: str, number: int) -> str:
    """What a server of vectors is asked about."""
    return f"Ann: Mail {number} is late.\nBob: So it is." if shown == "Paragraphs" else data_of(shown, number)


def region(tag: str, value: dict[str, Any], label: str) -> dict[str, Any]:
    """As Label Studio's editor makes it."""
    size = SIZE if tag in MARKS and MARKS[tag].shown == "Image" else {}
    said = {**value, field(tag): [label]}
    return {"from_name": "label", "to_name": "shown", "type": tag.lower(), "value": said, **size}


def field(tag: str) -> str:
    """What the labels are called in a region's value."""
    return ((tag in MARKS and MARKS[tag].beside) or tag).lower()


def apart() -> NDArray[np.float32]:
    """(TASKS, DIM) float32: two heaps, taken in turns, that anybody can tell apart."""
    made = 0.1 * np.random.default_rng(1).normal(size=(TASKS, DIM))
    made[np.arange(TASKS), np.arange(TASKS) % 2] += 1
    return made.astype(np.float32)


def kept(path: Path, ids: Sequence[int]) -> Path:
    """The vectors in a file of the form that its name asks for."""
    if path.suffix == ".npy":
        np.save(path, apart())
        np.save(path.with_suffix(".ids.npy"), np.array(ids))
    elif path.suffix == ".parquet":
        parquet.write_table(pyarrow.table({"id": ids, "vector": apart().tolist()}), path)
    else:
        np.savez(path, vectors=apart(), ids=np.array(ids))
    return path
