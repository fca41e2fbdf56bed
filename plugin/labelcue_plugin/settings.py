"""Label Studio's settings with this app added: DJANGO_SETTINGS_MODULE=labelcue_plugin.settings.

The order of the two imports from Label Studio matters: the second one, by itself, reads settings that only the first
has set.
"""

from label_studio.core.settings.base import *
from label_studio.core.settings.label_studio import *

INSTALLED_APPS += ["labelcue_plugin"]
ROOT_URLCONF = "labelcue_plugin.urls"

if "sqlite3" in DATABASES["default"]["ENGINE"]:
    # A transaction that reads first and writes later fails at once where another one writes meanwhile ("database is
    # locked"), which several annotators at a time run into. One that asks for the write lock first waits instead.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        **DATABASES["default"]["OPTIONS"],
    }
