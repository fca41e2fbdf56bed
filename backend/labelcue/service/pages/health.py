"""Whether everything between the annotator and the queue works, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from labelcue.alarms.conditions import QUIET_S, SLOW_EVENTS, STUDIED
from labelcue.service.pages import words
from labelcue.service.pages.reading import Seen

SHOWN = 5
"""Alarms that are listed."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what, how it is, `good`, `warn` or `bad`, and what to do."""

    name: str
    said: str | Markup
    level: str = "good"
    remedy: str = ""


def health(seen: Seen) -> list[Fact]:
    """What is wrong first."""
    facts = [
        *_alarms(seen),
        *_troubles(seen),
        _learner(seen),
        _lag(seen),
        *_reading(seen),
        _reconcile(seen),
        _webhook(seen),
        *_opinions(seen),
        *_model(seen),
        *_crops(seen),
        _way(seen),
    ]
    return sorted(facts, key=lambda fact: ("bad", "warn", "good").index(fact.level))


def _alarms(seen: Seen) -> Iterator[Fact]:
    """Those that stand; the learner's, which the other lines tell as they change, are not told twice."""
    standing = [one for one in seen.alarms.of(seen.number) if one.alarm.name in STUDIED]
    for one in standing[:SHOWN]:
        said = Markup("{} Since {}.").format(one.alarm.message, words.ago(one.since, seen.now))
        yield Fact("Alarm", said, "bad" if one.alarm.severity == "critical" else "warn", one.alarm.remedy)
    if len(standing) > SHOWN:
        yield Fact("Alarms", f"{words.plural(len(standing) - SHOWN, 'alarm')} more.", "warn", "See: labelcue alarms")
    stuck = [lane for lane in seen.alarms.lanes.values() if lane.waiting and lane.trouble]
    if stuck:
        told = f"{words.plural(len(stuck), 'receiver')} of alarms cannot be reached: {stuck[0].trouble}."
        yield Fact("Alarms", told, "warn", "Look at the receiver; `labelcue alarms` says which one.")


def _troubles(seen: Seen) -> Iterator[Fact]:
    status = seen.status
    if status.get("gone"):
        yield Fact("Project", "It is gone from Label Studio.", "bad", "Let go of it: labelcue disconnect")
    if status.get("config_error"):
        yield Fact("Label config", str(status["config_error"]), "bad", "Change the label config in Label Studio.")
    for name, where in (
        ("Learner", status),
        ("Embedding", status.get("embedding")),
        ("Delivery", status.get("delivery")),
    ):
        if where and where.get("error"):
            yield Fact(name, str(where["error"]), "bad", "`labelcue doctor` looks for the cause.")


def _learner(seen: Seen) -> Fact:
    if not seen.alive:
        at = seen.status.get("at")
        heard = Markup("it last said something {}").format(words.ago(at, seen.now)) if at else "it has never run"
        said = Markup("Not running; {}.").format(heard)
        return Fact("Learner", said, "bad", "Start it: labelcue serve")
    snapshot = seen.snapshot
    if snapshot is None:
        return Fact("Learner", "Running; there is no round yet.", "warn")
    took = words.span((seen.status.get("round") or {}).get("seconds"))
    return Fact(
        "Learner",
        Markup("Running; round {} took {}, {}").format(
            words.count(snapshot.round.number), took, words.ago(snapshot.round.at, seen.now)
        ),
    )


def _lag(seen: Seen) -> Fact:
    if not seen.behind:
        return Fact("Queue", "Up to date with every event.")
    said = f"{words.plural(seen.behind, 'event')} not in the queue yet."
    return Fact("Queue", said, "warn" if seen.behind > SLOW_EVENTS or not seen.alive else "good")


