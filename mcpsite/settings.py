"""Reads the settings of the site from the environment and `.env`. `docs/settings.md` has the table of them."""

import os
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from django.templatetags.static import static
from django.urls import reverse_lazy

from authz_app.web_address import domain, secure_address, site_address, web_address
from mcpsite import version
from mcpsite.environment import Settings
from mcpsite.file_settings import bundle_at, file_at, lines_go_to
from mcpsite.service_urls import SQLITE, database, redis

BASE_DIR = Path(__file__).resolve().parent.parent
# What this copy of the site keeps: the SQLite database, the embedded issuer's keys, collected static files.
DATA_DIR = BASE_DIR / "var"
DATA_DIR.mkdir(mode=0o700, exist_ok=True)

ENV = Settings(
    SECRET_KEY=(str, ""),
    DEBUG=(bool, False),
    PORT=(int, 8000),
    PUBLIC_URL=(str, ""),
    RESOURCE_IDENTIFIERS=(list, []),
    TRUSTED_PROXIES=(list, []),
    ALLOWED_ORIGINS=(list, []),
    DATABASE_URL=(str, ""),
    MIGRATE_DATABASE_URL=(str, ""),
    REDIS_URL=(str, ""),
    AUTH0_DOMAIN=(str, ""),
    AUTH_AUDIENCE=(list, []),
    TRUSTED_ISSUERS=(str, ""),
    LOCAL_ISSUER=(bool, None),
    CLIENT_ID_METADATA_DOCUMENTS=(bool, True),
    ALLOW_QUERY_TOKEN=(bool, False),
    CONTACT=(str, "your administrator"),
    OPENWEATHERMAP_API_KEY=(str, ""),
    REQUESTS_CA_BUNDLE=(str, ""),
    SSL_CERT_FILE=(str, ""),
    OPENWEATHERMAP_URL=(str, "https://api.openweathermap.org/data/2.5/weather"),
    AUDIT_TIMEOUT=(float, 5.0),
    AUDIT_SEAL_SECONDS=(float, 60.0),
    AUDIT_KEY_FILE=(str, ""),
    AUDIT_LINES=(str, "off"),
    AUDIT_LINES_FULL=(bool, False),
    DRAIN_SECONDS=(float, 20.0, 0),
    TOOL_TIME_LIMIT=(float, 30.0),
    TOOL_THREADS=(int, 16),
    IGNORED_ARGUMENTS=(list, []),
    MAX_BODY_BYTES=(int, 1_048_576),
    MAX_JSON_DEPTH=(int, 64),
    MAX_CALLS_IN_FLIGHT=(int, 32),
    MAX_SESSIONS_PER_CLIENT=(int, 100),
    MAX_SESSION_IDLE=(float, 7_200.0),
    SESSION_GRACE_SECONDS=(float, 3_600.0, 0),
    MAX_QUEUED_BYTES=(int, 1_048_576),
    REGISTRATIONS_PER_MINUTE=(int, 10, 0),
    SIGN_INS_PER_MINUTE=(int, 10),
)
# Tests and scripts name another file, so that what a developer keeps in `.env` does not reach them.
_env_file = os.environ.get("ENV_FILE", "")
ENV_FILE = Path(_env_file or BASE_DIR / ".env")
ENV.read(os.environ, ENV_FILE, must_exist=bool(_env_file))
# Sentences about what the file holds that may be a mistake.
SETTING_DOUBTS = ENV.doubts
env = ENV

VERSION = version.VERSION
DEBUG: bool = env("DEBUG")
# Stands in where no key is set, so that the checks can say so in a sentence; without DEBUG they refuse it.
INSECURE_SECRET_KEY = "insecure-development-key"
SECRET_KEY: str = env("SECRET_KEY") or INSECURE_SECRET_KEY

