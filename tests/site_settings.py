"""Settings of a site that tests start: its environment is what begins with SITE_, and it has the fixture tools.

TEST_APPS names further apps of the tests that it has, TEST_OIDC_ADAPTER another adapter of its own issuer.
"""

import os

_PREFIX = "SITE_"
_ours = {name.removeprefix(_PREFIX): value for name, value in os.environ.items() if name.startswith(_PREFIX)}
os.environ |= {"LOCAL_ISSUER": "", "DEBUG": "false", **_ours, "ENV_FILE": os.devnull}

from mcpsite.settings import *  # noqa: F403, E402
from mcpsite.settings import IDP_OIDC_ADAPTER, INSTALLED_APPS  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.fixture_tools", *_ours.get("TEST_APPS", "").split()]
IDP_OIDC_ADAPTER = _ours.get("TEST_OIDC_ADAPTER", IDP_OIDC_ADAPTER)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Static files from where they lie, looked up when they are asked for.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
