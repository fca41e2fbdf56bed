"""Every route of the service: who may call it, with what, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from labelcue.service import asked, export_shapes, settings_shapes, shapes

BACKEND = [{"basic": list[str]()}]
WEBHOOK = [{"webhookSecret": list[str]()}, {"basic": list[str]()}]
API = [{"basic": list[str]()}, {"bearer": list[str]()}]
OPEN: list[dict[str, list[str]]] = []


@dataclass(frozen=True)
class Route:
    """One route as the description tells it."""

    method: str
    path: str
    summary: str
    security: list[dict[str, list[str]]]
    answer: type[BaseModel] | None = None
    """None: not one of our shapes."""
    body: dict[str, Any] | None = None
    status: int = 200
    errors: dict[int, str] = field(default_factory=dict)
    media: str = "application/json"
    later: bool = False
    """Whether it may also answer 202, in the same shape."""
    queries: tuple[dict[str, Any], ...] = ()


_UNKNOWN = {404: "The project is not connected, or there is no such task."}
_BUSY = {503: "Nothing was stored; try again."}
_FASTER = {409: "Somebody else saved meanwhile; the message says who and what."}
ROUTES = (
    Route("get", "/health", "The service is up. Constant time.", OPEN, shapes.Health),
    Route(
        "post",
        "/setup",
        "The version of the project's model.",
        BACKEND,
        shapes.Setup,
        asked.SETUP,
        errors={422: "The label config has nothing that LabelCue can learn."},
    ),
    Route("get", "/versions", "The present versions.", BACKEND, shapes.Versions),
    Route("post", "/predict", "One prediction a task, in order.", BACKEND, shapes.Predictions, asked.PREDICT),
    Route(
        "post",
        "/webhook",
        "Store what Label Studio tells; answered when it is on disk.",
        WEBHOOK,
        shapes.Stored,
        asked.WEBHOOK_BODY,
        errors={404: "The project is not connected.", 503: "Nothing was stored; try again."},
    ),
    Route("get", "/api/projects", "All connected projects.", API, shapes.Projects),
    Route("get", "/api/projects/{project}", "One project's state.", API, shapes.Project, errors=_UNKNOWN),
    Route("get", "/api/projects/{project}/queue", "The queue, next task first.", API, shapes.Queue, errors=_UNKNOWN),
    Route("get", "/api/projects/{project}/tasks/{task}", "One task's standing.", API, shapes.Place, errors=_UNKNOWN),
    Route("get", "/api/projects/{project}/alarms", "What needs a person now.", API, shapes.Alarms, errors=_UNKNOWN),
    Route(
        "post",
        "/api/projects/{project}/reconcile",
        "Look now for what the webhooks missed.",
        API,
        shapes.Asked,
        status=202,
        errors=_UNKNOWN,
    ),
    Route(
        "post",
        "/api/projects/{project}/next",
        "The next tasks for an annotator, without those that others hold.",
        API,
        shapes.Next,
        asked.NEXT,
        errors=_UNKNOWN,
    ),
    Route(
        "post",
        "/api/projects/{project}/leases",
        "A task was handed out to an annotator.",
        API,
        shapes.Lease,
        asked.LEASE,
        errors=_UNKNOWN | _BUSY,
    ),
    Route(
        "delete",
        "/api/projects/{project}/leases/{task}",
        "A lease ends without an annotation.",
        API,
        shapes.Freed,
        errors=_UNKNOWN | _BUSY,
    ),
    Route(
        "post",
        "/api/projects/{project}/actions",
        "What an admin asks for: tasks first, held back, let go of, labelled once more; or everything ranked anew.",
        API,
        shapes.Taken,
        asked.ACTION,
        status=202,
        errors=_UNKNOWN | _BUSY,
    ),
    Route(
        "get",
        "/api/catalogue",
        "The strategies and surrogates that can be chosen.",
        API,
        settings_shapes.Choices,
        errors={404: "The learner has never run."},
    ),
    Route(
        "get",
        "/api/projects/{project}/settings",
        "The settings of the queue, and every version of them.",
        API,
        settings_shapes.SettingsHistory,
        errors=_UNKNOWN,
    ),
    Route(
        "put",
        "/api/projects/{project}/settings",
        "A new version of the settings; the queue follows within a second.",
        API,
        settings_shapes.SavedSettings,
        asked.SETTINGS,
        errors=_UNKNOWN | _FASTER | _BUSY,
    ),
    Route(
        "post",
        "/api/projects/{project}/settings/back",
        "A new version that is as an earlier one was.",
        API,
        settings_shapes.SavedSettings,
        asked.BACK,
        errors=_UNKNOWN | _FASTER | _BUSY,
    ),
    Route(
        "post",
        "/api/projects/{project}/comparisons",
        "The first places of the queue under two settings, side by side; nothing is saved. 202: fetch it later.",
        API,
        settings_shapes.Compared,
        asked.COMPARE,
        errors=_UNKNOWN,
        later=True,
    ),
    Route(
        "get",
        "/api/projects/{project}/comparisons/{comparison}",
        "The same, fetched later; 202 while the learner has not answered.",
        API,
        settings_shapes.Compared,
        errors=_UNKNOWN,
        later=True,
    ),
    Route(
        "get",
        "/api/projects/{project}/audits",
        "How many tasks measure the model.",
        API,
        settings_shapes.Audits,
        errors=_UNKNOWN,
    ),
    Route(
        "post",
        "/api/projects/{project}/audits/retire",
        "Let the model learn from all audits of so far; a new sample begins.",
        API,
        settings_shapes.Retired,
        {"type": "object", "required": ["by"], "properties": {"by": asked.BY}},
        errors=_UNKNOWN | _BUSY,
    ),
    Route(
        "get",
        "/api/projects/{project}/export",
        "A file of labels, disagreements, predictions or drawn tasks; of a named snapshot where one is named.",
        API,
        errors=_UNKNOWN | {400: "There is no such export."},
        queries=(
            asked.choice("what", "labelled", "selected", "disagreements", "predictions"),
            asked.choice("format", "json", "csv", "parquet"),
            asked.text("snapshot", "The name of a snapshot; its labelled set has the same bytes whenever it is asked."),
        ),
    ),
    Route(
        "get",
        "/api/projects/{project}/snapshots",
        "Every named snapshot.",
        API,
        export_shapes.NamedSnapshots,
        errors=_UNKNOWN,
    ),
    Route(
        "post",
        "/api/projects/{project}/snapshots",
        "Name what stands now.",
        API,
        export_shapes.NamedSnapshot,
        asked.NAMED,
        errors=_UNKNOWN | _BUSY | {409: "The name is taken."},
    ),
    Route(
        "get",
        "/api/projects/{project}/snapshots/changes",
        "What became of labels between two snapshots.",
        API,
        export_shapes.Changelog,
        errors=_UNKNOWN,
        queries=(asked.text("before", "A snapshot's name."), asked.text("after", "A snapshot's name; left out: now.")),
    ),
    Route("get", "/metrics", "Counters in Prometheus' text format.", API, media="text/plain"),
    Route("get", "/openapi.json", "This description.", OPEN),
)
