"""Published queue → Label Studio, the stock way: without the plugin, by predictions.

'Uncertainty sampling' serves ascending `score` among predictions whose model_version is the project's. So the next
tasks of the published order, the frontier, stand in Label Studio as predictions of one version, `cue-queue-<K>`, with
their place as score. A new frontier is written beside the old one, then the project is switched, then the old one is
deleted: whatever fails in between, a whole frontier is being served.

    frontier.py     how large a frontier must be, and when a new one is due       pure
    content.py      what stands in a prediction                                    pure
    record.py       which tasks were in the frontier at which moment
    rotation.py     import, switch, delete
    deliverer.py    when; the loop
"""

from __future__ import annotations

from labelcue.delivery.deliverer import Delivery

__all__ = ["Delivery"]
