"""Images from a server into a pool: how fast, with how much memory, when the first queue stands, what a restart costs.

a server's process on loopback ── small pictures, each another ──► fetch → decode → embed → vector file ──► first queue
"""

from __future__ import annotations

import base64
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from rich.console import Console
from rich.progress import Progress

from labelcue.embedders import embedders
from labelcue.embedders.efficientnet_lite0 import EfficientNetLite0, build_model, read_weights
from labelcue.embedders.running import cores, open_session
from labelcue.ingest import Ingest
from labelcue.labelstudio.config import parse_config
from labelcue.media.cache import Cache
from labelcue.media.fetching import Fetcher, Limits
from labelcue.media.origins import Gate
from labelcue.media.reading import Media
from labelcue.pool.vectors import VectorFile
from labelcue.processes import learning
from labelcue.queueing.settings import QueueSettings
from labelcue.rounds import Rounds
from labelcue.settings import load_settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.types import Event, Kind, TaskId

PROJECT, HOLDER, EMBEDDER = 1, "bench", "efficientnet-lite0"
XML = (
    '<View><Image name="image" value="$image"/><Choices name="kind" toName="image"><Choice value="a"/>'
    '<Choice value="b"/></Choices></View>'
)
WARM = 2_000
"""Images after which the memory is looked at first: model, libraries and buffers are there by then."""
CHUNK = 500
TWICE = "/twice"
"""Where the server says how many pictures it was asked for again."""


TURNS = 3
"""Of the bare model and of the embedder; the best of each counts."""
PLAIN = 4
"""Pictures of one run of the bare model, on every core: with more it is slower, as they leave the caches."""


