"""The only file that calls Label Studio.

Answers are Label Studio's own JSON, unchanged: events are keyed by its exact `updated_at` strings, which the typed
models of label-studio-sdk would turn into datetimes. The SDK is used for the tokens, in `transport.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import httpx

from labelcue.errors import ProjectGone
from labelcue.labelstudio import answers
from labelcue.labelstudio.administration import BULK_TIMEOUT, Administration
from labelcue.labelstudio.filters import all_of, where
from labelcue.labelstudio.transport import Object, Transport

PAGE = 500


class LabelStudio(Administration):
    """One Label Studio as one user sees it. Safe to use from several threads.

    Every method raises LabelStudioDown (no answer, a time-out, 429 or 5xx; `retry_after` in seconds where it was said),
    LabelStudioRefused (the token is not accepted), ProjectGone or LabelStudioError (the rest, in Label Studio's words).
    What is safe to repeat is tried three times; a POST that may have been carried out is never repeated.
    """

    def __init__(
        self,
        url: str,
        token: str,
        timeout: float = 30,
        *,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wire = Transport(url, token, timeout, transport, wait)
        self.url = self._wire.url
        """The address, with one slash at its end."""

    def close(self) -> None:
        """Let go of every connection."""
        self._wire.close()

    def authorisation(self, *, renew: bool = False) -> dict[str, str]:
        """The header that proves who asks, for what is fetched elsewhere; `renew` after an access token was refused."""
        return self._wire.authorisation(renew=renew)

    # Who and what

    def whoami(self) -> Object:
        """The user whose token this is."""
        return self._wire.fetch("GET", "api/current-user/whoami")

    def version(self) -> str:
        """Label Studio's release, as `1.23.2`."""
        return str(self._wire.fetch("GET", "api/version/").get("release", ""))

    def plugin(self, project: int) -> Object | None:
        """What the plugin inside Label Studio says of itself and of a project; None where there is no plugin."""
        answer = self._wire.send("GET", "api/labelcue/status", params={"project": project}, absent=True)
        return None if answer is None else answers.as_object(answer)

    # Projects

    def projects(self) -> list[Object]:
        """Every project that the user sees, ascending by id."""
        found: list[Object] = []
        for page in count(1):
            answer = self._wire.fetch(
                "GET", "api/projects/", params={"page": page, "page_size": PAGE, "ordering": "id"}
            )
            found += answer.get("results", [])
            if not answer.get("next"):
                break
        return sorted(found, key=lambda project: int(project["id"]))

    def project(self, project: int) -> Object:
        """One project with its settings and counters."""
        return self._wire.fetch("GET", f"api/projects/{project}/")

    def create_project(self, title: str, label_config: str, **fields: Any) -> Object:
        """A new project; the title needs three characters."""
        return self._wire.fetch("POST", "api/projects/", body={"title": title, "label_config": label_config, **fields})

    def update_project(self, project: int, **fields: Any) -> Object:
        """Change settings; Label Studio sends PROJECT_UPDATED to webhooks, ours too."""
        return self._wire.fetch("PATCH", f"api/projects/{project}/", body=fields)

    def delete_project(self, project: int) -> bool:
        """Delete it with all its tasks; False where it was gone already."""
        try:
            return self._wire.remove(f"api/projects/{project}/", timeout=BULK_TIMEOUT)
        except ProjectGone:
            return False

    # Tasks

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> list[int]:
        """Add tasks, as `{"data": {...}}` or the bare data; their ids in the same order, empty where none are said."""
        answer = self._wire.fetch(
            "POST",
            f"api/projects/{project}/import",
            params={"return_task_ids": "true"},
            body=list(tasks),
            timeout=BULK_TIMEOUT,
        )
        return [int(task) for task in answer.get("task_ids") or []]

    def task_ids(self, project: int) -> Iterator[int]:
        """Every task's id, ascending."""
        for page in self.tasks(project, page_size=5000, include=("id",)):
            yield from (int(task["id"]) for task in page)

    def tasks(
        self,
        project: int,
        *,
        after: int = 0,
        page_size: int = PAGE,
        fields: str = "task_only",
        include: Sequence[str] = (),
        only: Sequence[Mapping[str, Any]] = (),
    ) -> Iterator[list[Object]]:
        """Pages of tasks, ascending by id from above `after`, so that none is missed while others come and go.

        `fields` is `task_only` or `all` (with annotations and predictions); `include` keeps only these keys; `only`
        holds Data Manager filters, all of which must match.
        """
        while True:
            query = {"filters": all_of([*only, where("id", "greater", "Number", after)]), "ordering": ["tasks:id"]}
            page = self._task_page(project, query, page_size, fields, include)
            if page:
                yield page
            if len(page) < page_size:
                return
            after = int(page[-1]["id"])

    def count_tasks(self, project: int, only: Sequence[Mapping[str, Any]] = ()) -> int:
        """How many tasks match all these Data Manager filters (see `filters.where`)."""
        query = {"filters": all_of(only)}
        return int(self._task_answer(project, query, 1, "task_only", ("id",), page=1).get("total", 0))

    def task(self, task: int) -> Object | None:
        """One task with its annotations and predictions; None where it is gone."""
        answer = self._wire.send("GET", f"api/tasks/{task}/", params={"resolve_uri": "false"}, gone=True)
        return None if answer is None else answers.as_object(answer)

    def annotated_tasks(self, project: int) -> Iterator[Object]:
        """Tasks that have an annotation or were skipped, with their annotations, ascending by id in two runs."""
        annotated = where("total_annotations", "greater", "Number", 0)
        skipped = where("cancelled_annotations", "greater", "Number", 0)
        unannotated = where("total_annotations", "equal", "Number", 0)
        for only in ([annotated], [skipped, unannotated]):
            for page in self.tasks(project, page_size=100, fields="all", only=only):
                yield from page

    def next_task(self, project: int) -> Object | None:
        """The task that Label Studio would open for the user, locked for him; None where the queue is finished."""
        answer = self._wire.send("GET", f"api/projects/{project}/next/", gone=True)
        return None if answer is None else answers.as_object(answer)

    def delete_tasks(self, project: int, tasks: Sequence[int]) -> None:
        """Delete tasks and everything on them; unknown ids are passed over."""
        if tasks:
            self._action(project, "delete_tasks", {"all": False, "included": list(tasks)})

    def ask_again(self, project: int, tasks: Sequence[int]) -> None:
        """Let one more annotator label each of these labelled tasks; only the plugin knows the action."""
        self._action(project, "labelcue_second_opinion", {"all": False, "included": list(tasks)})

    # Annotations

    def annotate(
        self,
        task: int,
        result: Sequence[Mapping[str, Any]],
        lead_time: float | None = None,
        was_cancelled: bool = False,
    ) -> Object:
        """Submit an annotation as the user, or skip the task."""
        body = {"result": list(result), "lead_time": lead_time, "was_cancelled": was_cancelled}
        return self._wire.fetch("POST", f"api/tasks/{task}/annotations/", body=body)

    def update_annotation(self, annotation: int, result: Sequence[Mapping[str, Any]]) -> Object:
        """Replace an annotation's result."""
        return self._wire.fetch("PATCH", f"api/annotations/{annotation}/", body={"result": list(result)})

    def delete_annotation(self, annotation: int) -> bool:
        """Delete an annotation; False where it was gone already."""
        return self._wire.remove(f"api/annotations/{annotation}/")

    # Predictions

    def import_predictions(self, project: int, predictions: Sequence[Mapping[str, Any]]) -> int:
        """Add predictions `{"task", "result", "score", "model_version"}`; how many were stored."""
        answer = self._wire.fetch(
            "POST", f"api/projects/{project}/import/predictions", body=list(predictions), timeout=BULK_TIMEOUT
        )
        return int(answer.get("created", 0))

    def model_versions(self, project: int) -> dict[str, int]:
        """How many predictions the project holds of each model version."""
        counts = self._wire.fetch("GET", f"api/projects/{project}/model-versions/")
        return {str(name): int(number) for name, number in counts.items()}

    def delete_predictions(self, project: int, version: str) -> None:
        """Delete every prediction of one version."""
        path = f"api/projects/{project}/model-versions/"
        self._wire.send("DELETE", path, body={"model_version": version}, timeout=BULK_TIMEOUT)

    def retrieve_predictions(self, project: int) -> Object:
        """Ask the project's backend for a prediction of every task, as the Data Manager's action does."""
        return self._action(project, "retrieve_tasks_predictions", {"all": True, "excluded": []})

    # What reconcile asks

    def annotation(self, annotation: int) -> Object | None:
        """One annotation; None where it is gone."""
        answer = self._wire.send("GET", f"api/annotations/{annotation}/", gone=True)
        return None if answer is None else answers.as_object(answer)

    def last_changed(self, project: int, since: str | None, limit: int, include: Sequence[str]) -> list[Object]:
        """At most `limit` tasks that changed at `since` (ISO 8601, UTC) or later, the last first; only these keys."""
        only = [] if since is None else [where("updated_at", "greater_or_equal", "Datetime", since)]
        query = {"filters": all_of(only), "ordering": ["-tasks:updated_at"]}
        return self._task_page(project, query, limit, "task_only", include)

    def tasks_of(self, project: int, tasks: Sequence[int], include: Sequence[str]) -> list[Object]:
        """Those of `tasks` (a few hundred ids) that exist, ascending by id, with these keys only; read in one piece."""
        query = {"filters": all_of([where("id", "in_list", "List", list(tasks))]), "ordering": ["tasks:id"]}
        return self._task_page(project, query, len(tasks) + 1, "all", include)

    # How a request is made

    def _task_page(
        self, project: int, query: Object, page_size: int, fields: str, include: Sequence[str], *, page: int = 1
    ) -> list[Object]:
        return list(self._task_answer(project, query, page_size, fields, include, page=page).get("tasks", []))

    def _task_answer(
        self, project: int, query: Object, page_size: int, fields: str, include: Sequence[str], *, page: int
    ) -> Object:
        params = {
            "project": project,
            "page": page,
            "page_size": page_size,
            "fields": fields,
            "resolve_uri": "false",
            "query": json.dumps(query),
            **({"include": ",".join(include)} if include else {}),
        }
        answer = self._wire.send("GET", "api/tasks/", params=params, gone=page > 1)
        return {} if answer is None else answers.as_object(answer)

    def _action(self, project: int, name: str, selected: Object) -> Object:
        params = {"id": name, "project": project}
        return self._wire.fetch(
            "POST", "api/dm/actions/", params=params, body={"selectedItems": selected}, timeout=BULK_TIMEOUT
        )