def _reading(seen: Seen) -> Iterator[Fact]:
    embedding = seen.status.get("embedding") or {}
    if not embedding:
        return
    done, total, unreadable = (int(embedding.get(key) or 0) for key in ("done", "total", "unreadable"))
    said = f"{words.count(done)} of {words.count(total)} read"
    if unreadable:
        first = next(iter((embedding.get("problems") or {}).items()), None)
        example = f", for example task {first[0]}: {first[1]}" if first else ""
        yield Fact("Tasks", f"{said}; {words.count(unreadable)} cannot be read{example}", "warn")
    else:
        yield Fact("Tasks", f"{said}.", "good" if done >= total else "warn")
    wordless = (seen.status.get("reading") or {}).get("problems") or {}
    if wordless:
        task, why = next(iter(wordless.items()))
        yield Fact("Words", f"Some texts have no words to mark, for example task {task}: {why}", "warn")


def _reconcile(seen: Seen) -> Fact:
    reconcile = seen.status.get("reconcile") or {}
    if reconcile.get("error"):
        return Fact("Reconcile", str(reconcile["error"]), "bad", "`labelcue doctor` looks for the cause.")
    last = reconcile.get("last_ok")
    if reconcile.get("doing"):
        return Fact("Reconcile", f"Now: {reconcile['doing']}")
    late = not last or seen.now - float(last) > QUIET_S
    return Fact(
        "Reconcile",
        Markup("Compared with Label Studio {}.").format(words.ago(last, seen.now)) if last else "Not compared yet.",
        "warn" if late else "good",
    )


def _webhook(seen: Seen) -> Fact:
    heard = seen.reader.service.heard.get(seen.number)
    if heard is None:
        return Fact("Webhooks", "None since the service started; reconcile finds what they miss.")
    return Fact("Webhooks", Markup("Last one {}.").format(words.ago(heard, seen.now)))


def _opinions(seen: Seen) -> Iterator[Fact]:
    """Where a share of second opinions is wanted, or something hinders them."""
    told = seen.status.get("opinions") or {}
    trouble = str(told.get("error") or told.get("reason") or "")
    if not (told.get("share") or trouble):
        return
    asked = words.plural(int(told.get("asked") or 0), "second opinion")
    said = f"{asked} asked for, {words.count(told.get('waiting') or 0)} wait for an annotator. {trouble}".strip()
    yield Fact("Second opinions", said, "warn" if trouble else "good", "`labelcue doctor` looks for the cause.")


def _model(seen: Seen) -> Iterator[Fact]:
    """Another model, where one is asked."""
    told = seen.status.get("model") or {}
    if not told.get("model"):
        return
    said = [f"Heard of {words.count(told.get('heard') or 0)} of {words.count(seen.status.get('tasks') or 0)} tasks."]
    if told.get("missing"):
        first = next(iter((told.get("problems") or {}).values()), "")
        said.append(f"Of {words.count(told['missing'])} it says nothing that counts: {first}")
    if not told.get("listens"):
        said.append("The surrogate that was chosen does not listen to it; choose external.")
    if told.get("error"):
        said.append(str(told["error"]))
    remedy = "Tasks that it says nothing of are ordered without it; `labelcue doctor` looks for the cause."
    yield Fact("Other model", " ".join(said), "warn" if len(said) > 1 else "good", remedy)


def _crops(seen: Seen) -> Iterator[Fact]:
    """What is learned of the classes of boxes, where another model draws them."""
    told = seen.status.get("crops") or {}
    if not (told.get("learned") or told.get("error")):
        return
    boxes, tasks = words.plural(int(told.get("learned") or 0), "box", "boxes"), words.count(told.get("judged") or 0)
    said = [f"{boxes} learned, the other model's boxes of {tasks} tasks judged."]
    if told.get("missing"):
        first = next(iter((told.get("problems") or {}).values()), "")
        said.append(f"The images of {words.count(told['missing'])} give no crops: {first}")
    if told.get("error"):
        said.append(str(told["error"]))
    remedy = "Without crops the other model's own doubt orders the queue."
    yield Fact("Crops", " ".join(said), "warn" if len(said) > 1 else "good", remedy)


def _way(seen: Seen) -> Fact:
    if seen.connection is None:
        return Fact("Served", "Unknown.", "warn")
    way = seen.reader.way(seen.connection)
    return Fact("Served", f"{way.words[:1].upper()}{way.words[1:]}", "good" if way.good else "warn", way.remedy)
