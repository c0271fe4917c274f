"""Blocked clients stay, whoever deletes them."""

import pytest
from django.db import transaction
from django.db.models import ProtectedError

from authz_app.models import Client
from tests.rows import make_client

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_queryset_delete_keeps_blocked_clients() -> None:
    make_client(status=Client.Status.BLOCKED)
    with pytest.raises(ProtectedError), transaction.atomic():
        Client.objects.all().delete()
    assert Client.objects.count() == 1


def test_an_instance_that_was_read_before_the_block_does_not_get_round_it() -> None:
    target = make_client()
    Client.objects.update(status=Client.Status.BLOCKED)
    with pytest.raises(ProtectedError), transaction.atomic():
        target.delete()
    assert Client.objects.exists()
