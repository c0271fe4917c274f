from typing import Any

from django.db import migrations, models


def drop_triggers_on_records(apps: Any, schema_editor: Any) -> None:
    """Backwards on SQLite, no column can go while a trigger reads it. `migrate` installs them again at its end."""
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'authz_app_callrecord'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [
        ("authz_app", "0013_open_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="callrecord",
            name="result",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="JSON, redacted as arguments are, where results are recorded.",
            ),
        ),
        migrations.AlterField(
            model_name="callrecord",
            name="arguments",
            field=models.TextField(help_text="JSON, with what looks like a secret taken out. Empty: not recorded."),
        ),
        migrations.RunPython(migrations.RunPython.noop, drop_triggers_on_records),
    ]
