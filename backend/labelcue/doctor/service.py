"""Is our own service up, and is it the one that these settings mean?"""

from __future__ import annotations

from collections.abc import Iterator

from labelcue.connect.ours import service_url
from labelcue.connect.reach import require_service
from labelcue.doctor.finding import Finding
from labelcue.errors import ConfigError
from labelcue.settings import Settings


def service_findings(settings: Settings) -> Iterator[Finding]:
    """`service`: it answers, is healthy and has our secrets."""
    try:
        url = service_url(settings)
        require_service(settings)
    except ConfigError as error:
        yield Finding("service", "bad", error.message, error.remedy)
        return
    yield Finding(
        "service", "ok", f"It answers at {url} and has these settings' secrets.", "Start it: `labelcue serve`."
    )
