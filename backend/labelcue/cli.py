"""The command line: `labelcue COMMAND --help` teaches each command; heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from labelcue import __version__
from labelcue.acting import ACTING
from labelcue.alarming import alarms
from labelcue.bench.commands import bench
from labelcue.choosing import CHOOSING
from labelcue.compacting import compact_ledger
from labelcue.errors import ConfigError, LabelCueError
from labelcue.exporting import EXPORTING
from labelcue.flags import options
from labelcue.keeping import KEEPING
from labelcue.settings import Settings, load_settings
from labelcue.subset import select

out = Console()
err = Console(stderr=True)


class _Commands(click.Group):
    """Errors of ours end as two lines, never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabelCueError as error:
            err.print(f"[bold red]Error:[/] {error.message}", highlight=False, soft_wrap=True)
            if error.remedy:
                err.print(f"[bold]Remedy:[/] {error.remedy}", highlight=False, soft_wrap=True)
            ctx.exit(os.EX_CONFIG if isinstance(error, ConfigError) else 1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="labelcue")
def main() -> None:
    """LabelCue tells annotators what to label next, inside Label Studio.

    \b
    First steps:
      labelcue demo                      a whole example on this machine
      labelcue init && labelcue serve    the service for your own Label Studio
      labelcue connect URL --project N   put a project's queue in order
    """


@main.command()
@options("home", "basic_user")
def init(settings: Settings) -> None:
    """Make the home folder and its secrets (labelcue.toml, readable by you alone). Keeps what is there."""
    from labelcue.setup import write_plugin_secret, write_secrets

    path, made = write_secrets(settings)
    out.print(f"{'Wrote' if made else 'Kept'} {path}", highlight=False)
    copy = write_plugin_secret(load_settings({"home": settings.home}))
    out.print(f"Wrote {copy}, for the plugin inside Label Studio", highlight=False)


@main.command()
@options()
@click.option("--only", type=click.Choice(["service", "learner"]), help="Run one of the two processes alone.")
def serve(settings: Settings, only: str | None) -> None:
    """Run LabelCue: the service that answers Label Studio, and the learner that keeps the queue in order."""
    from labelcue import processes

    sys.exit(processes.serve(settings, only))


@main.command()
@click.argument("label_studio", metavar="URL")
@click.option("--project", "-p", type=int, required=True, help="The project's number, as in its address.")
@click.option("--token", envvar="LABEL_STUDIO_API_KEY", help="Access token of Label Studio. [LABEL_STUDIO_API_KEY]")
@click.option("--wait/--no-wait", default=True, help="Follow until the queue is in Label Studio.")
@click.option("--new-secret", is_flag=True, help="Give the project's webhook another secret.")
@options("home", "host", "port", "url", "basic_user", "embedder", "model", "pre_annotation")
def connect(
    settings: Settings, label_studio: str, project: int, token: str | None, wait: bool, new_secret: bool
) -> None:
    """Put project N of the Label Studio at URL in order. Safe to run again."""
    from labelcue import commands

    token = token or click.prompt(
        "Access token (Label Studio: Account & Settings → Personal Access Token)", hide_input=True
    )
    commands.connect(out, settings, label_studio, project, str(token), wait=wait, renew=new_secret)


@main.command()
@options("home", "url", "host", "port")
def pages(settings: Settings) -> None:
    """Print the address of the admins' pages, and a link that logs you in once within ten minutes."""
    from labelcue import commands

    commands.pages(out, settings)


@main.command()
@click.option("--project", "-p", type=int, required=True, help="The project's number.")
@options("home", "url", "host", "port")
def disconnect(settings: Settings, project: int) -> None:
    """Put everything in Label Studio back as it was before `connect`. The ledger stays."""
    from labelcue import commands

    commands.disconnect(out, settings, project)


@main.command()
@click.option("--project", "-p", type=int, help="Only this project.")
@options("home", "url", "host", "port", "basic_user")
def doctor(settings: Settings, project: int | None) -> None:
    """Check the way there and back, and name every trap with its remedy. Exit status 1 if something is broken."""
    from labelcue import commands

    sys.exit(commands.doctor(out, settings, project))