def run(images: int) -> dict[str, float]:
    """`first_queue_s`: from the first look at the tasks to a queue on disk, of the first images. `all_s`: until the
    last image has its row; `images_per_s`, with the server on the same cores. `warm_mb`, `peak_mb`: memory of this
    process after 2,000 images and at most. `asked_twice`: images that were fetched again after a restart in the middle.

    `model_per_s`: a plain loop over the model on pixels in memory, on every core; `embed_per_s`: the embedder on files
    in memory, read and scaled; `rate` the one over the other.
    """
    with (
        learning(),
        tempfile.TemporaryDirectory(prefix="labelcue-bench-") as folder,
        _serving() as url,
        Progress(console=Console(stderr=True)) as bars,
    ):
        bar = bars.add_task("images", total=images)
        house = _House(Path(folder), url, images)
        began = time.perf_counter()
        first = house.first_queue()
        warm = house.embed(min(WARM, images), lambda done: bars.update(bar, completed=done))
        house.embed(images // 2, lambda done: bars.update(bar, completed=done))
        house.restart()
        peak = house.embed(images, lambda done: bars.update(bar, completed=done))
        seconds = time.perf_counter() - began
        bare, embedded = _rates(min(images, 512), house.media)
        house.close()
        return {
            "images": images,
            "first_queue_s": round(first, 2),
            "all_s": round(seconds, 1),
            "images_per_s": round(images / seconds, 1),
            "model_per_s": round(bare, 1),
            "embed_per_s": round(embedded, 1),
            "rate": round(embedded / bare, 3),
            "warm_mb": round(warm, 1),
            "peak_mb": round(peak, 1),
            "asked_twice": float(httpx.get(url.join(TWICE)).text),
        }


class _House:
    """A ledger of tasks with addresses, and what the learner's thread does with them."""

    def __init__(self, folder: Path, url: httpx.URL, images: int) -> None:
        self._folder, self._url = folder, url
        self._ledger: Ledger = open_ledger(load_settings({"home": folder}).store_url)
        self._ledger.append([Event(PROJECT, Kind.LABEL_CONFIG, "config", {"label_config": XML, "updated_at": ""})])
        for start in range(1, images + 1, CHUNK):
            self._ledger.append([_task(number) for number in range(start, min(start + CHUNK, images + 1))])
        self._positions = {
            TaskId(event.body["task"]): event.position for event in self._ledger.read(PROJECT, kinds=(Kind.TASK,))
        }
        self._begin()

    def restart(self) -> None:
        """As a new process finds it; the kept files are not kept, so that an image that is asked for again is seen."""
        self.media.close()
        self._begin()

    def _begin(self) -> None:
        self._vectors = VectorFile(self._folder / "vectors", EfficientNetLite0().dim, embedder=EMBEDDER)
        fetcher = Fetcher(self._url, Gate(self._url, ()), _Nobody(), Limits(1_000_000, 60.0))
        self.media = Media(self._url, fetcher, Cache(self._folder / "media", 0), most=1_000_000, parallel=8)
        self._ingest = Ingest(
            self._ledger,
            self._vectors,
            lambda: embedders.create(EMBEDDER),
            parse_config(XML),
            self._folder / "vectors",
            self.media,
        )
        self._ingest.offer(self._positions)

    def close(self) -> None:
        """Let go of the connections and of the ledger."""
        self.media.close()
        self._ledger.close()

    def first_queue(self) -> float:
        """Seconds to the first queue on disk."""
        began = time.perf_counter()
        self._ingest.step()
        rounds = Rounds(
            self._ledger,
            PROJECT,
            self._vectors,
            self._folder / "round.safetensors",
            holder=HOLDER,
            embedder=EMBEDDER,
            base=QueueSettings(),
        )
        self._ledger.acquire(PROJECT, HOLDER, 1e6)
        rounds.resume()
        if rounds.due():
            rounds.run()
        rounds.growing.stop()
        return time.perf_counter() - began

    def embed(self, upto: int, told: Any) -> float:
        """Until so many rows are there; the most memory so far, in MB."""
        while self._vectors.rows < upto and self._ingest.step():
            told(self._vectors.rows)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class _Nobody:
    """Asks without a token."""

    def authorisation(self, *, renew: bool = False) -> dict[str, str]:
        """None."""
        return {}


def _task(number: int) -> Event:
    body = {"task": number, "data": {"image": f"/data/upload/1/{number}.png"}, "updated_at": ""}
    return Event(PROJECT, Kind.TASK, f"task:{number}", body)


def _rates(pictures: int, media: Media) -> tuple[float, float]:
    """Pictures a second of a plain loop over the model, and of the embedder on files."""
    embedder = EfficientNetLite0()
    side = embedder.side
    some = np.random.default_rng(0).integers(0, 255, (pictures, side, side, 3), dtype=np.uint8)
    files = [f"data:image/png;base64,{base64.b64encode(_picture(number)).decode()}" for number in range(pictures)]
    tasks = [(TaskId(number), {"image": file}) for number, file in enumerate(files)]
    model = open_session(build_model(read_weights()), cores())
    bare, whole = [], []
    for _ in range(TURNS):
        began = time.perf_counter()
        for start in range(0, pictures, PLAIN):
            model.run(None, {"input": some[start : start + PLAIN]})
        bare.append(time.perf_counter() - began)
        began = time.perf_counter()
        embedder.embed_tasks(tasks, "image", media=media)
        whole.append(time.perf_counter() - began)
    return pictures / min(bare), pictures / min(whole)


def _picture(number: int) -> bytes:
    """A small picture file, of each number another."""
    from PIL import Image

    file = BytesIO()
    noise = np.random.default_rng(number).integers(0, 255, (24, 32, 3))
    Image.fromarray(noise.astype(np.uint8)).save(file, "PNG", compress_level=1)
    return file.getvalue()


@contextmanager
def _serving() -> Iterator[httpx.URL]:
    """A server of small pictures by their numbers, in a process of its own, as Label Studio is."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield httpx.URL(f"http://127.0.0.1:{ours.recv()}/")
    finally:
        process.terminate()
        process.join()


def _serve(there: Connection) -> None:
    asked: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == TWICE:
                body = str(sum(asked.values()) - len(asked)).encode()
            else:
                asked[self.path] = asked.get(self.path, 0) + 1
                body = _picture(int(self.path.rpartition("/")[2].removesuffix(".png")))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Figures tell enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.send(server.server_port)
    server.serve_forever()
