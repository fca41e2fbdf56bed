"""`connect` puts a project of Label Studio in order; `disconnect` puts it back as it was.

Everything that is changed is noted first, in `pending.json` beside `connection.json`, so that a run which breaks off
half-way can be finished or taken back by the next one.
"""

from __future__ import annotations

from labelcue.connect.connecting import connect
from labelcue.connect.disconnecting import disconnect
from labelcue.connect.notes import find_connection

__all__ = ["connect", "disconnect", "find_connection"]