@main.command()
@click.option("--project", "-p", type=int, help="Only this project.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@options("home")
def status(settings: Settings, project: int | None, as_json: bool) -> None:
    """Show what each project's learner, reconcile and delivery are doing."""
    from labelcue import commands

    commands.status(out, settings, project, as_json=as_json)


@main.command()
@click.option("--project", "-p", type=int, required=True, help="The project's number.")
@click.option("--target", metavar="PERCENT", help="Say what this accuracy still takes.")
@click.option("--price", metavar="MONEY", help="Of one label, for --target.")
@click.option("--currency", default="", metavar="EUR", help="Of --price.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@options("home", "store", "busy_ms")
def insights(settings: Settings, project: int, as_json: bool, **asked: str | None) -> None:
    """Work out what admins read of a project: accuracy, wrong labels, agreement, coverage, and when to stop.

    \b
    labelcue insights -p 1
    labelcue insights -p 1 --target 95 --price 0.08 --currency EUR
    """
    from labelcue import commands

    said = {name: text for name, text in asked.items() if text}
    commands.insights(out, err, settings, project, said, as_json=as_json)


@main.command()
@click.option("--project", "-p", type=int, required=True, help="The project's number.")
@click.option("--limit", "-n", default=20, show_default=True, help="Places to show.")
@options("home")
def queue(settings: Settings, project: int, limit: int) -> None:
    """Show the head of a project's queue."""
    from labelcue import commands

    commands.queue(out, settings, project, limit)


@main.command()
@click.option("--project", "-p", type=int, required=True, help="The project's number.")
@options("home")
def reconcile(settings: Settings, project: int) -> None:
    """Ask the learner to look now for what the webhooks missed."""
    from labelcue import commands

    commands.reconcile(out, settings, project)


@main.command("settings")
@options()
def show_settings(settings: Settings) -> None:
    """Print every setting, its value and what it does."""
    from labelcue import commands

    commands.show_settings(out, settings)


@main.command()
@click.option(
    "--home", type=click.Path(path_type=Path), default=Path(".labelcue"), show_default=True, help="Its folder."
)
@click.option(
    "--simulate", type=click.IntRange(min=20), metavar="N", help="Let two simulated annotators make N labels."
)
@click.option("--exit", "exit_after", is_flag=True, help="Stop everything when that is done.")
@click.option("--images", is_flag=True, help="Photographs of hands in place of mails, in a new folder.")
@click.option("--fresh", is_flag=True, help="Start over: forget the data of earlier runs.")
@click.option("--port", default=8080, show_default=True, help="Label Studio's port, if it is free.")
@click.option("--service-port", default=9095, show_default=True, help="LabelCue's port, if it is free.")
@click.option("--studio-venv", type=click.Path(path_type=Path), default=Path(".venv-labelstudio"), show_default=True)
def demo(**options: Any) -> None:
    """Label real mails or photographs in a Label Studio of its own, whose queue LabelCue keeps in order."""
    from labelcue.demo import DemoOptions, run

    sys.exit(run(DemoOptions(**options)))


@main.command()
@click.option(
    "--home", type=click.Path(path_type=Path), default=Path(".labelcue"), show_default=True, help="The demo's folder."
)
@click.option("--labels", "-n", default=150, show_default=True, type=click.IntRange(min=20), help="Labels to make.")
def simulate(home: Path, labels: int) -> None:
    """Let two simulated annotators label in a running demo, through Label Studio's own API."""
    from labelcue.demo import simulate_running

    sys.exit(simulate_running(home, labels))


main.add_command(bench)
main.add_command(alarms)
main.add_command(select)
main.add_command(compact_ledger)
for command in (*CHOOSING, *ACTING, *EXPORTING, *KEEPING):
    main.add_command(command)


if __name__ == "__main__":
    main()