PORT: int = env("PORT")
PUBLIC_URL: str = env("PUBLIC_URL", lambda url: site_address(url or f"http://127.0.0.1:{PORT}"))
_public = web_address(PUBLIC_URL)
_LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = list(dict.fromkeys([_public.host, *(_LOOPBACK_HOSTS if DEBUG else [])]))
CSRF_TRUSTED_ORIGINS = [_public.origin]
_SECURE = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_HTTPONLY = True
# Below a path, as it stands in requests. Cookies there have names of their own: a site above it may have cookies too.
FORCE_SCRIPT_NAME: str | None = unquote(_public.path) or None
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = _public.path or "/"
_PATH_NAME = re.sub(r"[^A-Za-z0-9]+", "_", _public.path)
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"sessionid{_PATH_NAME}", f"csrftoken{_PATH_NAME}"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env("TRUSTED_PROXIES") else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

RESOURCE_IDENTIFIERS: list[str] = env("RESOURCE_IDENTIFIERS")
TRUSTED_PROXIES: list[str] = env("TRUSTED_PROXIES")
ALLOWED_ORIGINS: list[str] = env("ALLOWED_ORIGINS")
REDIS_URL: str = env("REDIS_URL", redis)
# Sites that share a Redis server do not meet there.
REDIS_PREFIX = f"mcp-{sha256(PUBLIC_URL.encode()).hexdigest()[:8]}."
_REDIS_HOST = {"address": REDIS_URL, "socket_connect_timeout": 2, "socket_timeout": 2, "health_check_interval": 5}
CHANNEL_LAYERS = (
    {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [_REDIS_HOST], "prefix": REDIS_PREFIX},
        }
    }
    if REDIS_URL
    else {}
)
# What sign-in keeps for minutes: authorization and device codes, and counts of attempts.
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "mcpsite.shared_cache.hashed_key",
        "KEY_PREFIX": f"{REDIS_PREFIX}cache",
        "OPTIONS": {
            "serializer": "mcpsite.shared_cache.JsonSerializer",
            "socket_connect_timeout": 2,
            "socket_timeout": 2,
        },
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
}
AUTH0_DOMAIN: str = env("AUTH0_DOMAIN", domain)
AUTH_AUDIENCE: list[str] = env("AUTH_AUDIENCE")
TRUSTED_ISSUERS: str = env("TRUSTED_ISSUERS")
LOCAL_ISSUER: bool = DEBUG if env("LOCAL_ISSUER") is None else env("LOCAL_ISSUER")
CLIENT_ID_METADATA_DOCUMENTS: bool = env("CLIENT_ID_METADATA_DOCUMENTS")
ALLOW_QUERY_TOKEN: bool = env("ALLOW_QUERY_TOKEN")
CONTACT: str = env("CONTACT")
REQUESTS_CA_BUNDLE: str = env("REQUESTS_CA_BUNDLE", lambda path: bundle_at(path, BASE_DIR))
SSL_CERT_FILE: str = env("SSL_CERT_FILE", lambda path: bundle_at(path, BASE_DIR))
if REQUESTS_CA_BUNDLE or SSL_CERT_FILE:  # `requests` takes it from there.
    os.environ["REQUESTS_CA_BUNDLE"] = REQUESTS_CA_BUNDLE or SSL_CERT_FILE
OPENWEATHERMAP_API_KEY: str = env("OPENWEATHERMAP_API_KEY")
OPENWEATHERMAP_URL: str = env("OPENWEATHERMAP_URL", secure_address)
AUDIT_TIMEOUT: float = env("AUDIT_TIMEOUT")
AUDIT_SEAL_SECONDS: float = env("AUDIT_SEAL_SECONDS")
AUDIT_KEY_FILE: str = env("AUDIT_KEY_FILE", lambda path: file_at(path or "var/audit-key.pem", BASE_DIR))
AUDIT_LINES: str = env("AUDIT_LINES", lambda text: lines_go_to(text, BASE_DIR))
AUDIT_LINES_FULL: bool = env("AUDIT_LINES_FULL")
DRAIN_SECONDS: float = env("DRAIN_SECONDS")
TOOL_TIME_LIMIT: float = env("TOOL_TIME_LIMIT")
TOOL_THREADS: int = env("TOOL_THREADS")
IGNORED_ARGUMENTS: list[str] = env("IGNORED_ARGUMENTS")
MAX_BODY_BYTES: int = env("MAX_BODY_BYTES")
MAX_JSON_DEPTH: int = env("MAX_JSON_DEPTH")
MAX_CALLS_IN_FLIGHT: int = env("MAX_CALLS_IN_FLIGHT")
MAX_SESSIONS_PER_CLIENT: int = env("MAX_SESSIONS_PER_CLIENT")
MAX_SESSION_IDLE: float = env("MAX_SESSION_IDLE")
SESSION_GRACE_SECONDS: float = env("SESSION_GRACE_SECONDS")
MAX_QUEUED_BYTES: int = env("MAX_QUEUED_BYTES")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.idp.oidc",
    "authz_app",
    "tools_app",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mcpsite.static_files.StaticFilesMiddleware",
    "authz_app.web.unavailable.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "authz_app.web.acting_user.ActingUserMiddleware",
    "authz_app.web.unavailable.UnavailableMiddleware",
]
ROOT_URLCONF = "mcpsite.urls"
ASGI_APPLICATION = "mcpsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _database_at(url: str) -> dict[str, Any]:
    return database(url, BASE_DIR) if url else {"ENGINE": SQLITE, "NAME": str(DATA_DIR / "db.sqlite3")}


