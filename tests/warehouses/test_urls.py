"""The URLs that a warehouse may have."""

import pytest

from service.warehouses.urls import validate_url

ANYWHERE = [
    "https://warehouse.example.com",
    "https://warehouse.example.com/",
    "HTTPS://Warehouse.Example.com:8443/api/v1/",
    "https://10.0.0.7",
    "https://[2001:db8::1]:443/x",
    "http://127.0.0.1:8080",
    "http://127.8.9.1/api",
    "http://[::1]:8080",
    "http://localhost",
    "http://LOCALHOST.:1/",
]
EMULATOR_ONLY = [
    "http://warehouse:8080",
    "http://host.docker.internal:8080/",
    "http://warehouse.test",
    "http://172.18.0.4:8080",
    "http://[fd00::4]",
]
NEVER = {
    "http://warehouse.example.com": "https://",
    "http://203.0.114.7": "https://",
    "http://169.254.169.254/latest": "https://",
    "http://[fe80::1]": "https://",
    "http://0.0.0.0:80": "https://",
    "http://127.0.0.1.example.com": "https://",
    "http://localhost.example.com": "https://",
    "ftp://warehouse.example.com": "must begin with https://",
    "warehouse.example.com": "must begin with https://",
    "//warehouse.example.com": "must begin with https://",
    "https:warehouse.example.com": "must begin with https://",
    "https:/warehouse.example.com": "must begin with https://",
    "": "printable ASCII",
    "https://": "must name a host",
    "https://:443": "must name a host",
    "https://./": "must name a host",
    "https://warehouse.example.com:0": "must name a host, and a port",
    "https://warehouse.example.com:65536": "check its host and its port",
    "https://warehouse.example.com:x": "check its host and its port",
    "https://[::1": "check its host and its port",
    "https://clerk:hunter2@warehouse.example.com": "no user name and no password",
    "https://@warehouse.example.com": "no user name and no password",
    "https://warehouse.example.com?token=hunter2": "no query and no fragment",
    "https://warehouse.example.com/?": "no query and no fragment",
    "https://warehouse.example.com/#": "no query and no fragment",
    "https://warehouse.example.com\\@127.0.0.1": "backslashes",
    " https://warehouse.example.com": "without spaces",
    "https://ware\thouse.example.com": "without spaces",
    "https://warehouse.example.com\n": "without spaces",
    "https://wärehouse.example.com": "printable ASCII",
}


@pytest.mark.parametrize("emulator", [False, True])
@pytest.mark.parametrize("url", ANYWHERE)
def test_https_and_this_machine_are_valid_everywhere(url, emulator):
    validate_url(url, emulator=emulator)


@pytest.mark.parametrize("url", EMULATOR_ONLY)
def test_http_to_a_private_network_is_valid_with_an_emulator_only(url):
    validate_url(url, emulator=True)
    with pytest.raises(ValueError, match=r"http:// is for a host of this machine$"):
        validate_url(url)


@pytest.mark.parametrize("emulator", [False, True])
@pytest.mark.parametrize("url", NEVER)
def test_any_other_url_is_refused_with_a_reason_that_does_not_quote_it(url, emulator):
    with pytest.raises(ValueError, match=NEVER[url]) as caught:
        validate_url(url, emulator=emulator)
    assert "hunter2" not in str(caught.value)
