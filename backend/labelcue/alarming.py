"""The command that shows what needs a person, and tries the addresses that are told of it."""

from __future__ import annotations

import sys

import click
from rich.console import Console

from labelcue.flags import options
from labelcue.settings import Settings

out = Console()


@click.command()
@click.option("--project", "-p", type=int, help="Only this project.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--test", is_flag=True, help="Send a test message to every address first. Exit status 1 if one fails.")
@options("home", "url", "host", "port")
def alarms(settings: Settings, project: int | None, as_json: bool, test: bool) -> None:
    """Show what needs a person, and whether the addresses of `alarm_urls` were told.

    \b
    labelcue alarms
    LABELCUE_ALARM_URLS="https://chat.example/hook http://127.0.0.1:9000/" labelcue alarms --test

    The running service watches and sends; this command reads what it wrote, and sends tests by itself.
    """
    from labelcue.alarms.shown import show

    sys.exit(show(out, settings, project, as_json=as_json, test=test))
