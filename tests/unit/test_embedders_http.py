"""http and openai: embedders that are servers, with whatever they answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcue.embedders import Embedder, embedders, unit
from labelcue.errors import ConfigError, OutsideDown, OutsideError
from labelcue.types import TaskId
from serving_vectors import DIM, Vectors, vector_of

TEXTS = ["one", "two", "three"]
FORMS = {"http": "http:{url},dim=8", "openai": "openai:small-3@{url},dim=8"}


@pytest.fixture
def server() -> Iterator[Vectors]:
    serving = Vectors()
    yield serving
    serving.close()


def made(server: Vectors, form: str = "http", more: str = "") -> Any:
    """An embedder of that server which waits for nothing."""
    embedder: Any = embedders.create(FORMS[form].format(url=server.url) + more)
    embedder._caller._wait = lambda seconds: None
    return embedder


@pytest.mark.parametrize("form", FORMS)
def test_vectors_come_in_the_order_of_the_texts_and_of_length_one(server: Vectors, form: str) -> None:
    embedder: Embedder = made(server, form)
    assert (embedder.dim, embedder.reads) == (DIM, "any")
    np.testing.assert_allclose(embedder.embed(TEXTS), unit([vector_of(text) for text in TEXTS]), atol=1e-6)
    assert server.asked[0].get("model") == (None if form == "http" else "small-3")
    assert server.keys == [""]


def test_requests_are_batched_by_number_and_by_length(server: Vectors) -> None:
    made(server, more=",batch=2").embed(TEXTS)
    assert [one["texts"] for one in server.asked] == [["one", "two"], ["three"]]
    server.asked.clear()
    made(server).embed([f"{number}" + "x" * 30_000 for number in range(60)])
    assert [len(one["texts"]) for one in server.asked] == [50, 10]
    assert {len(text) for one in server.asked for text in one["texts"]} == {20_000}


def test_equal_texts_and_those_that_are_known_are_not_asked_for(server: Vectors) -> None:
    tasks = [(TaskId(number), {"text": text}) for number, text in enumerate(["a", "b", "a"], 1)]
    first = made(server).embed_tasks(tasks, "text")
    assert [one["texts"] for one in server.asked] == [["a", "b"]]
    kept = dict(zip(first.digests, first.vectors, strict=True))
    again = made(server).embed_tasks(tasks, "text", known=kept.get)
    assert len(server.asked) == 1
    assert again.vectors.tobytes() == first.vectors.tobytes()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Vectors, status: int) -> None:
    server.fails = [status, status]
    assert made(server).embed(TEXTS).shape == (3, DIM)
    assert len(server.asked) == 3


def test_after_four_tries_it_is_named_and_in_a_hurry_after_one(server: Vectors) -> None:
    server.fails = [503] * 5
    embedder = made(server)
    with pytest.raises(OutsideDown, match="answers 503"):
        embedder.embed(TEXTS)
    assert len(server.asked) == 4
    embedder.patience = 30.0
    with pytest.raises(OutsideDown):
        embedder.embed(TEXTS)
    assert len(server.asked) == 5


def test_a_long_wait_that_is_asked_for_is_left_to_the_learner(server: Vectors) -> None:
    server.fails, server.headers = [429], {"Retry-After": "3600"}
    with pytest.raises(OutsideDown) as down:
        made(server).embed(TEXTS)
    assert down.value.retry_after == 3600
    assert len(server.asked) == 1


def test_nobody_there(server: Vectors) -> None:
    embedder = made(server)
    server.close()
    with pytest.raises(OutsideDown, match="cannot be reached"):
        embedder.embed(TEXTS)


@pytest.mark.parametrize("status", [400, 401, 404, 301])
def test_a_refusal_is_not_repeated(server: Vectors, status: int) -> None:
    server.fails, server.headers = [status], {"Location": "http://127.0.0.1:1/"}
    with pytest.raises(OutsideError, match=str(status)):
        made(server).embed(TEXTS)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<html>", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "vectors"),
        (b'{"vectors": 3}', "vectors"),
        (json.dumps({"vectors": [[1.0] * DIM]}).encode(), r"\(1, 8\) for 3"),
        (json.dumps({"vectors": [[1.0] * DIM, [1.0], [1.0] * DIM]}).encode(), "one length"),
        (json.dumps({"vectors": [["a"] * DIM] * 3}).encode(), "one length"),
        (json.dumps({"vectors": [None] * 3}).encode(), "shape"),
    ],
)
def test_nonsense_is_named(server: Vectors, answer: bytes, reason: str) -> None:
    server.answers = answer
    with pytest.raises(OutsideError, match=reason):
        made(server).embed(TEXTS)


@pytest.mark.parametrize(
    "data", [[], [{"index": 0, "embedding": [1.0] * DIM}] * 3, [1, 2, 3], [{"index": True}] * 3, [{"embedding": 1}] * 3]
)
def test_embeddings_that_are_missing_or_doubled_are_named(server: Vectors, data: object) -> None:
    server.answers = json.dumps({"data": data}).encode()
    with pytest.raises(OutsideError, match="answers"):
        made(server, "openai").embed(TEXTS)


def test_other_dimensions_are_named_with_what_to_connect_with(server: Vectors) -> None:
    server.answers = json.dumps({"vectors": [[1.0] * 5] * 3}).encode()
    with pytest.raises(ConfigError, match="5 dimensions") as wrong:
        made(server).embed(TEXTS)
    assert "dim=5" in wrong.value.remedy


def test_a_vector_that_is_not_finite_spoils_its_task_alone(server: Vectors) -> None:
    server.answers = b'{"vectors": [[1,0,0,0,0,0,0,0], [NaN,0,0,0,0,0,0,0], [0,0,0,0,0,0,0,0]]}'
    found = made(server).embed_tasks([(TaskId(n), {"text": str(n)}) for n in (1, 2, 3)], "text")
    assert found.ok == (0,)
    assert set(found.problems) == {2, 3}


def test_keys_come_from_the_environment_or_a_file_and_are_read_anew(
    server: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_KEY", "sk-one")
    embedder = made(server, more=",key=env:THE_KEY")
    embedder.embed(["a"])
    monkeypatch.setenv("THE_KEY", "sk-two")
    embedder.embed(["a"])
    path = tmp_path / "key"
    path.write_text("ada:secret\nmore\n")
    made(server, more=f",key=file:{path}").embed(["a"])
    assert server.keys == ["Bearer sk-one", "Bearer sk-two", "Basic YWRhOnNlY3JldA=="]
    assert "sk-" not in embedder.name
    monkeypatch.delenv("THE_KEY")
    with pytest.raises(ConfigError, match="env:THE_KEY holds no key"):
        embedder.embed(["a"])
    with pytest.raises(ConfigError, match="cannot be read"):
        made(server, more=f",key=file:{tmp_path / 'none'}").embed(["a"])


@pytest.mark.parametrize(
    "name",
    [
        "http",
        "http:",
        "http:http://host:1/",
        "http:http://host:1/,dim=",
        "http:http://host:1/,dim=0",
        "http:http://host:1/,dim=99999999",
        "http:http://host:1/,dim=8,batch=0",
        "http:http://host:1/,dim=8,colour=red",
        "http:ftp://host/,dim=8",
        "http:file:///etc/passwd,dim=8",
        "http:http://ada:sk-secret@host/,dim=8",
        "http:http://host/?key=sk-secret,dim=8",
        "http:http://host/,dim=8,key=sk-secret",
        "openai:http://host/v1,dim=8",
        "openai:@http://host/v1,dim=8",
        "openai:m@,dim=8",
    ],
)
def test_what_cannot_be_read_is_named_without_a_secret(name: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        embedders.create(name)
    assert wrong.value.remedy
    assert "sk-secret" not in str(wrong.value)
