"""No input gives a server error: every route with what its description allows, and with what it does not."""

from __future__ import annotations

import json
from itertools import count
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from labelcue.service.openapi import description
from paging import Visitor, visitor_of
from servicing import BASIC, HOOK, connect, offer, publish
from soak.entering import API, routes
from soak.proving import Figure, Trial
from soak.shapes import JSON, allowed, recorded, spoilt

BATCH = 250
ALL = {**BASIC, **HOOK}
_LONG = ["", "-1", "1e9", "9" * 400, "../x", "\x00", "\U0001f600", "NaN"]
ODD = st.text(max_size=12) | st.integers().map(str) | st.sampled_from(_LONG)
_PLACES = st.one_of(*[st.sampled_from(["10", "10", "10", "100", "11"])] * 5, ODD)
_FIELDS = ["task", "tasks", "action", "strategy", "field", "value", "page", "name", "share", "version", "from"]
Case = tuple[str, str, dict[str, str], Any]
"""Method, path, query, and a body in bytes or the fields of a form."""


def no_server_errors(trial: Trial) -> Figure:
    """`amount` requests to every operation of the description and every page, some as described, some spoilt."""
    connect(trial.folder)
    publish(trial.folder, list(range(100, 120)))
    offer(trial.folder)
    visitor = visitor_of(trial.folder, predict_embed_s=0.001, max_body_mb=1)
    visitor.log_in()
    cases = st.one_of([*map(_described, _operations()), *_pages(visitor)])
    statuses: dict[int, int] = {}
    bad: list[str] = []
    for number in count():
        left = trial.amount - sum(statuses.values())
        if left <= 0 or bad:
            break
        _batch(visitor, settings(max_examples=min(BATCH, left)), seed(trial.seed + number), cases, statuses, bad)
        trial.tell(sum(statuses.values()))
    said = ", ".join(f"{times:,} x {status}" for status, times in sorted(statuses.items()))
    words = f"{len(bad)} server errors in {sum(statuses.values()):,} requests: {said}"
    return Figure(not bad, "; ".join([words, *bad[:3]]))


def _batch(
    visitor: Visitor, most: Any, seeded: Any, cases: st.SearchStrategy[Case], statuses: dict[int, int], bad: list[str]
) -> None:
    quiet = settings(most, deadline=None, derandomize=False, database=None, phases=[Phase.generate])

    @seeded
    @settings(quiet, suppress_health_check=list(HealthCheck))
    @given(cases)
    def run(case: Case) -> None:
        method, path, query, body = case
        page = isinstance(body, dict)
        data = {"csrf": visitor._token, **body} if page else body
        answer = visitor.client.open(path, method=method, query_string=query, headers={} if page else ALL, data=data)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if answer.status_code >= 500:
            bad.append(f"{method} {path} {query} {str(body)[:300]}: {answer.get_data()[:200]!r}")
        if path == "/logout" or answer.headers.get("Location", "").startswith("/login"):
            visitor.log_in()

    run()


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    paths = description()["paths"]
    return [(method.upper(), path, told) for path, methods in paths.items() for method, told in methods.items()]


def _described(operation: tuple[str, str, dict[str, Any]]) -> st.SearchStrategy[Case]:
    """Requests of one operation: its own shapes, or something else in their place."""
    method, path, told = operation
    parameters = told.get("parameters", [])
    inside = {one["name"]: _PLACES for one in parameters if one["in"] == "path"}
    queries = {one["name"]: _value(one["schema"]) | ODD for one in parameters if one["in"] == "query"}
    body: st.SearchStrategy[Any] = st.just(b"")
    if "requestBody" in told:
        right = allowed(told["requestBody"]["content"]["application/json"]["schema"])
        right = right | recorded() if path == "/webhook" else right
        body = (right | spoilt(right) | JSON).map(lambda made: json.dumps(made).encode()) | st.binary(max_size=60)
    some = st.fixed_dictionaries({}, optional=queries)
    filled = st.fixed_dictionaries(inside).map(lambda where: _filled(path, where))
    return st.tuples(st.just(method), filled, some, body)


def _value(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    return allowed(schema).map(lambda value: value if isinstance(value, str) else json.dumps(value))


def _filled(path: str, where: dict[str, str]) -> str:
    for name, value in where.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def _pages(visitor: Visitor) -> list[st.SearchStrategy[Case]]:
    """Every page with odd queries, every form with odd fields."""
    odd = st.dictionaries(st.sampled_from(_FIELDS) | st.text(max_size=6), ODD, max_size=5)
    pages = [(method, path) for method, path in routes(visitor.client.application) if not path.startswith(API)]
    return [
        st.tuples(st.just(method), st.just(path), odd, odd if method == "POST" else st.just({}))
        for method, path in pages
    ]
