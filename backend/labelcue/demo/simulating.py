"""A simulated run from the accounts to the learning curve, in the demo that is running."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rich.console import Console

from labelcue.demo import project
from labelcue.demo.accounts import Account, sign_up
from labelcue.demo.locking import is_held
from labelcue.demo.progress import Steps
from labelcue.demo.report import compare, remember
from labelcue.demo.simulate import Simulation
from labelcue.demo.state import StateFile
from labelcue.demo.subjects import subject_of
from labelcue.errors import ConfigError
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.config import parse_config
from labelcue.store.connection import Connection
from labelcue.store.layout import Home


def simulate_running(home: Path, labels: int) -> int:
    """Simulate in the demo that another process runs in `home`; 0. Raises ConfigError where none does."""
    home = home.expanduser().absolute()
    file = StateFile(home)
    number = file.load().project
    if not is_held(home) or not number:
        raise ConfigError(f"No demo is running in {home}.", "Start it in another terminal: labelcue demo")
    simulate(file, Connection.load(Home(home).connection(number)).url, labels, Steps(Console()))
    return 0


def simulate(file: StateFile, url: str, labels: int, steps: Steps) -> int:
    """Two simulated annotators make `labels` labels; then the learning curve. How many tasks such runs have labelled.

    Raises LabelStudioError and its kinds.
    """
    annotators = _annotators(file, url)
    state = file.load()
    spec = parse_config(subject_of(state.images).label_config())
    answers = {one.text: one.label for one in project.pool_of(state)}
    simulation = Simulation(partial(LabelStudio, url), state.project, spec, answers)
    tokens = {one.email: one.token.get_secret_value() for one in annotators}
    steps.console.print(f"[bold]Simulated:[/] {' and '.join(tokens)} label with known answers.", highlight=False)
    with steps.step(f"{labels} simulated labels through Label Studio") as report:
        report(0, labels)
        try:
            simulation.run(tokens, labels, lambda made: report(made, labels))
        finally:
            served = remember(file.home, simulation.served)
    if len(simulation.served) < labels:
        steps.note(f"The tasks ran out after {len(simulation.served)} labels.")
    compare(file.home, state, spec, served, steps)
    return len({one.task for one in served})


def _annotators(file: StateFile, url: str) -> tuple[Account, ...]:
    """The two accounts, signed up where they are not yet."""
    state = file.load()
    if all(one.token.get_secret_value() for one in state.annotators):
        return state.annotators
    signed_up = [sign_up(url, one.email, one.password.get_secret_value()) for one in state.annotators]
    return file.change(state, annotators=(signed_up[0], signed_up[1])).annotators
