"""The demo's course: Label Studio, service and learner, project, queue; then it stays until Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from rich.console import Console
from rich.panel import Panel

from labelcue.demo import DemoOptions, project
from labelcue.demo.backend import Backend
from labelcue.demo.children import stop_leftovers
from labelcue.demo.locking import only_one
from labelcue.demo.plugin import plugin_environment
from labelcue.demo.ports import free_port
from labelcue.demo.progress import Steps
from labelcue.demo.simulating import simulate
from labelcue.demo.state import State, StateFile
from labelcue.demo.studio import Studio
from labelcue.demo.subjects import subject_of
from labelcue.demo.venv import VERSION, ensure_venv
from labelcue.errors import ConfigError
from labelcue.labelstudio.client import LabelStudio
from labelcue.service.pages.session import new_code

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130
"""Exit status of a run that Ctrl-C ended before it was ready."""


class Demo:
    """One run in one home folder."""

    def __init__(self, options: DemoOptions, steps: Steps) -> None:
        self.options = options
        self.steps = steps
        self.home = options.home.expanduser().absolute()
        self.file = StateFile(self.home)
        self.ready = False
        """From here on, Ctrl-C is the way to end it."""

    def run(self) -> int:
        """Everything, in its order; what is done already is passed over."""
        stop_leftovers(self.home)
        if self.options.fresh:
            self.file.forget()
        state = self.file.open(
            studio_port=self.options.port,
            service_port=self.options.service_port,
            mails=self.options.mails,
            images=self.options.images,
        )
        with self.steps.step(f"Label Studio {VERSION} in {self.options.studio_venv}") as report:
            venv = ensure_venv(self.options.studio_venv, report)
        port = free_port(state.service_port)  # the plugin must know it before there is a service
        extra = plugin_environment(self.home, port)
        studio = Studio(venv, self.home, state.admin, state.studio_port, extra)
        try:
            state = self._start_studio(studio, state)
            return self._with_studio(studio, state, port)
        finally:
            with _no_interruption():
                studio.stop()

    def _start_studio(self, studio: Studio, state: State) -> State:
        with self.steps.step("Starting Label Studio") as report:
            studio.start(report)
        if studio.port != state.studio_port:
            self.steps.note(f"Port {state.studio_port} is taken: Label Studio has {studio.port}.")
        return state

    def _with_studio(self, studio: Studio, state: State, port: int) -> int:
        backend = Backend(self.home, port, studio.url)
        if backend.settings.port != state.service_port:
            self.steps.note(f"Port {state.service_port} is taken: LabelCue has {backend.settings.port}.")
        try:
            with self.steps.step("Starting LabelCue (service and learner)"):
                backend.start()
            state = self._queue(studio, backend, state)
            self._tell(studio, backend, state)
            self.ready = True
            if self.options.simulate:
                labelled = simulate(self.file, studio.url, self.options.simulate, self.steps)
                backend.follow_labels(state.project, labelled)
            return 0 if self.options.exit_after else self._stay(studio, backend, state)
        finally:
            with _no_interruption():
                self.steps.console.print("Stopping ...")
                backend.stop()

    def _queue(self, studio: Studio, backend: Backend, state: State) -> State:
        """From the empty Label Studio to the first tasks of the queue in it."""
        with closing(LabelStudio(studio.url, state.admin.token.get_secret_value(), timeout=120)) as ls:
            state = project.prepare(ls, self.file, state, self.steps)
            with self.steps.step(f"Connecting project {state.project}"):
                project.connect(ls, backend, state)
        with self.steps.step(f"Embedding the {subject_of(state.images).noun}") as report:
            backend.follow_embedding(state.project, report)
        with self.steps.step("Bringing the queue into Label Studio"):
            backend.follow_delivery(state.project)
        return state

    def _tell(self, studio: Studio, backend: Backend, state: State) -> None:
        """Where to go and what to click."""
        lines = [
            f"[bold]Open[/]      {studio.url}/projects/{state.project}/data",
            f"[bold]Log in[/]    {state.admin.email}",
            f"[bold]Password[/]  {state.admin.password.get_secret_value()}",
            f"[bold]Click[/]     [bold cyan]Label All Tasks[/]; {subject_of(state.images).keys}, Ctrl+Enter submits",
            "",
            f"Admins    {backend.settings.base_url}/projects/{state.project}",
            f"Queue     {backend.settings.base_url}/api/projects/{state.project}/queue",
            f"Logs      {studio.log}",
            f"          {backend.log}",
        ]
        if not self.options.exit_after:
            lines.append("Stop      Ctrl-C. The data stay; the next start takes seconds. Start over: --fresh")
        self.steps.console.print(Panel("\n".join(lines), title="LabelCue is ready", expand=False, highlight=False))
        link = f"{backend.settings.base_url}/login#code={new_code(backend.settings)}"
        self._line(f"Admins log in once, within ten minutes, with {link}")
        self._line(f"Later `labelcue pages --home {backend.settings.home}` makes another link.")

    def _line(self, words: str) -> None:
        """Words that no frame and no width may break."""
        self.steps.console.print(words, highlight=False, soft_wrap=True)

    def _stay(self, studio: Studio, backend: Backend, state: State) -> int:
        """Until Ctrl-C, or until one of the programs ends."""
        with self.steps.console.status("") as line:
            while True:
                studio.check()
                backend.check()
                words = backend.words(state.project)
                last, delivery = words.get("round") or {}, words.get("delivery") or {}
                line.update(
                    f"{last.get('labelled', 0)} labels, model cue-{last.get('number', 0)}, "
                    f"{delivery.get('left', 0)} tasks stand ready. Ctrl-C stops."
                )
                time.sleep(0.5)


def run(options: DemoOptions) -> int:
    """Run the demo until Ctrl-C; the exit status. Raises LabelCueError."""
    console = Console()
    demo = Demo(options, Steps(console))
    with _signals_interrupt():
        try:
            with only_one(demo.home, wait=False):
                return demo.run()
        except BlockingIOError:
            raise ConfigError(
                f"A demo is running in {demo.home} already.", "Use that one, stop it by Ctrl-C, or name another --home."
            ) from None
        except KeyboardInterrupt:
            console.print(f"Stopped. Everything is kept in {demo.home}.", highlight=False, soft_wrap=True)
            return 0 if demo.ready else INTERRUPTED


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end us as Ctrl-C does, so that no child is left behind; a second one changes nothing."""

    def interrupt(_number: int, _frame: object) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _no_interruption() -> Iterator[None]:
    """Stopping is not stopped half-way."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
