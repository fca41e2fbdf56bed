"""The mirror's two tables; nothing in them refers to Label Studio's by a constraint."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Needs Label Studio's tasks, of whatever release."""

    initial = True
    dependencies = [("tasks", "0001_squashed_0041_taskcompletionhistory_was_cancelled")]  # noqa: RUF012
    operations = [  # noqa: RUF012
        migrations.CreateModel(
            name="Copy",
            fields=[
                ("project", models.IntegerField(primary_key=True, serialize=False)),
                ("version", models.CharField(default="", max_length=64)),
                ("whole_version", models.CharField(default="", max_length=64)),
                ("whole_at", models.DateTimeField(null=True)),
                ("claimed_until", models.DateTimeField(null=True)),
            ],
            options={"db_table": "labelcue_copy"},
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                (
                    "task",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="labelcue_place",
                        serialize=False,
                        to="tasks.task",
                    ),
                ),
                ("project", models.IntegerField()),
                ("rank", models.IntegerField()),
                ("priority", models.FloatField()),
                ("uncertainty", models.FloatField()),
                ("reason", models.CharField(max_length=300)),
            ],
            options={
                "db_table": "labelcue_place",
                "indexes": [models.Index(fields=["project", "rank"], name="labelcue_place_rank")],
            },
        ),
    ]
