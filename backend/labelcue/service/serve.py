"""The service under waitress: listens, answers, and ends calmly.

On SIGTERM it stops listening, finishes the requests that have come, and returns: an acknowledged event is on disk,
and a request that was accepted gets its answer.
"""

from __future__ import annotations

import gc
import json
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import structlog
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from labelcue import logs
from labelcue.alarms import addresses
from labelcue.errors import ConfigError
from labelcue.service.app import EXTENSION, create_app
from labelcue.service.failing import envelope
from labelcue.service.watching import Watch
from labelcue.settings import Settings
from labelcue.supervisor import end_with_supervisor, stop_on_signals

log = structlog.get_logger(__name__)
DRAIN_S = 9.0
"""Seconds that requests in flight may take after SIGTERM."""
BACKLOG_ROUNDS = 64
"""Connections that waited to be accepted when SIGTERM came, one a round."""
_CODES = {400: "bad_request", 413: "too_large", 431: "headers_too_large", 501: "not_implemented"}


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What waitress refuses before the app sees it, in the app's envelope."""

    def execute(self) -> None:
        """Answer and close."""
        error = self.request.error
        code = _CODES.get(error.code, "internal")
        body = json.dumps(envelope(code, f"{error.reason}.", "Send a whole and plain HTTP request within the limits."))
        log.warning("request refused", status=error.code, error=code)
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body.encode())


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    error_task_class = _Refusal


class Server:
    """One listening service. `run` blocks until `stop`, which any thread or signal handler may call."""

    def __init__(self, settings: Settings) -> None:
        """Listens from here on; raises ConfigError where the address cannot be taken, or secrets are missing."""
        self.app = create_app(settings)
        listening = _listen(settings.host, settings.port)
        self._stopping = False
        self._server: Any = create_server(
            self.app,
            sockets=[listening],
            threads=settings.threads,
            ident="",
            max_request_body_size=math.ceil(settings.max_body_mb * 1e6) + 1,
            max_request_header_size=65536,
            connection_limit=500,
            channel_timeout=60,
            log_socket_errors=False,
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = _Channel
        host, self.port = listening.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def open(self) -> None:
        """Open the ledger before the first event needs it; raises ConfigError, StoreError, Corrupt."""
        self.app.extensions[EXTENSION].ledger.projects()

    def warm(self) -> None:
        """Begin what the first requests would wait for, annotators' first, on one thread: events come meanwhile."""
        self.app.extensions[EXTENSION].behind("warm", self._warming())

    def _warming(self) -> Iterator[None]:
        for warm in self.app.extensions["labelcue.warm"]:
            yield from warm()
        gc.freeze()  # What was read stays: walking it all would stop every request, half a second at 100,000 tasks.

    def run(self) -> None:
        """Serve until `stop`, then drain."""
        while not self._stopping:
            wasyncore.poll2(1.0, self._server._map)
        self._drain()

    def stop(self) -> None:
        """Ask `run` to drain and return."""
        self._stopping = True
        with suppress(OSError):  # `run` may have ended meanwhile, and the trigger with it
            self._server.pull_trigger()

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_S
        server, channels = self._server, self._server._map
        for _ in range(BACKLOG_ROUNDS):
            wasyncore.poll2(0.0, channels)
        wasyncore.dispatcher.close(server)
        while (busy := self._busy()) and time.monotonic() < deadline:
            wasyncore.poll2(0.05, channels)
        if busy:
            log.warning("requests were cut off", count=busy)
        server.task_dispatcher.shutdown(timeout=max(0.1, deadline - time.monotonic()))
        wasyncore.close_all(channels, ignore_all=True)
        self.app.extensions[EXTENSION].close()

    def _busy(self) -> int:
        """Connections with a request that has begun to come, is being answered, or whose answer is not sent yet."""
        open_channels = list(self._server.active_channels.values())
        return sum(bool(one.requests or one.request is not None or one.total_outbufs_len) for one in open_channels)


def serve(settings: Settings, ready: Callable[[str], None] | None = None) -> int:
    """Run the service until SIGTERM or SIGINT; the exit status. `ready` gets its address once it listens.

    Raises ConfigError where it cannot start at all, StoreError and Corrupt where its ledger cannot be used.
    """
    logs.configure(settings)
    receivers = addresses(settings)
    server = Server(settings)
    server.open()
    if threading.current_thread() is threading.main_thread():
        stop_on_signals(_Stop(server))
    end_with_supervisor(server.stop)
    server.warm()
    log.info("service listens", url=server.url, threads=settings.threads)
    watch = Watch(server.app.extensions[EXTENSION], receivers)
    watch.start()
    if settings.insecure:
        log.warning("anybody may call this service: it runs insecure", url=server.url)
    if ready is not None:
        ready(server.url)
    server.run()
    watch.stop()
    whole = server.app.extensions[EXTENSION].close()  # the watch may have opened the ledger again
    log.info("service ended")
    if not whole and threading.current_thread() is threading.main_thread():
        os._exit(
            0
        )  # All is stored. A thread that is in the middle of C code may crash an interpreter that ends itself.
    return 0


class _Stop(threading.Event):
    """Lets `stop_on_signals` stop a server."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._stop_server = server.stop

    def set(self) -> None:
        """Stop it. Nothing here takes a lock that the interrupted thread may hold."""
        self._stop_server()


def _listen(host: str, port: int) -> socket.socket:
    try:
        # IPv4 first where a name has both: it is what Label Studio's own addresses are.
        found = sorted(socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE))
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"There is no address {host!r} to listen on: {error.strerror}.", "Set --host.") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"The service cannot listen on {host}:{port}: {error.strerror}.",
            "Stop what has the port, or choose another one with --port (0 takes a free one).",
        ) from error
    return listening
