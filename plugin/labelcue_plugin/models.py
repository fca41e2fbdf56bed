"""The mirror: LabelCue's order in Label Studio's own database, for filters, columns and the last known order.

No constraint in the database points at Label Studio's tables: where the plugin is gone, nothing of it stands in the way
of Label Studio's deletions.
"""

from __future__ import annotations

from django.db import models


class Place(models.Model):
    """Where one task stands in the queue; tasks outside it have no row."""

    task = models.OneToOneField(
        "tasks.Task",
        primary_key=True,
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="labelcue_place",
    )
    project = models.IntegerField()
    rank = models.IntegerField()
    priority = models.FloatField()
    uncertainty = models.FloatField()
    reason = models.CharField(max_length=300)

    class Meta:
        """Label Studio's tables have such short names too."""

        db_table = "labelcue_place"
        indexes = [models.Index(fields=["project", "rank"], name="labelcue_place_rank")]  # noqa: RUF012


class Copy(models.Model):
    """What the mirror was told last of a project's order, and which process is at work on it."""

    project = models.IntegerField(primary_key=True)
    mark = models.CharField(max_length=64, default="")
    whole_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        """See Place."""

        db_table = "labelcue_copy"
