"""The console's page: static files under a strict policy, complete, and from nowhere else."""

import re
from pathlib import Path

import pytest

import service
from tests.api.client import Api, assert_problem
from tests.api.proxy import Gateway

FOLDER = Path(service.__file__).parent / "console"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".html", ".css", ".js", ".svg"))
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@pytest.fixture
def api():
    return Api(cloud="embedded")


def test_the_page_is_served_with_a_policy_that_lets_it_load_its_own_files_alone(api):
    page = api.get("/console")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert {policy[each] for each in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_served_with_its_type_and_the_policy(name, api):
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
def test_no_file_names_another_host_or_makes_markup_of_text(name):
    text = (FOLDER / name).read_text()
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_every_file_that_one_names_is_there():
    for name in FILES:
        text = (FOLDER / name).read_text()
        named = re.findall(r"""(?:from|import)\s+["']\./([\w.-]+)["']""", text)
        named += re.findall(r"""(?:href|src)=["']console/([\w.-]+)["']""", text)
        assert set(named) <= set(FILES), name


def test_the_page_and_its_picture_are_text_behind_api_gateway(event_loop):
    gateway = Gateway(api_auth="api_key", operator_api="on")
    for path in ("/console", "/console/icon.svg", "/console/main.js"):
        answer = gateway.get(path)
        assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
