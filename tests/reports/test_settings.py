"""Settings as people write them: in `.env`, in a container's environment, with passwords, spaces, quotes and typos.

Covers: authz_app.setting_checks, mcpsite.environment, mcpsite.file_settings
"""

import os
import runpy
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcpsite import settings
from tests import warm_python
from tests.site import ROOT, free_port

SECRET = "hunter2-is-no-password"
KEY = "a-secret-key-that-is-used-by-the-tests-and-nowhere-else"
# What a person might set, where it is not told from the kind of the setting.
VALUES = {
    "DEBUG": "false",
    "SECRET_KEY": f"$ecret#with=signs{{}}-{KEY}",
    "PUBLIC_URL": "https://mcp.example.com",
    "TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1,, [::1] ,",
    "DATABASE_URL": f"postgres://mcp:{SECRET}#with=signs@127.0.0.1:1/mcp?sslmode=disable",
    "MIGRATE_DATABASE_URL": "postgresql://owner@127.0.0.1:1/mcp",
    "REDIS_URL": f"redis://:{SECRET}#=@127.0.0.1:1/0",
    "AUTH0_DOMAIN": "tenant.eu.auth0.com",
    "AUTH_AUDIENCE": "https://a.example, https://b.example/mcp ,",
    "TRUSTED_ISSUERS": '[{"issuer": "https://issuer.example/", "audiences": ["https://mcp.example.com/mcp"]}]',
    "OPENWEATHERMAP_URL": "https://weather.example/data?units=metric",
    "REQUESTS_CA_BUNDLE": "/dev/null",
    "SSL_CERT_FILE": "/dev/null",
    "AUDIT_KEY_FILE": "/nowhere/audit key.pem",
    "AUDIT_LINES": "/nowhere/lines.jsonl",
    "CONTACT": "the operators (ops@example.com#ops)",
}
OF_KIND = {bool: "true", int: "17", float: "2.5", list: "https://a.example, https://b.example", str: "text"}


def values() -> dict[str, str]:
    return {name: VALUES.get(name, OF_KIND[kind]) for name, (kind, *_) in settings.ENV.scheme.items()}


def run(*arguments: str, env_file: Path | str = os.devnull, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a management command of the site itself, with nothing of the tests' settings."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    return warm_python.run(
        arguments, {**kept, "DJANGO_SETTINGS_MODULE": "mcpsite.settings", "ENV_FILE": str(env_file), **environment}
    )


def written(path: Path, content: str | bytes) -> Path:
    file = path / ".env"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(0o600)
    return file


def read(monkeypatch: pytest.MonkeyPatch, env_file: Path | str = os.devnull, **environment: str) -> dict[str, Any]:
    """The settings of a site with this file and this environment, and nothing else.

    Raises:
        SystemExit: the site does not start with them.
    """
    with monkeypatch.context() as patched:
        patched.setattr(os, "environ", {"ENV_FILE": str(env_file), **environment})
        found = runpy.run_path(str(settings.__file__))
    plain = (bool, int, float, str, list, dict)
    names = [name for name in found if name.isupper() and name[0] != "_" and name != "UNFOLD"]
    return {name: found[name] for name in names if isinstance(found[name], plain)}


def single(value: str) -> str:
    return f"'{value}'"


