"""Every registered embedder keeps the contract. A new one gets these tests by existing."""

from __future__ import annotations

import base64
import hashlib
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from local_models import name_of
from PIL import Image

from labelcue.embedders import Embedded, Embedder, digest_of, embedders
from labelcue.embedders.images import ImageEmbedder
from labelcue.errors import ConfigError
from labelcue.types import Floats, TaskId
from picturing import close_media, media_of_nobody
from serving_vectors import DIM, common

__all__ = ["close_media"]  # the fixture
ARGUMENTS = {
    "precomputed": "precomputed:field=vector,dim=8",
    "http": f"http:{common().url},dim={DIM}",
    "openai": f"openai:any@{common().url},dim={DIM}",
}
TEXTS = [
    "Cheap watches, buy now",
    "The meeting is moved to Tuesday",
    "Grüße aus Köln, 東京より 👩‍👩‍👧 \u202e rtl",
    "kernel panic in the network driver " * 4000,
    "x",
    "?!",
    "\ud83d lone surrogate, and a \x00 byte",
    "Cheap watches, buy now",
]
_made: dict[str, Embedder | ConfigError] = {}


def make(name: str) -> Embedder:
    """A ready embedder, fitted where it has to be."""
    embedder = embedders.create(ARGUMENTS.get(name, "") or name_of(name))
    if embedder.needs_fit:
        embedder.fit(TEXTS[:4])
    return embedder


@pytest.fixture(params=embedders.names())
def embedder(request: pytest.FixtureRequest) -> Embedder:
    """Each of them, loaded once; those that need a library that is not there are skipped, and say how to get it."""
    name = str(request.param)
    if name not in _made:
        try:
            _made[name] = make(name)
        except ConfigError as error:
            _made[name] = error
    made = _made[name]
    if isinstance(made, ConfigError):
        assert "pip install" in made.remedy
        pytest.skip(str(made))
    return made


