"""The way in and out."""

from __future__ import annotations

import re

from flask import Blueprint, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from labelcue.errors import LabelCueError
from labelcue.service.pages.session import Door

_OWN = re.compile(r"/(projects/\d{1,19}(/[a-z]{1,20})?)?")
"""The addresses to which a login may lead: our own."""


class Login:
    """Two routes, and what they need."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its routes."""
        routes.add_url_rule("/login", "login", self.form)
        routes.add_url_rule("/login", "log_in", self.enter, methods=["POST"])
        routes.add_url_rule("/logout", "log_out", self.leave, methods=["POST"])

    def form(self) -> ResponseReturnValue:
        """Asks for a name, and for the password where there is one."""
        if self._door.name():
            return redirect(_own(request.args.get("next", "/")), 303)
        return render_template("login.html", onward=_own(request.args.get("next", "/")), problem=None, name="")

    def enter(self) -> ResponseReturnValue:
        """Begin a session, or say why not."""
        given = request.form
        onward = _own(given.get("next", "/"))
        try:
            self._door.enter(given.get("name", ""), given.get("secret", ""), request.remote_addr or "")
        except LabelCueError as error:
            name = given.get("name", "")
            return render_template("login.html", onward=onward, problem=error, name=name), error.status
        return redirect(onward, 303)

    def leave(self) -> ResponseReturnValue:
        """End the session."""
        session.clear()
        return redirect("/login", 303)


def _own(path: str) -> str:
    return path if _OWN.fullmatch(path) else "/"
