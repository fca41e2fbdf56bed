"""Values that a JSON Schema allows, as far as our own description uses it; and values with something spoilt inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from servicing import XML

PAYLOADS = Path(__file__).parents[1] / "contract" / "payloads"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(XML),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=12) | st.sampled_from(["10", "10.1", XML, "START_TRAINING"]),
    "boolean": st.booleans(),
    "null": st.none(),
    "number": st.floats(allow_nan=False),
}


def allowed(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What the schema allows. Raises KeyError for a type that it does not know, so that no part goes untested."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", [])
    if isinstance(kinds, list):
        return st.one_of([allowed({**schema, "type": kind}) for kind in kinds]) if kinds else JSON
    if kinds == "object":
        inside = {name: allowed(one) for name, one in schema.get("properties", {}).items()}
        needed = {name: inside.pop(name) for name in schema.get("required", [])}
        return st.fixed_dictionaries(needed, optional=inside) if needed or inside else _objects()
    if kinds == "array":
        return st.lists(allowed(schema["items"]), min_size=schema.get("minItems", 0), max_size=6)
    if kinds == "integer":
        return st.integers(schema.get("minimum"), schema.get("maximum")) | st.sampled_from([1, 10, 100, 101])
    return _PLAIN[kinds]


def recorded() -> st.SearchStrategy[Any]:
    """Bodies that a real Label Studio has sent, of our project."""
    bodies = [json.loads(path.read_text()) for path in sorted(PAYLOADS.rglob("*.json"))]
    told = [body for body in bodies if isinstance(body, dict)]
    return st.sampled_from([{**body, "project": {"id": 10, **_project(body)}} for body in told])


def _project(body: dict[str, Any]) -> dict[str, Any]:
    project = body.get("project")
    return {**project, "id": 10} if isinstance(project, dict) else {}


def _objects() -> st.SearchStrategy[Any]:
    """Settings of a queue, or whatever."""
    shares = st.floats(-1, 2) | st.sampled_from([0, 0.05, 1, "x"])
    fields = {
        "strategy": st.sampled_from(["margin", "herding", "random@1", "x", ""]),
        "surrogate": st.sampled_from(["logistic", "graph", "x"]),
        "audit": shares,
        "explore": shares,
        "params": st.dictionaries(st.text(max_size=6), JSON, max_size=3),
    }
    return st.fixed_dictionaries({}, optional=fields) | st.dictionaries(st.text(max_size=8), JSON, max_size=4)


@st.composite
def spoilt(draw: st.DrawFn, whole: st.SearchStrategy[Any]) -> Any:
    """One value somewhere inside is another one, or missing."""
    value = json.loads(json.dumps(draw(whole)))
    node, steps = value, draw(st.integers(0, 4))
    while isinstance(node, (dict, list)) and node:
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if steps == 0 or not isinstance(node[key], (dict, list)) or not node[key]:
            if draw(st.booleans()):
                node[key] = draw(JSON)
            else:
                del node[key]
            return value
        node, steps = node[key], steps - 1
    return draw(JSON)
