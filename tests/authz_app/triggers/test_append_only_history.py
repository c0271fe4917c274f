"""The history stays as it was written, unless somebody takes its guard away on purpose."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection

from authz_app.checks import check_history_guard
from authz_app.core import actor
from authz_app.models import Client, PolicyEdit, PolicyRevision, Rule
from authz_app.triggers import append_only_history
from tests.authz_app.history.outsider import outsider
from tests.authz_app.models.test_history import assert_whole

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def guarded() -> Iterator[None]:
    Rule.objects.create(tools="x")
    append_only_history.install(connection)
    yield
    append_only_history.remove(connection)


REFUSED = [
    "DELETE FROM authz_app_policyedit",
    "DELETE FROM authz_app_policyrevision",
    "UPDATE authz_app_policyedit SET actor = 'somebody else', actor_kind = 'user', at = CURRENT_TIMESTAMP",
    "UPDATE authz_app_policyedit SET actor_kind = 'user' WHERE version < (SELECT version FROM authz_app_policystate)",
    "UPDATE authz_app_policyedit SET version = version + 1",
    "UPDATE authz_app_policyrevision SET was = NULL",
    "UPDATE authz_app_policyrevision SET edit_id = edit_id + 1",
]
ON_SQLITE = [
    "INSERT OR REPLACE INTO authz_app_policyrevision SELECT * FROM authz_app_policyrevision",
    "INSERT OR REPLACE INTO authz_app_policyedit SELECT * FROM authz_app_policyedit",
]
ON_POSTGRESQL = ["TRUNCATE authz_app_policyrevision", "TRUNCATE authz_app_policyedit CASCADE"]


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("sql", [*REFUSED, *ON_SQLITE, *ON_POSTGRESQL])
def test_history_is_neither_edited_nor_deleted(sql: str) -> None:
    if sql in (ON_POSTGRESQL if connection.vendor == "sqlite" else ON_SQLITE):
        pytest.skip("The other database's.")
    before = [list(model.objects.order_by("id").values_list()) for model in (PolicyEdit, PolicyRevision)]
    with outsider() as raw, pytest.raises(Exception, match="only added to"):
        raw.execute(sql)
    assert [list(model.objects.order_by("id").values_list()) for model in (PolicyEdit, PolicyRevision)] == before


@pytest.mark.usefixtures("guarded")
def test_changes_go_on_behind_the_guard() -> None:
    with actor.acting(actor.user("ada")):
        Rule.objects.update(tools="y")
    Client.objects.create(issuer="i", subject="s")
    with outsider() as raw:
        raw.execute("UPDATE authz_app_rule SET tools = 'z'")
    assert_whole()


@pytest.mark.usefixtures("guarded")
def test_history_is_pruned_on_purpose_and_guarded_again() -> None:
    append_only_history.remove(connection)
    PolicyRevision.objects.all().delete()
    append_only_history.install(connection)
    assert not PolicyRevision.objects.exists()
    Rule.objects.update(tools="y")
    with pytest.raises(DatabaseError, match="only added to"):
        PolicyRevision.objects.all().delete()


@pytest.mark.usefixtures("guarded")
def test_the_check_notices_that_the_guard_is_gone() -> None:
    assert check_history_guard(databases=["default"]) == []
    append_only_history.remove(connection)
    assert [message.id for message in check_history_guard(databases=["default"])] == ["authz.W002"]
