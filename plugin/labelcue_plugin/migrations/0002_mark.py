"""The mirror is told differences: it keeps the mark of what it was told last, in the place of two versions."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """The empty mark asks for the whole."""

    dependencies = [("labelcue_plugin", "0001_mirror")]  # noqa: RUF012
    operations = [  # noqa: RUF012
        migrations.RemoveField("copy", "version"),
        migrations.RemoveField("copy", "whole_version"),
        migrations.AddField("copy", "mark", models.CharField(default="", max_length=64)),
    ]
