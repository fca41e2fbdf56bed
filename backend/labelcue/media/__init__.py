"""What stands behind the addresses in tasks: fetched safely, in parallel, and kept.

Tasks come from anybody who may import them, so an address in one is hostile until shown otherwise: LabelCue asks Label
Studio itself and the origins that the operator allowed, and nobody else. `addresses.py` says what a value means,
`origins.py` who may be asked and at which address, `fetching.py` asks, `cache.py` keeps, `reading.py` is all of it.
"""

from __future__ import annotations

from labelcue.media.reading import Media, open_media

__all__ = ["Media", "open_media"]
