"""The commands that put single tasks first or hold them back, ask for another opinion, and compare settings."""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from labelcue.choosing import assigned, desk_of, project_option
from labelcue.errors import BadRequest, NotFound
from labelcue.flags import options
from labelcue.queueing.acting import ACTIONS, bodies, require_plugin, tasks_of
from labelcue.queueing.comparing import PLACES, Comparison, Question, answer, ask
from labelcue.queueing.desk import ask_way
from labelcue.queueing.history import named
from labelcue.queueing.settings import changes, in_words
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.connection import Connection
from labelcue.store.fold import fold
from labelcue.store.layout import Home
from labelcue.types import Event, Kind

out = Console()
LOOK_S = 0.1


def _command(name: str, action: str, help_text: str) -> click.Command:
    kind, done = ACTIONS[action]

    @click.command(name, help=help_text)
    @click.argument("tasks", nargs=-1, required=True)
    @project_option
    @click.option("--by", default=None, help="Who does it. [you, as this machine knows you]")
    @options("home", "store", "busy_ms")
    def command(settings: Settings, tasks: tuple[str, ...], project: int, by: str | None) -> None:
        number = _act(settings, project, kind, " ".join(tasks), named(by or getpass.getuser()))
        out.print(f"{number} {'task' if number == 1 else 'tasks'} {done}. The queue follows within a second.")

    return command


def _act(settings: Settings, project: int, kind: Kind, tasks: str, by: str) -> int:
    path = Home(settings.home).connection(project)
    if not path.is_file():
        raise NotFound(f"Project {project} is not connected.", f"Run `labelcue connect URL --project {project}` first.")
    if kind is Kind.SECOND_OPINION:
        require_plugin(ask_way(Connection.load(path)).by_plugin)
    wanted = tasks_of(tasks)
    with closing(open_ledger(settings.store_url, settings.busy_ms)) as ledger:
        said = bodies(fold(ledger.read(project)), kind, wanted, by)
        ledger.append([Event(project, kind, f"{kind.value}:{uuid.uuid4().hex}", body) for body in said])
    if len(said) < len(wanted):
        out.print(f"Left out, as it cannot be done to them: {len(wanted) - len(said)}.")
    return len(said)


@click.command()
@click.argument("assignments", nargs=-1, required=True, metavar="FIELD=VALUE...")
@project_option
@click.option("--places", default=PLACES, show_default=True, type=click.IntRange(1, 400), help="Of each queue.")
@click.option("--seconds", default=60.0, show_default=True, help="How long to wait for the learner.")
@options("home", "store", "busy_ms")
def compare(settings: Settings, assignments: tuple[str, ...], project: int, places: int, seconds: float) -> None:
    """Show what settings would do to the queue beside what stands; nothing is saved.

    \b
    labelcue compare -p 1 strategy=margin
    labelcue compare -p 1 strategy=margin audit=0.1 classes.spam=0.4
    """
    with desk_of(settings, project) as desk:
        stands = desk.current.settings
        wish = desk.wish(assigned(assignments, stands), stands)
        folder = Home(settings.home).project(project)
        number = ask(folder, Question(a=stands, b=wish, places=places))
    found = _answered(lambda: answer(folder, number), seconds)
    if found.error or found.a is None or found.b is None:
        raise BadRequest(f"These settings cannot be compared: {found.error}", "Change what it names.")
    out.print(f"It changes {in_words(changes(stands, wish))}; {found.overlap} tasks are in both.", highlight=False)
    out.print(_side_by_side(found))


def _answered(look: Callable[[], Comparison | None], seconds: float) -> Comparison:
    deadline = time.monotonic() + seconds
    with out.status("The learner ranks both ..."):
        while (found := look()) is None:
            if time.monotonic() > deadline:
                raise NotFound("The learner does not answer.", "Is it running? Start it: labelcue serve")
            time.sleep(LOOK_S)
    return found


def _side_by_side(found: Comparison) -> Table:
    table = Table("", "as it stands", "expected", "as asked", "expected", title="* is in both")
    sides: list[list[Any]] = [side.places if side is not None else [] for side in (found.a, found.b)]
    for place in range(max(map(len, sides))):
        cells = list[str]()
        for seats in sides:
            seat = seats[place] if place < len(seats) else None
            cells += [f"{seat.task}{' *' if seat.shared else ''}", seat.label or "-"] if seat is not None else ["", ""]
        table.add_row(str(place + 1), *cells)
    return table


ACTING = (
    _command("pin", "pin", "Put tasks first, whatever the strategy says."),
    _command("hold", "hold", "Hold tasks back: nobody is served them until they are taken back."),
    _command("requeue", "requeue", "Take pinned or held tasks back into the order of the queue."),
    _command("second-opinion", "second", "Have labelled tasks labelled by one more annotator; needs the plugin."),
    compare,
)
