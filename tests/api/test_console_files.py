"""The console's files: complete, under a strict content security policy, and in step with the domain's enums."""

import re
from pathlib import Path

import pytest

import service
from service.orders.lifecycle import TERMINAL, UNSUCCESSFUL, Status
from service.orders.model import FailureKind
from service.orders.redrive import Outcome
from service.orders.transitions import TRANSITIONS
from tests.api.client import Api, assert_problem
from tests.api.proxy import Gateway

FOLDER = Path(service.__file__).parent / "console"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".html", ".css", ".js", ".svg"))
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@pytest.fixture
def api():
    return Api(cloud="embedded")


def test_the_page_may_load_its_own_files_only(api):
    page = api.get("/console")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert {policy[each] for each in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_served_with_its_media_type_and_the_policy(name, api):
    file = api.get(f"/console/{name}")
    assert file.status_code == 200
    assert file.headers["content-type"].partition(";")[0] == MEDIA_TYPES[Path(name).suffix]
    assert "default-src 'none'" in file.headers["content-security-policy"]
    assert file.content == (FOLDER / name).read_bytes()


@pytest.mark.parametrize(
    "name", ["x.js", "__init__.py", "..%2fsettings.py", "%2e%2e", "main.js%00", "MAIN.JS", "a%2fb"]
)
def test_no_other_file_is_served(name, api):
    assert_problem(api.get(f"/console/{name}"), 404, "not-found")


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_another_host_or_inserts_text_as_html(name):
    text = (FOLDER / name).read_text()
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_every_imported_file_exists():
    for name in FILES:
        text = (FOLDER / name).read_text()
        named = re.findall(r"""(?:from|import)\s+["']\./([\w.-]+)["']""", text)
        named += re.findall(r"""(?:href|src)=["']console/([\w.-]+)["']""", text)
        assert set(named) <= {*FILES, "states.js"}, name


def test_files_are_text_behind_api_gateway(event_loop):
    gateway = Gateway(api_auth="api_key", operator_api="on")
    for path in ("/console", "/console/icon.svg", "/console/main.js"):
        answer = gateway.get(path)
        assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)


def keys_of(name, constant):
    """The keys of an object literal in one of the console's files."""
    literal = re.search(rf"const {constant} = {{(.*?)}};", (FOLDER / name).read_text(), re.DOTALL)
    return set(re.findall(r"^  (\w+):", literal[1], re.MULTILINE))


def test_the_statuses_of_the_console_come_from_the_transition_table(api):
    """The generated module is the only list of statuses that the console's files have."""
    served = api.get("/console/states.js")
    assert (served.status_code, served.headers["content-type"].partition(";")[0]) == (200, "text/javascript")
    lists = {name: set(re.findall(r'"(\w+)"', line)) for name, line in re.findall(r"const (\w+) = (.*);", served.text)}
    cancellable = {source.status for name in ("cancel", "ask_cancel") for source in TRANSITIONS[name].sources}
    assert lists == {
        "STATUSES": set(Status),
        "TERMINAL": TERMINAL,
        "UNSUCCESSFUL": UNSUCCESSFUL,
        "CANCELLABLE": cancellable,
    }


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_no_file_has_a_list_of_statuses_of_its_own(name):
    statuses = "|".join(Status)
    found = re.search(rf'"({statuses})",\s*"({statuses})"', (FOLDER / name).read_text())
    assert found is None, f"{name}: import the statuses {found[0]} from the generated states.js"


def test_every_status_has_an_icon():
    missing = set(Status) - keys_of("status.js", "SHAPES")
    assert not missing, f"add shapes for {missing} to service/console/status.js and colors to components.css"


@pytest.mark.parametrize(
    ("name", "constant", "kinds"),
    [("status.js", "REASONS", FailureKind), ("redriveresults.js", "OUTCOMES", Outcome)],
)
def test_every_kind_of_failure_and_every_outcome_has_a_text(name, constant, kinds):
    assert keys_of(name, constant) == set(kinds), f"change {constant} in service/console/{name}"
