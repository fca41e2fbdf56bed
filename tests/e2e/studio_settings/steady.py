"""Label Studio's settings, with an SQLite that waits: DJANGO_SETTINGS_MODULE=steady.

As it comes, Label Studio answers "database is locked" where two write in the same moment, an annotator and a delivery
for one. What LabelCue makes of such answers is tested by itself; where a test is about something else it must not fail.
"""

from label_studio.core.settings.base import *
from label_studio.core.settings.label_studio import *

DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"]["OPTIONS"],
    "timeout": 60,
    "transaction_mode": "IMMEDIATE",
}
