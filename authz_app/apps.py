"""Configure the app that decides who may call, and records what was called."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_delete, pre_migrate


class AuthzConfig(AppConfig):
    name = "authz_app"
    verbose_name = "Client permissions"

    def ready(self) -> None:
        from authz_app import checks, setting_checks  # noqa: F401, PLC0415  (models are ready only now)
        from authz_app.core import actor, sqlite_file  # noqa: F401, PLC0415  (models are ready only now)
        from authz_app.policy_store import client_deletion  # noqa: F401, PLC0415  (models are ready only now)
        from authz_app.triggers import install  # noqa: F401, PLC0415  (models are ready only now)

        connection_created.connect(actor.listen)
        connection_created.connect(sqlite_file.keep_new_file_private)
        pre_migrate.connect(install.make_way_for_migrate, sender=self)
        post_migrate.connect(install.install_after_migrate, sender=self)
        pre_delete.connect(client_deletion.keep_blocked_client, sender="authz_app.Client")
