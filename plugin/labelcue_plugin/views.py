"""The plugin's own endpoint: how it stands here, for `labelcue connect`, `status` and `doctor`."""

from __future__ import annotations

from typing import Any

from core.permissions import all_permissions
from label_studio import __version__ as release
from projects.models import Project
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labelcue_plugin import PROTOCOL, __version__
from labelcue_plugin.activation import STATE
from labelcue_plugin.membership import is_inside

PROBE_S = 2.0


class Status(APIView):
    """GET /api/labelcue/status?project=N: whether the plugin works, and whether LabelCue serves the project."""

    # In no description of Label Studio's API, whichever of the two generators this release has.
    schema = None
    swagger_schema = None
    permission_required = all_permissions.projects_view

    def get(self, request: Request) -> Response:
        """404 for a project that the user's organisation does not have."""
        said: dict[str, Any] = {
            "plugin": __version__,
            "protocol": PROTOCOL,
            "label_studio": release,
            "active": STATE.cue is not None,
            "refused": STATE.refused,
        }
        named = request.query_params.get("project")
        if named is not None:
            project = _visible(request.user, named)
            if project is None:
                return Response({"detail": "There is no such project."}, status=404)
            served = STATE.cue.probe(project.id, max(PROBE_S, STATE.cue.ask_s)) if STATE.cue is not None else None
            trouble = STATE.cue.trouble if STATE.cue is not None else ""
            said |= {"project": project.id, "served": served, "trouble": trouble}
        return Response(said)


def _visible(user: Any, named: str) -> Any:
    """The project of that number, None where the user's organisation does not have it."""
    number = int(named) if named.isascii() and named.isdigit() and len(named) < 10 else 0
    project = Project.objects.filter(pk=number).first()
    return project if project is not None and is_inside(user, project) else None