def double(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_MARK = "\ufeff"
SPELLINGS: dict[str, Callable[[str, str], str]] = {
    "spaces": lambda name, value: f"  {name}  =   {value}  \n",
    "tabs": lambda name, value: f"{name}\t=\t{value}\t\n",
    "export": lambda name, value: f"export {name}={value}\n",
    "export_and_spaces": lambda name, value: f"export  {name} = {single(value)}\n",
    "single_quotes": lambda name, value: f"{name}={single(value)}\n",
    "double_quotes": lambda name, value: f"{name} = {double(value)}  # a comment\n",
    "json_in_quotes_as_it_is": lambda name, value: f'{name}="{value}"\n',
    "crlf": lambda name, value: f"# a comment\r\n\r\n{name}={value}\r\n",
    "comments": lambda name, value: f"  # {SECRET}\n{name}={value} # it's a comment\n",
    "byte_order_mark": lambda name, value: _MARK * (name == "SECRET_KEY") + f"{name}={value}\n",
    "twice_the_same": lambda name, value: f"{name}={value}\n{name}={value}\n",
    "quotes_and_crlf": lambda name, value: f"{name}={single(value)}\r\n",
}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the settings are where each is set in the plainest way."""
    return read(monkeypatch, **values())


def test_every_setting_is_what_the_environment_says(plain: dict[str, Any]) -> None:
    assert plain["SECRET_KEY"] == VALUES["SECRET_KEY"]
    assert plain["TRUSTED_PROXIES"] == ["10.0.0.0/8", "127.0.0.1", "[::1]"]
    assert plain["AUTH_AUDIENCE"] == ["https://a.example", "https://b.example/mcp"]
    assert plain["DATABASES"]["default"]["PASSWORD"] == f"{SECRET}#with=signs"
    assert plain["DATABASES"]["default"]["OPTIONS"].items() >= {"connect_timeout": 3, "sslmode": "disable"}.items()
    assert plain["REDIS_URL"] == f"redis://:{SECRET}%23%3D@127.0.0.1:1/0"
    assert plain["CONTACT"] == VALUES["CONTACT"]
    assert plain["MAX_SESSION_IDLE"] == 2.5


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_setting_in_env_is_read_however_it_is_written(
    plain: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spelling: Callable[[str, str], str]
) -> None:
    file = written(tmp_path, "".join(spelling(name, value) for name, value in values().items()))
    assert read(monkeypatch, file) == plain | {"SETTING_DOUBTS": []}


@pytest.mark.parametrize("quoted", [single, double, lambda value: f" {value}\r"], ids=["single", "double", "white"])
def test_a_container_s_environment_may_keep_quotes_and_line_ends(
    plain: dict[str, Any], monkeypatch: pytest.MonkeyPatch, quoted: Callable[[str], str]
) -> None:
    environment = {name: quoted(value) for name, value in values().items() if '"' not in value}
    assert read(monkeypatch, TRUSTED_ISSUERS=f"'{VALUES['TRUSTED_ISSUERS']}'", **environment) == plain


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = written(tmp_path, "".join(f"{name}= # none\n" for name in settings.ENV.scheme))
    defaults = read(monkeypatch)
    assert read(monkeypatch, file) == defaults
    assert read(monkeypatch, **dict.fromkeys(settings.ENV.scheme, "")) == defaults


def test_a_database_url_with_spaces_round_its_equals_sign_is_the_database(tmp_path: Path) -> None:
    file = written(tmp_path, f"DEBUG = true\nDATABASE_URL = {VALUES['DATABASE_URL']}\n")
    done = run("migrate", env_file=file)
    assert done.returncode == 2
    assert "The database cannot be used: connection" in done.stderr
    assert SECRET not in done.stdout + done.stderr


NOT_UNDERSTOOD = {
    "no_equals_sign": f"DATABASE_URL postgres://u:{SECRET}@h/d",
    "yaml": f"DATABASE_URL: postgres://u:{SECRET}@h/d",
    "a_value_alone": SECRET,
    "a_name_alone": f"export {SECRET}",
    "an_open_quote": f"SECRET_KEY='{SECRET}",
    "an_open_double_quote": f'SECRET_KEY="{SECRET}',
    "another_quote_at_the_end": f"SECRET_KEY='{SECRET}\"",
    "text_after_the_quote": f"SECRET_KEY='{SECRET}' {SECRET}",
    "a_quote_within_quotes": f'SECRET_KEY="{SECRET}"{SECRET}"',
    "a_name_with_a_hyphen": f"SECRET-KEY={SECRET}",
    "a_name_that_begins_with_a_digit": f"1KEY={SECRET}",
    "a_name_in_quotes": f'"SECRET_KEY"={SECRET}',
    "json": f'{{"SECRET_KEY": "{SECRET}"}}',
    "a_section": f"[{SECRET}]",
    "a_conflict": f"<<<<<<< {SECRET}",
    "a_nul": f"SECRET_KEY={SECRET}\0",
    "a_shell_s_command": f"set SECRET_KEY={SECRET}",
    "a_comment_of_another_language": f"// {SECRET}",
    "a_continued_line": f"{SECRET} \\",
    "latin_1": f"CONTACT=\xfc {SECRET}".encode("latin-1"),
}


@pytest.mark.parametrize("line", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_a_line_of_env_that_is_not_understood_stops_the_start_and_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, line: str | bytes
) -> None:
    line = line if isinstance(line, bytes) else line.encode()
    file = written(tmp_path, b"DEBUG=true\r\n# fine\n" + line + b"\nPORT=8001\n")
    with pytest.raises(SystemExit) as ended:
        read(monkeypatch, file)
    assert str(ended.value.code).startswith(f"{file}: line 3 ")
    assert SECRET not in "".join([str(ended.value.code), *capfd.readouterr()])


@pytest.mark.parametrize("command", ["serve", "check", "migrate"])
def test_no_program_of_the_site_prints_a_line_of_env(tmp_path: Path, command: str) -> None:
    file = written(tmp_path, f"DEBUG=true\nDATABASE_URL postgres://u:{SECRET}@h/d\n")
    done = run(command, env_file=file)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"{file}: line 2 is neither NAME=value nor a comment. It is not shown, for it may hold a secret.\n"
    )
    assert done.stdout == ""


@pytest.mark.parametrize("kind", ["missing", "directory"])
def test_an_env_file_that_cannot_be_read_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "settings.env"
    if kind == "directory":
        file.mkdir()
    with pytest.raises(SystemExit, match="cannot be read: "):
        read(monkeypatch, file)


REFUSED = {
    "DEBUG": ["ture", "2", "enabled", "falsch", "None"],
    "LOCAL_ISSUER": ["maybe"],
    "PORT": ["80 80", "8000 # the port", "http", "0", "-1", "8000.0", "0x1f90", "٨٠٠٠"],
    "TOOL_THREADS": ["many", "0", "-4", "1.000", "1,00", "1e3", "9" * 5_000],
    "AUDIT_TIMEOUT": ["0", "-5", "5 parsecs", "1,5", "nan", "inf", "1e3", "5s5s"],
    "AUTH_AUDIENCE": ["https://a.example https://b.example", '["https://a.example", 5]', '["https://a.example"'],
    "AUDIT_LINES": ["syslog", "true", "yes"],
    "DATABASE_URL": [
        f"u:{SECRET}@h/d",
        f"//u:{SECRET}@h/d",
        f"mysql://u:{SECRET}@h/d",
        f"postgres://u:{SECRET}@h",
        f"postgres://u:{SECRET}@h:port/d",
        f"postgres://u:{SECRET}@h:99999/d",
        f"postgres:/u:{SECRET}@h/d",
        f"host=h password={SECRET}",
        "sqlite://db.sqlite3",
        "sqlite:///:memory:",
        "/srv/db.sqlite3",
    ],
    "MIGRATE_DATABASE_URL": [f"u:{SECRET}@h/d"],
    "REDIS_URL": [f"u:{SECRET}@h:6379", "localhost:6379", f"http://u:{SECRET}@h", f"redis://u:{SECRET}@h/zero"],
    "PUBLIC_URL": [
        "mcp.example.com",
        "localhost:8000",
        "//mcp.example.com",
        "ftp://mcp.example.com",
        "wss://mcp.example.com",
        f"https://u:{SECRET}@mcp.example.com",
        f"https://{SECRET}@mcp.example.com",
        "https://mcp.example.com/mcp",
        "https://mcp.example.com/sse/",
        "https://mcp.example.com/?a=b",
        "https://mcp.example.com/#top",
        "https://mcp.example.com:port",
        "https://mcp.example.com:99999",
        "https://mcp example.com",
        "https://my_site.example",
        "http://::1:8000",
        "http://[::1:8000",
        "https://",
        "https:/mcp.example.com",
        "https://mcp.example.com, https://other.example",
        "https://a..example",
        "https://\u2028.example",
    ],
    "AUTH0_DOMAIN": ["tenant", "http://tenant.auth0.com", f"u:{SECRET}@tenant.auth0.com", "https://t.auth0.com/api/v2/"],
    "OPENWEATHERMAP_URL": ["weather.example", "http://weather.example/data", f"https://u:{SECRET}@weather.example"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in REFUSED for value in REFUSED[name]])
def test_a_setting_that_cannot_be_meant_so_is_refused_in_a_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        read(monkeypatch, **{name: value})
    sentence = str(ended.value.code)
    assert sentence.startswith(f"The setting {name} ")
    assert "\n" not in sentence
    assert SECRET not in sentence


MEANT: list[tuple[str, str, Any]] = [
    ("PUBLIC_URL", "HTTPS://MCP.Example.COM:443/", "https://mcp.example.com"),
    ("PUBLIC_URL", "http://LOCALHOST:80//", "http://localhost"),
    ("PUBLIC_URL", "http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000"),
    ("PUBLIC_URL", "https://b\xfccher.example./", "https://xn--bcher-kva.example"),
    ("PUBLIC_URL", "https://mcp.example.com/Agents/", "https://mcp.example.com/Agents"),
    ("AUTH0_DOMAIN", "HTTPS://Tenant.eu.Auth0.com/", "tenant.eu.auth0.com"),
    ("REDIS_URL", " REDIS://h:6379/ ", "redis://h:6379"),
    ("REDIS_URL", "redis://:p@ss/w?rd@h:6379/1", "redis://:p%40ss%2Fw%3Frd@h:6379/1"),
    ("OPENWEATHERMAP_URL", "HTTPS://Weather.Example:443/data", "https://weather.example/data"),
    ("MAX_BODY_BYTES", "1 048 576", 1_048_576),
    ("MAX_BODY_BYTES", "1_048_576", 1_048_576),
    ("MAX_BODY_BYTES", "1,048,576", 1_048_576),
    ("MAX_SESSION_IDLE", "1h", 3_600.0),
    ("MAX_SESSION_IDLE", "15 minutes", 900.0),
    ("MAX_SESSION_IDLE", "90S", 90.0),
    ("AUDIT_LINES", "Off", "off"),
    ("AUDIT_LINES", "STDOUT", "stdout"),
    ("AUTH_AUDIENCE", '["https://a.example", "b"]', ["https://a.example", "b"]),
    *(("DEBUG", spelling, True) for spelling in ("True", "TRUE", "yes", "On", "1", "t", "Y")),
    *(("LOCAL_ISSUER", spelling, False) for spelling in ("False", "FALSE", "no", "Off", "0", "f", "N")),
]


@pytest.mark.parametrize(("name", "value", "meant"), MEANT)
def test_a_setting_that_can_mean_one_thing_only_means_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, meant: object
) -> None:
    assert read(monkeypatch, **{name: value})[name] == meant


def test_hosts_and_origins_are_as_clients_send_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, PUBLIC_URL="http://[::1]:8000/")
    assert (found["ALLOWED_HOSTS"], found["CSRF_TRUSTED_ORIGINS"]) == (["[::1]"], ["http://[::1]:8000"])
    found = read(monkeypatch, PUBLIC_URL="https://B\xdcCHER.example:8443")
    origin = "https://xn--bcher-kva.example:8443"
    assert (found["ALLOWED_HOSTS"], found["CSRF_TRUSTED_ORIGINS"]) == (["xn--bcher-kva.example"], [origin])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DATABASE_URI", "DATABASE_URL"),
        ("DJANGO_SECRET_KEY", "SECRET_KEY"),
        ("debug", "DEBUG"),
        ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
        ("AUTH0_AUDIENCE", "AUTH_AUDIENCE"),
        ("DJANGO_DEBUG", "DEBUG"),
    ],
)
def test_a_name_in_env_that_is_nearly_a_setting_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, meant: str
) -> None:
    file = written(tmp_path, f"DEBUG=true\n{name}={SECRET}\nMY_OWN_APP_URL=x\nhttps_proxy=x\n")
    assert read(monkeypatch, file)["SETTING_DOUBTS"] == [
        f"Line 2 of {file} sets {name}, which is no setting of this site. Did you mean {meant}?"
    ]


def test_a_check_tells_what_in_env_may_be_a_mistake(tmp_path: Path) -> None:
    done = run("check", env_file=written(tmp_path, f"DEBUG=true\nDATABASE_URI={SECRET}\nPORT=1\nPORT=2"))
    assert done.returncode == 0
    assert done.stderr.count("authz.W007") == 2
    assert SECRET not in done.stderr


def test_a_setting_that_is_set_twice_is_told_and_the_last_one_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = written(tmp_path, "DEBUG=true\nPORT=8001\nPORT=8002\n")
    found = read(monkeypatch, file)
    assert found["PORT"] == 8002
    assert "sets PORT, and line 3 sets it again" in found["SETTING_DOUBTS"][0]
    assert read(monkeypatch, file, PORT="8003")["PORT"] == 8003


@pytest.mark.parametrize("url", ["https://mcp.example.com", "http://192.168.1.5:8000"])
@pytest.mark.parametrize("secret", [{}, {"SECRET_KEY": KEY}], ids=["no_key", "a_key"])
def test_debug_pages_are_not_shown_to_strangers(url: str, secret: dict[str, str]) -> None:
    done = run("serve", "--port", str(free_port()), DEBUG="true", PUBLIC_URL=url, **secret)
    assert done.returncode == 1
    assert "authz.E007" in done.stderr
    assert ("authz.E001" in done.stderr) is not bool(secret)


def test_the_known_key_is_not_used_where_other_machines_connect() -> None:
    done = run("serve", "--host", "0.0.0.0", "--port", str(free_port()), DEBUG="true")
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr


def test_a_check_names_files_that_others_can_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        database, key = directory / "db.sqlite3", directory / "audit-key.pem"
        file = written(directory, f"DEBUG=true\nDATABASE_URL=sqlite:///{database}\nAUDIT_KEY_FILE={key}\n")
        for one in (file, database, key):
            one.touch()
            one.chmod(0o644)
        told = run("check", env_file=file).stderr
        assert [one for one in (file, database, key) if f"Run: chmod 600 {one}\n" in told] == [file, database, key]
        for one in (file, database, key):
            one.chmod(0o600)
        assert "authz.W008" not in run("check", env_file=file).stderr


def test_a_database_that_is_made_is_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    code = "import os; os.umask(0o022); import manage, sys; sys.argv[1:] = ['migrate', '-v0']; manage.main()"
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "DEBUG": "true",
        "PUBLIC_URL": "",
        "DATABASE_URL": f"sqlite:///{path}",
    }
    environment["DJANGO_SETTINGS_MODULE"] = "mcpsite.settings"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=280)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
