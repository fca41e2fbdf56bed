"""Who may see LabelCue's part of a project.

Label Studio's Community edition expects one organisation and lets every account into every project. Where a database
has several (there are ways to make them), what the plugin adds stays inside the project's own.
"""

from __future__ import annotations

from typing import Any


def is_inside(user: Any, project: Any) -> bool:
    """Whether the project belongs to the organisation in which the user works, and the user may enter it there."""
    mine = getattr(user, "active_organization_id", None)
    return mine is not None and mine == project.organization_id and bool(project.has_permission(user))