_database = env("DATABASE_URL", _database_at)
if _database["ENGINE"].endswith("sqlite3"):
    # Only where there is none, nor what is left of one, is a database made: never in place of one that went missing.
    _none = not any(os.path.exists(f"{_database['NAME']}{ending}") for ending in ("", "-wal"))
    _database["NAME"] = f"file:{quote(_database['NAME'])}?mode={'rwc' if _none else 'rw'}"
    # FULL: a committed record survives a power cut. IMMEDIATE: a write transaction takes its lock when it begins,
    # so the policy version that it reads is the one it commits under.
    _database["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
    }
else:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    # A server that is gone without a word is noticed in seconds, not in the minutes after which TCP gives up.
    _database["OPTIONS"] = {
        "connect_timeout": 3,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        **_database.get("OPTIONS", {}),
    }
# On PostgreSQL one role may own the tables, and another, which serves, have no more rights on them than it needs.
MIGRATE_DATABASE_URL: str = env("MIGRATE_DATABASE_URL")
# Without it, this is the default of DATABASE_URL, which is not used.
_owners_database = env("MIGRATE_DATABASE_URL", _database_at)
SERVING_ROLE: str = _database.get("USER", "") if MIGRATE_DATABASE_URL else ""
AS_OWNER = bool(MIGRATE_DATABASE_URL) and (sys.argv[1:2] == ["migrate"] or sys.argv[1:3] == ["audit", "prune"])
if AS_OWNER:
    _database = {**_database, **_owners_database, "OPTIONS": _database["OPTIONS"]}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "authz_app.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Embedded issuer (LOCAL_ISSUER). Its signing key is no setting: the adapter reads it, and makes it, when it is needed.
IDP_OIDC_ADAPTER = "authz_app.embedded_issuer.adapter.EmbeddedIssuerAdapter"
IDP_OIDC_ACCESS_TOKEN_FORMAT = "jwt"
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 3600
IDP_OIDC_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]
# Counted anew with each refresh, which hands out another refresh token.
IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN = 30 * 24 * 3600
IDP_OIDC_DCR_ENABLED = True
IDP_OIDC_DCR_REQUIRES_INITIAL_ACCESS_TOKEN = False
# `authz_app.embedded_issuer.client_id_metadata` fetches documents of applications, and looks where it connects to.
IDP_OIDC_CIMD_ENABLED = False
IDP_OIDC_RATE_LIMITS = {
    "client_registration": f"{env('REGISTRATIONS_PER_MINUTE')}/m/ip",
    "cimd_fetch": f"{env('REGISTRATIONS_PER_MINUTE')}/m/ip",
    "device_code": f"{env('REGISTRATIONS_PER_MINUTE')}/m/ip",
    "device_user_code": f"{env('SIGN_INS_PER_MINUTE')}/m/user",
}
ACCOUNT_ADAPTER = "authz_app.embedded_issuer.accounts.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    "login": f"{6 * env('SIGN_INS_PER_MINUTE')}/m/ip",
    "login_failed": f"{env('SIGN_INS_PER_MINUTE')}/m/ip,{env('SIGN_INS_PER_MINUTE')}/5m/key",
}
LOGIN_URL = "account_login" if LOCAL_ISSUER else "admin:login"
LOGIN_REDIRECT_URL = "me" if LOCAL_ISSUER else "admin:index"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = f"{_public.path}/static/"
STATIC_ROOT = DATA_DIR / "static"
# With DEBUG the files are served from where they lie; otherwise `collectstatic` has gathered and named them.
WHITENOISE_USE_FINDERS = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "mcpsite.logs.LineFormatter"}},
    "filters": {"refused": {"()": "mcpsite.logs.RefusedRequestFilter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # The SDK logs what strangers send (names, session ids); what matters of it is in the call records.
        "mcp": {"level": "ERROR"},
        "httpx2": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        # What strangers send that Django refuses (a Host of another site, too many fields) is a traceback there; the
        # access log has the line of it.
        "django.security": {"level": "CRITICAL"},
        "django.security.csrf": {"level": "WARNING"},
        # What it ignores while a connection breaks is told by whoever had the connection.
        "psycopg": {"level": "ERROR"},
        "django.request": {"filters": ["refused"]},
        # While Redis is away it logs a traceback every second; the workers say so in a sentence.
        "channels_redis": {"level": "CRITICAL"},
    },
}

