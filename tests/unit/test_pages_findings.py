"""Quality, Coverage, Stop? and what the overview says of accuracy: from the learner's report, or the lack of one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from insightful import estimate, report_of, write_map, write_report
from labelcue.errors import BadRequest
from labelcue.service.findings import EMPTY, Findings
from labelcue.service.pages.budget import budget
from labelcue.service.pages.coverage import COLOURED, FIELDS
from labelcue.service.pages.ways import Answer, Ways
from labelcue.store.facets import Facets, write_facets
from labelcue.store.layout import Home
from labelcue.store.snapshot_file import write_snapshot
from labelcue.types import Event, Kind, TaskId
from paging import Visitor, fill, visitor_of
from servicing import connect, offer, publish, service_of, snapshot_of

TASKS = list(range(1, 13))
PAGES = ("", "/quality", "/coverage", "/stopping")


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    connect(tmp_path)
    offer(tmp_path)
    publish(tmp_path, TASKS)
    visitor = visitor_of(tmp_path)
    fill(visitor, {task: f"<script>mail {task}" for task in TASKS}, {1: "pos", 2: "neg"})
    visitor.log_in()
    return visitor


def test_without_a_report_every_page_teaches(visitor: Visitor) -> None:
    said = ("50 more audit labels", "Nothing is suspected", "There is no map yet", "Nothing can be said yet")
    for page, words in zip(PAGES, said, strict=True):
        answer = visitor.get(f"/projects/10{page}")
        assert answer.status_code == 200
        assert words in answer.text


@pytest.mark.parametrize("section", list(EMPTY))
def test_a_report_may_lack_any_section(tmp_path: Path, visitor: Visitor, section: str) -> None:
    report = report_of(TASKS)
    del report[section]
    write_report(tmp_path, report)
    for page in PAGES:
        assert visitor.get(f"/projects/10{page}").status_code == 200
    write_report(tmp_path, {**report, section: EMPTY[section]})
    for page in PAGES:
        assert visitor.get(f"/projects/10{page}").status_code == 200


def test_a_damaged_report_is_named_and_hides_nothing_else(tmp_path: Path, visitor: Visitor) -> None:
    for text in ("no json", "[]", '{"audit": 3}'):
        (tmp_path / "projects" / "10" / "insights.json").write_text(text)
        answer = visitor.get("/projects/10")
        assert answer.status_code == 200
        assert "cannot be understood" in answer.text
    (tmp_path / "projects" / "10" / "insights.npz").write_bytes(b"no map")
    assert "There is no map yet" in visitor.get("/projects/10/coverage").text


def test_a_report_is_read_again_when_it_was_replaced(tmp_path: Path) -> None:
    connect(tmp_path)
    folder, findings = tmp_path / "projects" / "10", Findings()
    assert findings.report(folder)["at"] is None
    write_report(tmp_path, report_of(TASKS))
    first = findings.report(folder)
    assert first["round"] == 41
    assert findings.report(folder) is first
    write_report(tmp_path, {**report_of(TASKS), "round": 142})
    assert findings.report(folder)["round"] == 142


def test_accuracy_comes_with_its_interval_and_the_curve_with_what_random_would_have_needed(
    tmp_path: Path, visitor: Visitor
) -> None:
    write_report(tmp_path, report_of(TASKS))
    text = visitor.get("/projects/10").text
    assert "87.5\u202f%" in text
    assert "80.5\u202f% to 94.5\u202f%" in text
    assert "Random order would have needed about 410 labels" in text
    assert "Assumed: random order" in text


def test_quality_ranks_suspects_and_shows_agreement(tmp_path: Path, visitor: Visitor) -> None:
    write_report(tmp_path, report_of(TASKS))
    text = visitor.get("/projects/10/quality").text
    assert text.index("Task 1<") < text.index("Task 2<")
    assert "&lt;script&gt;mail 1" in text
    assert "Krippendorff" in text
    assert "user 7" in text
    assert "imported" in text
    assert "A second opinion tells more now" in text


def test_pages_tell_of_spans(tmp_path: Path, visitor: Visitor) -> None:
    report = {**report_of(TASKS), "kind": "spans", "measure": "F1 of spans", "curve": EMPTY["curve"]}
    suspect = {"task": 1, "given": -1, "suggested": -1, "belief": 0.02, "copies": 0}
    report["errors"]["suspects"] = [{**suspect, "said": "person 4-11", "better": "no span"}]
    report["audit"] |= {"classes": [], "confusion": [], "sentence": "The model's spans have an F1 of 87.5%."}
    report["audit"]["labels_f1"] = [{"name": "person", "accuracy": estimate(0.7, 0.1), "n": 12}]
    report["agreement"] |= {"alpha": None, "confusion": [], "sentence": "Annotators' spans have an F1 of 80.0%."}
    write_report(tmp_path, report)
    text = visitor.get("/projects/10").text
    assert "F1 of spans" in text
    assert "What earlier models would have marked is not tried again" in text
    quality = visitor.get("/projects/10/quality").text
    for words in ("person 4-11", "no span", "spans have an F1 of 80.0%", "How far apart", "person</th>"):
        assert words in quality
    assert visitor.get("/projects/10/stopping").status_code == 200


def test_coverage_shows_map_slices_and_drift(tmp_path: Path, visitor: Visitor) -> None:
    write_report(tmp_path, report_of(TASKS))
    write_map(tmp_path, TASKS)
    text = visitor.get("/projects/10/coverage").text
    assert '"kind": "map"' in text or '"kind":"map"' in text
    assert "New tasks differ from the old ones" in text
    assert "&lt;i&gt;de&lt;/i&gt;" in text
    assert "less accurate" in text
    peek = visitor.get("/projects/10/coverage/3").json
    assert peek == {"task": 3, "text": "<script>mail 3", "link": "http://127.0.0.1:9/projects/10/data?task=3"}
    assert "not in the ledger" in visitor.get("/projects/10/coverage/99").json["text"]


def test_the_map_is_coloured_by_the_slices_of_a_few_fields(tmp_path: Path, visitor: Visitor) -> None:
    write_map(tmp_path, TASKS)
    facets = Facets()
    for task in TASKS:
        data = {
            "sort": f"v{task}" if task > 2 else "common",
            "hostile": "</script>",
            "rare": "x" if task == 3 else None,
        }
        body = {"task": task, "data": {"text": "t", **data}, "updated_at": "2026-11-21T02:00:00Z"}
        service_of(visitor.client.application).ledger.append([Event(10, Kind.TASK, f"again:{task}", body)])
        facets.observe(TaskId(task), data | {f"z{n}": "x" for n in range(9)})
    facets.observe(TaskId(99), {"sort": "other one", "unseen": "x"})
    facets.observe(TaskId(98), {"sort": "other two"})
    write_facets(Home(tmp_path).facets(10), facets)
    text = visitor.get("/projects/10/coverage").text
    spec = json.loads(text.split('id="pool-data">')[1].split("</script>")[0])
    assert len(spec["slices"]) == FIELDS
    by = {one["field"]: one for one in spec["slices"]}
    assert by["hostile"]["names"] == ["</script>"]
    assert '<option value="slice 0">hostile</option>' in text
    assert by["z0"]["of"] == [-1] * len(TASKS)  # the ledger has it of no task


def test_of_many_slices_the_most_frequent_have_colours(tmp_path: Path, visitor: Visitor) -> None:
    tasks = list(range(1, 41))
    write_map(tmp_path, tasks)
    facets = Facets()
    for task in tasks:
        data = {"text": "t", "sort": "common" if task < 5 else f"v{task}"}
        body = {"task": task, "data": data, "updated_at": "2026-11-21T02:00:00Z"}
        service_of(visitor.client.application).ledger.append([Event(10, Kind.TASK, f"again:{task}", body)])
        facets.observe(TaskId(task), {"sort": data["sort"]})
    write_facets(Home(tmp_path).facets(10), facets)
    text = visitor.get("/projects/10/coverage").text
    [sort] = json.loads(text.split('id="pool-data">')[1].split("</script>")[0])["slices"]
    assert sort["names"][0] == "common"
    assert (len(sort["names"]), sort["others"]) == (COLOURED, True)
    assert sort["of"][:4] == [0] * 4
    assert sort["of"].count(COLOURED) == 40 - 4 - (COLOURED - 1)


def test_what_is_chosen_on_the_map_is_put_first(tmp_path: Path, visitor: Visitor) -> None:
    write_map(tmp_path, TASKS)
    visitor.get("/projects/10/coverage")
    answer = visitor.post("/projects/10/act", action="pin", tasks="3,4,5", back="coverage")
    assert answer.request.path == "/projects/10/coverage"
    assert "3 tasks put first" in answer.text


def test_one_click_gives_a_slice_a_quota(tmp_path: Path, visitor: Visitor) -> None:
    write_report(tmp_path, report_of(TASKS))
    facets = Facets()
    for task, name in enumerate(("<i>de</i>", "fr") * 6, 1):
        facets.observe(TaskId(task), {"language": name, "source": "web"})
    write_facets(Home(tmp_path).facets(10), facets)
    visitor.get("/projects/10/coverage")
    text = visitor.post("/projects/10/coverage/slice", field="language", name="<i>de</i>").text
    assert "gets 20\u202f% of the places, as version 1" in text
    saved = [event for event in service_of(visitor.client.application).ledger.read(10) if event.kind is Kind.SETTINGS]
    assert saved[-1].body["settings"]["slices"] == {"<i>de</i>": 0.2}
    assert saved[-1].body["settings"]["slice_field"] == "language"
    answer = visitor.post("/projects/10/coverage/slice", field="source", name="web")
    assert answer.status_code == 400
    assert "quotas for slices by" in answer.text


def test_stopping_says_what_to_do_and_what_that_rests_on(tmp_path: Path, visitor: Visitor) -> None:
    write_report(tmp_path, report_of(TASKS))
    text = visitor.get("/projects/10/stopping?target=90&price=0,10&currency=EUR").text
    assert "Go on labelling" in text
    assert "A power law through accuracies" in text
    assert "300 (180 to 420)" in text
    assert "30.00 (18.00 to 42.00)" in text
    assert 'value="90"' in visitor.get("/projects/10").text  # asked once, kept for this login


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("80", "there already"),
        ("91", "About 1,500 more labels"),
        ("99", "More labels alone will not do"),
        ("100", "Nobody can say"),
    ],
)
def test_every_target_gets_a_sentence(tmp_path: Path, visitor: Visitor, target: str, said: str) -> None:
    write_report(tmp_path, report_of(TASKS))
    assert said in visitor.get(f"/projects/10?target={target}").text


def test_a_bound_that_nobody_can_give_is_said_so(tmp_path: Path, visitor: Visitor) -> None:
    write_report(tmp_path, report_of(TASKS))
    assert "1,500 (at least 700)" in visitor.get("/projects/10?target=93").text
    assert "48 (at least 30)" in visitor.get("/projects/10/stopping").text


@pytest.mark.parametrize("asked", [{"target": "x"}, {"price": "-1"}, {"target": "101"}, {"price": "nan"}])
def test_nonsense_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        budget(asked, {}, EMPTY["curve"])


def test_a_target_before_there_is_a_curve_costs_nobody_knows_what() -> None:
    asked = budget({"target": "90", "price": "1"}, {}, EMPTY["curve"])
    assert asked.labels is None
    assert asked.money is None
    assert asked.hours is None


def test_hours_follow_from_the_pace() -> None:
    curve = {**report_of(TASKS)["curve"], "rate": {"an_hour": 100.0}}
    asked = budget({"target": "90"}, {}, curve)
    assert asked.labels == estimate(300, 120)
    assert asked.hours == {"value": 3.0, "low": 1.8, "high": pytest.approx(4.2)}


def test_a_suspected_label_goes_to_another_annotator(
    tmp_path: Path, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ways, "of", lambda *_: Answer("by the plugin", by_plugin=True))
    write_report(tmp_path, report_of(TASKS))
    visitor.get("/projects/10/quality")
    answer = visitor.post("/projects/10/act", action="second", tasks="1,2,3", back="quality")
    assert "2 tasks to be labelled by one more annotator. 1 task left out" in answer.text  # nobody has labelled 3
    events = list(service_of(visitor.client.application).ledger.read(10, kinds=(Kind.SECOND_OPINION,)))
    assert [(event.body["task"], event.body["opinions"]) for event in events] == [(1, 2), (2, 2)]
    monkeypatch.setattr(Ways, "of", lambda *_: Answer("by Label Studio itself", by_plugin=False))
    answer = visitor.post("/projects/10/act", action="second", tasks="1", back="quality")
    assert answer.status_code == 400
    assert "labelcue-plugin" in answer.text


def test_audits_are_retired_only_when_it_is_confirmed(tmp_path: Path, visitor: Visitor) -> None:
    page = "/projects/10/quality"
    assert "Retire the audits" not in visitor.get(page).text  # there are none
    audited = replace(snapshot_of(TASKS, number=4), held_out=3, audits=np.arange(1, 6, dtype=np.int64))
    write_snapshot(Home(tmp_path).snapshot(10), audited)
    text = visitor.get(page).text
    assert "all 3 audit labels" in text
    assert "This cannot be taken back" in text
    ledger = service_of(visitor.client.application).ledger

    def retired() -> list[Event]:
        return [event for event in ledger.read(10) if event.kind is Kind.RETIRE]

    refused = visitor.post(f"{page}/retire")
    assert (refused.status_code, retired()) == (400, [])
    assert "not confirmed" in refused.text
    visitor.get(page)
    assert visitor.post(f"{page}/retire", sure="yes", csrf="x").status_code == 400
    assert "3 audits retired: the model learns from them" in visitor.post(f"{page}/retire", sure="yes").text
    assert [event.body["by"] for event in retired()] == ["Ada"]
    assert visitor.post("/projects/11/quality/retire", sure="yes").status_code == 404


@pytest.mark.parametrize(("by_plugin", "asked"), [(True, True), (None, True), (False, False)])
def test_nobody_is_promised_a_second_opinion_that_cannot_be_served(
    tmp_path: Path, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, by_plugin: bool | None, asked: bool
) -> None:
    monkeypatch.setattr(Ways, "of", lambda *_: Answer("as it is", by_plugin=by_plugin))
    report = report_of(TASKS)
    report["agreement"] = {**EMPTY["agreement"], "sentence": "No task has two labels yet: set a share."}
    write_report(tmp_path, report)
    text = visitor.get("/projects/10/quality").text
    assert ("Ask another annotator" in text) is asked
    assert ('name="tasks"' in text) is asked
    assert ("serves a labelled task to nobody" in text) is not asked
    assert ("set a share" in text) is asked


def test_every_page_is_made_once_before_anybody_asks(tmp_path: Path, visitor: Visitor) -> None:
    write_report(tmp_path, report_of(TASKS))
    write_map(tmp_path, TASKS)
    app, read = visitor.client.application, list[Path]()
    findings = service_of(app).findings
    kept = findings._kept
    findings._kept = lambda path, *rest: read.append(path) or kept(path, *rest)  # type: ignore[method-assign,func-returns-value]
    for warm in app.extensions["labelcue.warm"]:
        list(warm())
    assert {path.name for path in read} == {"insights.json", "insights.npz"}
    connect(tmp_path, 11)  # of which nothing can be read yet
    (tmp_path / "projects" / "11" / "insights.json").write_text("no json")
    for warm in app.extensions["labelcue.warm"]:
        list(warm())
    assert visitor.get("/projects/10").status_code == 200
