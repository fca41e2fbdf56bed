"""Label Studio's routes, and ours before them."""

from core.urls import *
from core.urls import urlpatterns as _theirs
from django.urls import path

from labelcue_plugin.views import Status

urlpatterns = [path("api/labelcue/status", Status.as_view(), name="labelcue-status"), *_theirs]
