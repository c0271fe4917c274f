"""The site's settings for tests: nothing from the developer's environment, but for the database to test on."""

import os
import tempfile

from environ import Env

_DATABASE = os.environ.get("TEST_DATABASE_URL", "")
for name in list(os.environ):
    if name in {"SECRET_KEY", "DEBUG", "PORT", "LOCAL_ISSUER", "CONTACT", "RESOURCE_IDENTIFIERS"} or name.startswith(
        (
            "PUBLIC_",
            "AUDIT_",
            "TRUSTED_",
            "DATABASE_",
            "REDIS_",
            "AUTH",
            "OPENWEATHERMAP_",
            "OPENAI_",
            "CLIENT_",
            "TOOL_",
            "MAX_",
        )
    ):
        del os.environ[name]
os.environ |= {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "a-secret-key-that-is-used-by-the-tests-and-nowhere-else",
    "PUBLIC_URL": "http://testserver",
    "LOCAL_ISSUER": "true",
    "DEBUG": "false",
    "AUDIT_KEY_FILE": f"{tempfile.gettempdir()}/mcp-tests-{os.getpid()}/audit-key.pem",
}

from mcpsite.settings import *  # noqa: F403, E402
from mcpsite.settings import DATA_DIR, DATABASES, INSTALLED_APPS  # noqa: E402

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost", "[::1]"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.fixture_tools"]
if _DATABASE:
    DATABASES["default"] = {**Env.db_url_config(_DATABASE), "OPTIONS": {"connect_timeout": 3}}
else:
    # A file, not memory: SQLite locks a shared memory database in ways of its own.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / f"test-{os.getpid()}.sqlite3")}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True
