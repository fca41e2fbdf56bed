"""Label Studio's routes, and ours before them."""

import logging

from core.urls import *
from core.urls import urlpatterns as _theirs
from django.urls import path

urlpatterns = list(_theirs)
try:
    from labelcue_plugin.views import Status
except Exception as error:  # whatever a Label Studio that we do not know lacks, it must run
    logging.getLogger(__name__).warning("The LabelCue plugin has no status page here: %s", error)
else:
    urlpatterns.insert(0, path("api/labelcue/status", Status.as_view(), name="labelcue-status"))
