from typing import Any

from django.db import migrations, models


def drop_triggers_on_rules(apps: Any, schema_editor: Any) -> None:
    """Backwards on SQLite, no column can go while a trigger reads it. `migrate` installs them again at its end."""
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'authz_app_rule'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [
        ("authz_app", "0015_plain_event_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="rule",
            name="listed_without_scopes",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Callers who lack nothing but these scopes see it too, with a sentence that names them: so"
                " their client can ask for them. A call is refused until it has.",
                verbose_name="listed without the scopes",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, drop_triggers_on_rules),
    ]