def task(number: int, text: str) -> tuple[TaskId, dict[str, Any]]:
    """The text, and what stands for it where embedders read something else: a vector, and a picture."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4], "big"))
    data = {"text": text, "vector": rng.normal(size=8).tolist()}
    file = BytesIO()
    Image.fromarray(rng.integers(0, 255, (4, 4, 3), dtype=np.uint8)).resize((48, 32)).save(file, "PNG")
    return TaskId(number), {**data, "image": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"}


def embed_tasks(embedder: Embedder, tasks: list[tuple[TaskId, dict[str, Any]]]) -> Embedded:
    field = "image" if embedder.reads == "image" else "text"
    return embedder.embed_tasks(tasks, field, media=media_of_nobody())


def vectors(embedder: Embedder, texts: list[str]) -> Floats:
    embedded = embed_tasks(embedder, [task(number, text) for number, text in enumerate(texts, 1)])
    assert not embedded.problems
    return embedded.vectors


def test_vectors_are_float32_rows_of_length_one_in_the_order_of_the_tasks(embedder: Embedder) -> None:
    found = vectors(embedder, TEXTS)
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), embedder.dim)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    turned = vectors(embedder, TEXTS[::-1])
    np.testing.assert_allclose(turned[::-1], found, atol=1e-5)


def test_the_same_batch_gives_the_same_bits(embedder: Embedder) -> None:
    assert vectors(embedder, TEXTS).tobytes() == vectors(embedder, TEXTS).tobytes()


def test_a_second_one_of_its_kind_gives_the_same_bits(embedder: Embedder) -> None:
    again = make(embedder.name.partition(":")[0])
    assert vectors(again, TEXTS[:3]).tobytes() == vectors(embedder, TEXTS[:3]).tobytes()


def test_what_stands_beside_a_text_does_not_matter(embedder: Embedder) -> None:
    together = vectors(embedder, TEXTS)
    alone = np.concatenate([vectors(embedder, [text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_equal_content_has_equal_vectors_and_digests(embedder: Embedder) -> None:
    embedded = embed_tasks(embedder, [task(7, TEXTS[0]), task(3, TEXTS[1]), task(9, TEXTS[0])])
    assert embedded.vectors[0].tobytes() == embedded.vectors[2].tobytes()
    assert embedded.digests[0] == embedded.digests[2] != embedded.digests[1]
    assert all(len(digest) == 16 for digest in embedded.digests)


def test_parts_of_a_picture_are_embedded_as_pictures_are(embedder: Embedder) -> None:
    if not isinstance(embedder, ImageEmbedder):
        pytest.skip("it embeds no pictures")
    (number, data), file = task(1, TEXTS[0]), BytesIO()
    raw = base64.b64decode(data["image"].partition(",")[2])
    with Image.open(BytesIO(raw)) as whole:
        whole.crop((12, 8, 36, 24)).save(file, "PNG")
    middle = (number, {"image": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"})
    every, part, none = embedder.parts(raw, [(0, 0, 1, 1), (0.25, 0.25, 0.75, 0.75), (0.5, 0.5, 0.5, 0.5)])
    assert every is not None
    assert part is not None
    assert none is None
    found = embedder.embed_pictures(np.stack([every, part]))
    wanted = [embed_tasks(embedder, [one]).vectors[0] for one in ((number, data), middle)]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_nothing_gives_nothing(embedder: Embedder) -> None:
    embedded = embed_tasks(embedder, [])
    assert embedded.vectors.shape == embedder.embed([]).shape == (0, embedder.dim)
    assert embedded.vectors.dtype == embedder.embed([]).dtype == np.float32
    assert (embedded.ok, embedded.digests, dict(embedded.problems)) == ((), (), {})


def test_one_bad_task_is_named_and_spoils_no_other(embedder: Embedder) -> None:
    good, empty = task(1, TEXTS[0]), (TaskId(2), {"text": "  ", "image": " ", "vector": []})
    missing, wrong = (TaskId(3), {"other": "x"}), (TaskId(4), {"text": ["a"], "image": ["a"], "vector": "a"})
    embedded = embed_tasks(embedder, [empty, good, missing, wrong, task(5, TEXTS[1])])
    assert embedded.ok == (1, 4)
    np.testing.assert_allclose(embedded.vectors, vectors(embedder, TEXTS[:2]), atol=1e-5)
    assert set(embedded.problems) == {2, 3, 4}
    assert all("field" in reason for reason in embedded.problems.values())


def test_bad_tasks_alone_give_no_vectors(embedder: Embedder) -> None:
    embedded = embed_tasks(embedder, [(TaskId(1), {})])
    assert embedded.vectors.shape == (0, embedder.dim)
    assert set(embedded.problems) == {1}


def test_threads_may_share_it(embedder: Embedder) -> None:
    wanted = vectors(embedder, TEXTS[:3]).tobytes()
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(vectors(embedder, TEXTS[:3]).tobytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 4


def test_what_it_learned_survives_a_restart(embedder: Embedder, tmp_path: Path) -> None:
    fresh = embedders.create(embedder.name)
    if embedder.needs_fit:
        with pytest.raises(ConfigError, match="learned"):
            fresh.prepare(tmp_path)
    texts = ["red apples", "green apples and pears"]
    fresh.prepare(tmp_path, lambda: texts)
    again = embedders.create(embedder.name)
    again.prepare(tmp_path)
    assert vectors(again, texts).tobytes() == vectors(fresh, texts).tobytes()


class Counting(Embedder):
    """The smallest embedder for text: its vector says how long the text is."""

    name = "counting"
    dim = 2

    def __init__(self, wrong: Floats | None = None) -> None:
        self.asked: list[list[str]] = []
        self._wrong = wrong

    def embed(self, texts: Any) -> Floats:
        self.asked.append(list(texts))
        angles = np.array([len(text) for text in texts])
        rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        return rows if self._wrong is None else self._wrong


def test_identical_text_is_embedded_once_and_known_text_not_at_all() -> None:
    embedder = Counting()
    kept = {digest_of("old"): np.array([0, 1], dtype=np.float32)}
    tasks = [task(number, text) for number, text in enumerate(["new", "old", "new", "other"], 1)]
    embedded = embedder.embed_tasks(tasks, "text", known=kept.get)
    assert embedder.asked == [["new", "other"]]
    assert embedded.vectors[1].tolist() == [0, 1]
    assert embedded.vectors[0].tolist() == embedded.vectors[2].tolist() != embedded.vectors[3].tolist()


def test_an_embedder_that_gives_nonsense_is_named() -> None:
    tasks = [task(1, "a"), task(2, "bc")]
    with pytest.raises(ConfigError, match=r"counting.*\(2, 3\)"):
        Counting(np.ones((2, 3), dtype=np.float32)).embed_tasks(tasks, "text")
    embedded = Counting(np.array([[np.nan, 0], [0, 1]], dtype=np.float32)).embed_tasks(tasks, "text")
    assert embedded.ok == (1,)
    assert "not finite" in embedded.problems[TaskId(1)]
