"""A Label Studio that answers what a test has written down, for tests of the client."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from labelcue.labelstudio.client import LabelStudio

TOKEN = "0123456789abcdef0123456789abcdef01234567"
USER = httpx.Response(200, json={"id": 1, "email": "a@example.org"})
Answer = Callable[[httpx.Request], httpx.Response]


class Studio:
    """A Label Studio that answers from a list, the last answer again and again; it keeps what it was asked."""

    def __init__(self, *replies: httpx.Response | Exception | Answer) -> None:
        self.replies = list(replies)
        self.asked: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            return reply(request)
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    def client(self, url: str = "http://studio.example", token: str = TOKEN) -> LabelStudio:
        return LabelStudio(url, token, transport=httpx.MockTransport(self), wait=self.waits.append)
