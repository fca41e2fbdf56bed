"""Learns the class of a box from the crops of annotators' boxes, and judges by it the boxes of another model.

`wanted.py` says which boxes count, `vectors.py` keeps their vectors, `classifier.py` learns and judges, `cropper.py` is
the loop. What it finds are events
of the ledger, which rounds hear like the other model's own words, so that they replay to the same bits.
"""

from __future__ import annotations

from labelcue.cropping.classifier import BoxModel, learn
from labelcue.cropping.cropper import Cropper
from labelcue.cropping.vectors import CropVectors

__all__ = ["BoxModel", "CropVectors", "Cropper", "learn"]
