"""Is the project set so that its queue is served in order?"""

from __future__ import annotations

from collections.abc import Iterator

from labelcue.connect import ours
from labelcue.doctor.finding import Case, Finding
from labelcue.errors import UnsupportedConfig
from labelcue.labelstudio.config import describe, parse_config
from labelcue.labelstudio.filters import where
from labelcue.labelstudio.way import way_of
from labelcue.types import TaskSpec

AGAIN = "Run `labelcue connect` again: it mends this."
VERSIONS = "predictions_model_versions"
LOW = 0.25
"""Of a full frontier; below it, a learner that is at work should have delivered a new one."""


def project_findings(case: Case) -> Iterator[Finding]:
    """Everything about the project's own settings."""
    yield _label_config(case)
    yield _sampling(case)
    yield _title(case)
    yield _frontier(case)
    yield _several(case)
    yield _automatic(case)
    yield _shown(case)
    yield _locks(case)


def _label_config(case: Case) -> Finding:
    remedy = "Keep one control that is learned in the label config; the page on label configs lists them."
    try:
        spec = parse_config(str(case.found["label_config"]))
    except UnsupportedConfig as error:
        return case.judge("label-config", "bad", error.message, error.remedy or remedy)
    learned = [f"{one.from_name!r} with {_what(one)}" for one in spec.parts or (spec,)]
    left = [f"{info.name!r} ({info.tag}): {info.why}" for info in describe(spec.xml) if not info.supported]
    besides = f" Left to the annotators: {'; '.join(left[:10])}." if left else ""
    return case.judge("label-config", "ok", f"LabelCue learns {' and '.join(learned)}.{besides}", remedy)


def _what(spec: TaskSpec) -> str:
    return f"{len(spec.classes)} classes" if spec.classes else "numbers"


def _sampling(case: Case) -> Finding:
    now = case.found.get("sampling")
    what = ("Tasks are served by score.", f"The project serves tasks by {now!r}, not by LabelCue's order.")
    return case.check("sampling", now == ours.SAMPLING, what, AGAIN)


def _title(case: Case) -> Finding:
    """Creating a backend makes its title the project's model version; no prediction has that version: random order."""
    version = case.found.get("model_version")
    titles = {backend["title"] for backend in case.backends}
    what = (
        "The project's model version is no backend's title.",
        f"The project's model version is the title of a backend ({version!r}), so that tasks come in random order.",
    )
    return case.check("title-is-version", version not in titles, what, AGAIN)


def _frontier(case: Case) -> Finding:
    """The predictions under the project's model version: what the next annotators get."""
    remedy = (
        "Let `labelcue serve` run: its learner delivers; `labelcue status` says why it does not. Else connect again."
    )
    version = case.found.get("model_version")
    unlabelled = where("total_annotations", "equal", "Number", 0)
    open_tasks = case.ls.count_tasks(case.project, [unlabelled])
    if not open_tasks:
        return case.judge("frontier", "ok", "Every task has a label: the queue is finished.", remedy)
    if not ours.is_frontier(version):
        what = f"No queue stands in Label Studio (its model version is {version!r}): tasks come in random order."
        return case.judge("frontier", "bad", what, remedy)
    held = case.versions.get(str(version), 0)
    left = min(held, case.ls.count_tasks(case.project, [unlabelled, where(VERSIONS, "contains", "List", [version])]))
    delivered = (case.status.get("delivery") or {}).get("version")
    if not left:
        return case.judge("frontier", "bad", f"The queue {version} is used up: tasks come in random order.", remedy)
    if delivered and delivered != version:
        what = f"The project uses {version}, but the learner delivered {delivered} last."
        return case.judge("frontier", "warn", what, remedy)
    low = left < LOW * min(open_tasks, case.settings.frontier)
    return case.judge("frontier", "warn" if low else "ok", f"The queue {version} holds {left} open tasks.", remedy)


def _several(case: Case) -> Finding:
    """Begun tasks come first in any case; only the plugin, which is asked about only where it matters, orders them."""
    number = int(case.found.get("maximum_annotations") or 1)
    remedy = "Install the plugin, which orders them; or set the annotations per task to 1; or accept that order."
    if number <= 1:
        return case.judge("several-annotators", "ok", "One annotation completes a task.", remedy)
    what = (
        f"{number} annotations complete a task: begun tasks come first, in the plugin's order.",
        f"{number} annotations complete a task: Label Studio then serves begun tasks first, in random order.",
    )
    return case.check("several-annotators", way_of(case.ls, case.project).by_plugin, what, remedy, serious=False)


def _automatic(case: Case) -> Finding:
    on = bool(case.found.get("evaluate_predictions_automatically"))
    what = (
        "Opening the Data Manager asks for no predictions.",
        "Every page of the Data Manager asks LabelCue for predictions and stores them, which makes it slow.",
    )
    remedy = "Switch off automatic predictions (evaluate_predictions_automatically) in the project's settings."
    return case.check("automatic-predictions", not on, what, remedy, serious=False)


def _shown(case: Case) -> Finding:
    """Predictions that are to be hidden but are shown are named by annotations, and gone when these are submitted."""
    delivery, shown = case.status.get("delivery") or {}, bool(case.found.get("show_collab_predictions"))
    wanted = bool(delivery.get("shown", case.connection.pre_annotation != "off"))
    trouble = (
        "Predicted labels are to be shown, but the project hides predictions from annotators."
        if wanted
        else "No predicted labels are to be shown, but the project shows predictions: where one is replaced while a "
        "task is open, Label Studio refuses that task's annotation."
    )
    what = f"Predicted labels are {'shown' if wanted else 'hidden'}, as they are to be.", trouble
    remedy = "Wait for the next frontier, which sets 'Use predictions to prelabel tasks' (Settings, Annotation) right."
    return case.check("shown-predictions", shown == wanted, what, remedy, serious=False)


def _locks(case: Case) -> Finding:
    """Label Studio shows neither the setting nor a lock's end, so that this can only be advice."""
    remedy = "Start Label Studio with TASK_LOCK_TTL=3600 (seconds)."
    what = (
        "Advice, since it cannot be read from outside: an opened task is kept for its annotator for a day unless Label "
        "Studio runs with TASK_LOCK_TTL, as 3600; until then a browser that was left open keeps the best task."
    )
    return case.judge("task-locks", "ok", what, remedy)
