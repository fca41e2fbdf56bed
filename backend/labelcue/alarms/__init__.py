"""What operators are told when something needs them: which alarms stand, and how they leave by webhook."""

from labelcue.alarms.addresses import Address, addresses
from labelcue.alarms.book import Book, Standing
from labelcue.alarms.conditions import Alarm, Judged, Sight, judge
from labelcue.alarms.outbox import Outbox

__all__ = ["Address", "Alarm", "Book", "Judged", "Outbox", "Sight", "Standing", "addresses", "judge"]
