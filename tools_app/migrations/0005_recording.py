from typing import Any

from django.db import migrations, models


def drop_triggers_on_tools(apps: Any, schema_editor: Any) -> None:
    """Backwards on SQLite, no column can go while a trigger reads it. `migrate` installs them again at its end."""
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'tools_app_tool'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [
        ("tools_app", "0004_roles"),
    ]

    operations = [
        migrations.AddField(
            model_name="tool",
            name="recorded",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "As its author says"),
                    ("metadata", "Metadata"),
                    ("arguments", "Arguments"),
                    ("result", "Arguments and result"),
                ],
                db_default="",
                default="",
                help_text="What records of its calls hold, from the next call on. Who called, what was decided and how it ended is always recorded.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="tool",
            name="redacted",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Paths to values that no record holds, one a line: customer.iban, items.*.card. In arguments and results. What has the name or the shape of a secret is taken out in any case.",
                verbose_name="never recorded",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, drop_triggers_on_tools),
    ]