# The admin (django-unfold): its name, colours and sidebar. Pages are in `authz_app.pages` and `tools_app.admin`.
INSTALLED_APPS += ["unfold.contrib.filters"]


def _link(title: str, icon: str, url: str, permission: str) -> dict[str, Any]:
    """A link in the sidebar, for those who may open it."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(url),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _page(title: str, icon: str, model: str) -> dict[str, Any]:
    app_label, name = model.split(".")
    return _link(title, icon, f"admin:{app_label}_{name}_changelist", f"{app_label}.view_{name}")


_APPLICATIONS = _page("OAuth applications", "key", "allauth_idp_oidc.client")
UNFOLD = {
    "SITE_TITLE": "MCP permissions",
    "SITE_HEADER": "MCP permissions",
    "SITE_URL": reverse_lazy("start"),
    "SITE_SYMBOL": "verified_user",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("authz_app/icon.svg")},
    ],
    "DASHBOARD_CALLBACK": "authz_app.pages.start.dashboard.dashboard",
    "STYLES": [lambda request: static("authz_app/admin.css")],
    "SCRIPTS": [lambda request: static("authz_app/moments.js")],
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.604)",
            "100": "oklch(93.2% .032 255.585)",
            "200": "oklch(88.2% .059 254.128)",
            "300": "oklch(80.9% .105 251.813)",
            "400": "oklch(70.7% .165 254.624)",
            "500": "oklch(62.3% .214 259.815)",
            "600": "oklch(54.6% .245 262.881)",
            "700": "oklch(48.8% .243 264.376)",
            "800": "oklch(42.4% .199 265.638)",
            "900": "oklch(37.9% .146 265.522)",
            "950": "oklch(28.2% .091 267.935)",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {"items": [{"title": "Start", "icon": "home", "link": reverse_lazy("admin:index")}]},
            {
                "title": "Client permissions",
                "items": [
                    _page("Clients", "smart_toy", "authz_app.client"),
                    _page("Rules", "rule", "authz_app.rule"),
                    _link("Refusals", "front_hand", "refusals", "authz_app.view_callrecord"),
                    _link("Explain", "psychology_alt", "explain", "authz_app.explain_decision"),
                ],
            },
            {"title": "Tools", "items": [_page("Tools", "build", "tools_app.tool")]},
            {
                "title": "Audit log",
                "items": [
                    _page("Call records", "receipt_long", "authz_app.callrecord"),
                    _page("Sessions", "sensors", "tools_app.mcpsession"),
                    _page("Events", "event_note", "authz_app.auditevent"),
                    _page("Policy history", "history", "authz_app.policyedit"),
                    _link("Seals", "verified", "admin:authz_app_auditseal_changelist", "authz_app.view_callrecord"),
                ],
            },
            *([{"title": "Embedded issuer", "items": [_APPLICATIONS]}] if LOCAL_ISSUER else []),
            {
                "title": "People",
                "items": [_page("Users", "person", "authz_app.user"), _page("Groups", "group", "auth.group")],
            },
        ],
    },
}
