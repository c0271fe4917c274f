"""Groups that a site begins with. Made once: what administrators do to them afterwards stays."""

from typing import Any

from django.db import migrations

_READ = (
    "authz_app.view_client",
    "authz_app.view_rule",
    "authz_app.view_callrecord",
    "authz_app.view_policyedit",
    "tools_app.view_tool",
    "tools_app.view_mcpsession",
)
_EDIT = tuple(f"authz_app.{action}_{model}" for model in ("client", "rule") for action in ("add", "change", "delete"))
_GROUPS = {
    "Policy editors": (*_READ, *_EDIT, "authz_app.explain_decision"),
    "Auditors": _READ,
    "Auditors with arguments": (*_READ, "authz_app.view_arguments"),
}
# The permissions of a new site are made after its migrations; these cannot wait. Model and name, as Django has them.
_OWN = {
    "explain_decision": ("rule", "Can explain decisions about any client"),
    "view_arguments": ("callrecord", "Can view recorded arguments"),
}
_VERBOSE = {"callrecord": "call record", "policyedit": "policy version", "mcpsession": "MCP session"}


def create_groups(apps: Any, schema_editor: Any) -> None:
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for name, permissions in _GROUPS.items():
        group, created = groups.get_or_create(name=name)
        if created:
            group.permissions.set([_permission(apps, schema_editor, one) for one in permissions])


def _permission(apps: Any, schema_editor: Any, written: str) -> Any:
    alias = schema_editor.connection.alias
    app_label, codename = written.split(".")
    action, _, model = codename.partition("_")
    model, words = _OWN.get(codename, (model, f"Can {action} {_VERBOSE.get(model, model)}"))
    kind, _ = (
        apps.get_model("contenttypes", "ContentType")
        .objects.using(alias)
        .get_or_create(app_label=app_label, model=model)
    )
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    return permissions.get_or_create(content_type=kind, codename=codename, defaults={"name": words})[0]


class Migration(migrations.Migration):
    dependencies = [
        ("tools_app", "0003_kinds"),
        ("authz_app", "0006_own_permissions"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
