"""Who may read call records may read events, too; once: what administrators do to groups afterwards stays."""

from typing import Any

from django.db import migrations


def let_read(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    kinds, permissions = (
        apps.get_model(app, model).objects.using(alias)
        for app, model in (("contenttypes", "ContentType"), ("auth", "Permission"))
    )
    kind, _ = kinds.get_or_create(app_label="authz_app", model="auditevent")
    # The permissions of a new site are made after its migrations; this one cannot wait.
    reading, _ = permissions.get_or_create(
        content_type=kind, codename="view_auditevent", defaults={"name": "Can view event"}
    )
    for group in apps.get_model("auth", "Group").objects.using(alias).filter(permissions__codename="view_callrecord"):
        group.permissions.add(reading)


class Migration(migrations.Migration):
    dependencies = [
        ("tools_app", "0005_recording"),
        ("authz_app", "0010_audit_events"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(let_read, migrations.RunPython.noop)]
