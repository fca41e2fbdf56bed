"""Calls to a server that the operator named: another model, or an embedder. JSON there and back.

The operator chose the address, so it may be a private one; nothing else is asked: no redirect is followed and no proxy
of the environment used. Tasks' own addresses, which anybody may choose, are for `media/`.
"""

from __future__ import annotations

from labelcue.calling.caller import Caller, address_of
from labelcue.calling.keys import authorisation, require_key

__all__ = ["Caller", "address_of", "authorisation", "require_key"]
