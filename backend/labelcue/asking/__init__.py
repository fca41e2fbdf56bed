"""Second opinions: which labelled tasks go to one more annotator, and that Label Studio opens them."""

from labelcue.asking.asker import Asker
from labelcue.asking.wishes import Wishes

__all__ = ["Asker", "Wishes"]
