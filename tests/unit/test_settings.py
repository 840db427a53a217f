"""The settings are validated at the start, and all problems are listed together."""

from contextlib import nullcontext
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from service.settings import EMBEDDED_DEFAULTS, PREFIX, Settings, SettingsError
from tests.support import SETTINGS

REQUIRED = {
    "DOFS_ORDERS_TABLE": "orders",
    "DOFS_FAILED_ORDERS_TABLE": "failed",
    "DOFS_QUEUE_URL": "https://sqs.ap-south-1.amazonaws.com/123456789012/queue",
    "DOFS_DEAD_LETTER_QUEUE_URL": "https://sqs.ap-south-1.amazonaws.com/123456789012/dead",
    "DOFS_STATE_MACHINE_ARN": "arn:aws:states:ap-south-1:123456789012:stateMachine:workflow",
}


SHORT = {"DOFS_VISIBILITY_TIMEOUT": "30", "DOFS_FUNCTION_TIMEOUT": "5", "DOFS_DEADLINE_MARGIN": "1"}


def load(**variables: str) -> Settings:
    return Settings.load({**REQUIRED, **variables})


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as wrong:
        Settings.load(environ)
    return str(wrong.value).splitlines()


def test_five_names_are_required_and_the_rest_has_defaults():
    settings = load()
    assert (settings.orders_table, settings.failed_orders_table) == ("orders", "failed")
    assert (settings.cloud, settings.max_attempts, settings.fulfillment_success_rate) == ("aws", 3, 0.7)


def test_all_missing_variables_are_listed_with_their_meaning():
    found = problems({})
    assert [line.split()[0] for line in found] == list(REQUIRED)
    assert found[0] == "DOFS_ORDERS_TABLE is missing: DynamoDB table of the orders"


@pytest.mark.parametrize("name", REQUIRED)
def test_an_empty_required_variable_is_missing(name: str):
    (problem,) = problems(REQUIRED | {name: ""})
    assert problem.startswith(f"{name} is missing")


def test_an_empty_optional_variable_is_its_default():
    assert load(DOFS_MAX_ATTEMPTS="", DOFS_CLOUD="") == load()


def test_missing_invalid_and_unknown_variables_are_listed_together():
    found = problems({"DOFS_MAX_ATTEMPTS": "three", "DOFS_RESTART_AFTER": "soon", "DOFS_TYPO": "1", "DOFS_": ""})
    assert {line.split()[0].partition("=")[0] for line in found} == {
        *REQUIRED,
        "DOFS_MAX_ATTEMPTS",
        "DOFS_RESTART_AFTER",
        "DOFS_TYPO",
        "DOFS_",
    }
    assert "DOFS_MAX_ATTEMPTS='three' is not a whole number" in found
    assert "DOFS_RESTART_AFTER='soon' is not a number" in found
    assert "DOFS_TYPO is not a setting of DOFS" in found


def test_values_out_of_range_are_listed_beside_missing_variables():
    found = problems({"DOFS_MAX_ATTEMPTS": "0"})
    assert len(found) == len(REQUIRED) + 1
    assert any(line.startswith("DOFS_MAX_ATTEMPTS=0") for line in found)


def test_variables_without_the_prefix_are_ignored():
    assert Settings.load({**REQUIRED, "PATH": "/bin", "AWS_REGION": "x", "dofs_typo": "1", "XDOFS_TYPO": "1"}) == load()


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch):
    for name, value in {**REQUIRED, "DOFS_MAX_ATTEMPTS": "9"}.items():
        monkeypatch.setenv(name, value)
    assert Settings.load() == load(DOFS_MAX_ATTEMPTS="9")


@pytest.mark.parametrize("value", ["1.5", "1e1", "0x3", "true", "drei"])
def test_a_value_that_is_not_an_integer_is_refused(value: str):
    assert problems({**REQUIRED, "DOFS_MAX_ATTEMPTS": value}) == [f"DOFS_MAX_ATTEMPTS={value!r} is not a whole number"]


@pytest.mark.parametrize(
    ("name", "below", "least", "most", "above"),
    [
        ("DOFS_MAX_ATTEMPTS", "0", "1", "100", "101"),
        ("DOFS_VISIBILITY_TIMEOUT", "5", "6", "43200", "43201"),
        ("DOFS_RETRY_DELAY", "-1", "0", "43199", "43200"),
        ("DOFS_FUNCTION_TIMEOUT", "0", "1", "900", "901"),
        ("DOFS_STATUS_SHARDS", "0", "1", "256", "257"),
        ("DOFS_PREVIOUS_STATUS_SHARDS", "0", "1", "256", "257"),
        ("DOFS_RESTART_LIMIT", "0", "1", "100000", "100001"),
        ("DOFS_RECONCILE_LIMIT", "0", "1", "100000", "100001"),
        ("DOFS_RECONCILE_PARALLEL", "0", "1", "30", "31"),
        ("DOFS_FULFILLMENT_SUCCESS_RATE", "-0.01", "0", "1", "1.01"),
        ("DOFS_FULFILLMENT_LATENCY", "-1.0", "0", "60", "60.1"),
        ("DOFS_EMBEDDED_AWS_PORT", "-1", "0", "65535", "65536"),
        ("DOFS_EMBEDDED_RECONCILE_EVERY", "0.05", "0.1", "3600", "3600.1"),
        ("DOFS_EMBEDDED_EXECUTIONS_KEPT", "9", "10", "1000000", "1000001"),
    ],
)
def test_a_number_has_a_range(name: str, below: str, least: str, most: str, above: str):
    others = {"DOFS_DEADLINE_MARGIN": "0", "DOFS_FUNCTION_TIMEOUT": "1", "DOFS_VISIBILITY_TIMEOUT": "43200"}
    assert load(**{**others, name: least}) != load(**{**others, name: most})
    for value in (below, above):
        assert f"{name}={value} must be between {least} and {most}" in problems({**REQUIRED, name: value})


DURATIONS = [
    "DOFS_RESTART_AFTER",
    "DOFS_RECOVER_AFTER",
    "DOFS_RESEND_AFTER",
    "DOFS_LOOK_AFTER",
    "DOFS_DUE_AFTER",
    "DOFS_BACKOFF_CEILING",
    "DOFS_DEADLINE_MARGIN",
]


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e300"])
def test_a_negative_or_infinite_duration_is_refused(name: str, value: str):
    (problem,) = problems({**REQUIRED, name: value})
    assert problem.startswith(f"{name}=")


def test_all_values_out_of_range_are_listed_together():
    found = problems({**REQUIRED, "DOFS_MAX_ATTEMPTS": "0", "DOFS_STATUS_SHARDS": "0", "DOFS_CLOUD": "moon"})
    assert [line.partition("=")[0] for line in found] == ["DOFS_CLOUD", "DOFS_MAX_ATTEMPTS", "DOFS_STATUS_SHARDS"]


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"DOFS_CLOUD": "azure"}, "DOFS_CLOUD='azure' must be one of embedded, localstack, aws"),
        ({"DOFS_API_AUTH": "basic"}, "DOFS_API_AUTH='basic' must be one of none, api_key, iam, cognito"),
        ({"DOFS_LOG_LEVEL": "info"}, "DOFS_LOG_LEVEL='info' must be one of DEBUG, INFO, WARNING, ERROR"),
        ({"DOFS_FULFILLMENT_LATENCY": "15", **SHORT}, "DOFS_FULFILLMENT_LATENCY=15.0 must be"),
        ({"DOFS_RETRY_DELAY": "30", **SHORT}, "DOFS_RETRY_DELAY=30 must be below DOFS_VISIBILITY_TIMEOUT, 30"),
        ({"DOFS_DEADLINE_MARGIN": "30", "DOFS_FUNCTION_TIMEOUT": "30"}, "DOFS_DEADLINE_MARGIN=30.0 must be below"),
        ({"DOFS_AWS_ENDPOINT_URL": "http://localhost:4566"}, "DOFS_AWS_ENDPOINT_URL is for emulators"),
        ({"DOFS_CLOUD": "localstack"}, "DOFS_CLOUD=localstack needs DOFS_AWS_ENDPOINT_URL"),
        ({"DOFS_WORKFLOW_TYPE": "express"}, "DOFS_WORKFLOW_TYPE='express' must be one of STANDARD, EXPRESS"),
        ({"DOFS_WORKFLOW_TYPE": "EXPRESS"}, "DOFS_WORKFLOW_TYPE is for emulators: on AWS, set workflow_type"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(variables: dict[str, str], problem: str):
    (found,) = problems({**REQUIRED, **variables})
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "url",
    [
        "https://dynamodb.ap-south-1.amazonaws.com",
        "https://SQS.AP-SOUTH-1.AMAZONAWS.COM:443/",
        "https://sqs.cn-north-1.amazonaws.com.cn",
        "https://dynamodb.ap-south-1.api.aws",
        "localhost:4566",
    ],
)
def test_an_endpoint_of_aws_is_refused_as_an_emulator(url: str):
    (problem,) = problems({**REQUIRED, "DOFS_CLOUD": "localstack", "DOFS_AWS_ENDPOINT_URL": url})
    assert problem.startswith("DOFS_CLOUD=localstack needs DOFS_AWS_ENDPOINT_URL")


def test_an_endpoint_that_is_not_a_url_is_refused():
    assert problems({**REQUIRED, "DOFS_CLOUD": "localstack", "DOFS_AWS_ENDPOINT_URL": "http://[::1"})


@pytest.mark.parametrize("url", ["http://localstack:4566", "http://localhost.localstack.cloud:4566"])
def test_an_endpoint_of_an_emulator_is_accepted(url: str):
    assert load(DOFS_CLOUD="localstack", DOFS_AWS_ENDPOINT_URL=url).aws_endpoint_url == url


def test_an_attempt_may_take_almost_as_long_as_its_lease():
    settings = load(DOFS_FULFILLMENT_LATENCY="14.9", **SHORT)
    assert settings.fulfillment_latency < settings.lease == 15


def test_a_lease_ends_before_the_queue_delivers_again():
    assert SETTINGS.lease < SETTINGS.visibility_timeout
    assert SETTINGS.policy.lease == timedelta(seconds=SETTINGS.lease)


@pytest.mark.parametrize(("timeout", "seconds"), [(30, 5), (20, 5), (10, 2.5), (5, 1.25)])
def test_a_request_can_ask_the_warehouse_twice_within_the_timeout_of_the_function(timeout: int, seconds: float):
    assert replace(SETTINGS, function_timeout=timeout, deadline_margin=1).policy.cancel_seconds == seconds


def test_the_deadline_margin_may_be_just_below_the_function_timeout():
    assert load(DOFS_DEADLINE_MARGIN="29.9", DOFS_FUNCTION_TIMEOUT="30").deadline_margin == 29.9


@pytest.mark.parametrize(("timeout", "recover", "resend"), [(180, 400, 900), (200, 400, 1000), (1000, 2000, 5000)])
def test_the_reconciler_waits_until_the_queue_could_have_redelivered(timeout: int, recover: int, resend: int):
    policy = replace(SETTINGS, visibility_timeout=timeout).policy
    assert policy.recover_after == timedelta(seconds=recover)
    assert policy.resend_after == timedelta(seconds=resend)


@pytest.mark.parametrize(("shards", "previous", "read"), [(8, 1, 8), (16, 8, 16), (4, 16, 16)])
def test_reads_use_the_larger_number_of_shards(shards: int, previous: int, read: int):
    assert replace(SETTINGS, status_shards=shards, previous_status_shards=previous).read_shards == read


CHANGED: dict[str, Any] = {
    "cloud": "localstack",
    "aws_endpoint_url": "http://localstack:4566",
    "region": "eu-west-1",
    "environment": "staging",
    "workflow_type": "EXPRESS",
    "api_auth": "cognito",
    "cors_origins": "https://a.example,https://b.example",
    "log_level": "DEBUG",
    "fulfillment_seed": "another seed",
    "fulfillment_success_rate": 1 / 3,
    "visibility_timeout": 186,
    "deadline_margin": 0.1 + 0.2,
}


def test_settings_written_as_environment_variables_load_unchanged():
    numbers = {
        each.name: getattr(SETTINGS, each.name) + 1
        for each in fields(Settings)
        if each.type in (int, float) and each.name not in CHANGED and not each.metadata["embedded_only"]
    }
    for settings in (SETTINGS, replace(SETTINGS, **numbers, **CHANGED)):
        assert Settings.load(settings.environment_variables()) == settings


def test_a_function_gets_no_settings_of_the_embedded_cloud():
    names = {each.name for each in fields(Settings) if not each.name.startswith("embedded_")}
    assert SETTINGS.environment_variables().keys() == {PREFIX + name.upper() for name in names}


def test_the_embedded_defaults_load_with_the_names_of_the_resources():
    settings = Settings.load(EMBEDDED_DEFAULTS | REQUIRED)
    assert settings.cloud == "embedded"
    assert settings.lease == 15
    assert problems(EMBEDDED_DEFAULTS) == problems({})


def test_variables_of_the_command_line_are_allowed():
    Settings.load({**REQUIRED, "DOFS_API_URL": "http://127.0.0.1:8000", "DOFS_API_KEY": "canary"})


@pytest.mark.parametrize(
    ("cloud", "switch", "served"),
    [("aws", "off", False), ("aws", "on", True), ("embedded", "off", True), ("embedded", "on", True)],
)
def test_the_operator_api_is_off_on_aws_unless_it_is_turned_on(cloud, switch, served):
    environ = {**REQUIRED, "DOFS_CLOUD": cloud, "DOFS_OPERATOR_API": switch, "DOFS_API_AUTH": "iam"}
    assert Settings.load(environ).serves_operators is served


@pytest.mark.parametrize(
    ("changes", "loads"),
    [
        ({}, False),
        ({"DOFS_OPEN_API": "on"}, True),
        ({"DOFS_ENVIRONMENT": "dev"}, True),
        ({"DOFS_API_AUTH": "iam"}, True),
        ({"DOFS_CLOUD": "embedded"}, True),
    ],
)
def test_the_api_on_aws_is_open_outside_dev_only_if_that_is_meant(changes, loads):
    environ = {**REQUIRED, "DOFS_CLOUD": "aws", "DOFS_ENVIRONMENT": "prod", "DOFS_API_AUTH": "none", **changes}
    with nullcontext() if loads else pytest.raises(SettingsError, match="DOFS_OPEN_API=on"):
        Settings.load(environ)


@pytest.mark.parametrize(
    "wrong", ["k1", "k1=", "=shop", "k1=shop k2=shop", "k1=Shop", "k1=a=b", ",", "k1=shop,,k2=shop"]
)
def test_callers_of_keys_are_pairs(wrong):
    Settings.load({**REQUIRED, "DOFS_API_CALLERS": "k1=shop,k2=shop-2"})
    with pytest.raises(SettingsError, match="DOFS_API_CALLERS="):
        Settings.load({**REQUIRED, "DOFS_API_CALLERS": wrong})


@pytest.mark.parametrize("origin", ["https://shop.example/", "https://shop.example/app", "*", "shop.example", "null"])
def test_an_origin_that_no_browser_sends_is_refused(origin):
    [problem] = problems({**REQUIRED, "DOFS_CORS_ORIGINS": f"https://other.example, {origin}"})
    assert problem.startswith(f"DOFS_CORS_ORIGINS has {origin!r}, ")


def test_the_operator_api_on_aws_needs_authentication():
    with pytest.raises(SettingsError, match="DOFS_OPERATOR_API=on needs DOFS_API_AUTH"):
        Settings.load({**REQUIRED, "DOFS_OPERATOR_API": "on"})


def test_a_switch_is_on_or_off():
    with pytest.raises(SettingsError, match="DOFS_OPERATOR_API='yes' must be one of off, on"):
        Settings.load({**REQUIRED, "DOFS_OPERATOR_API": "yes"})


ARN = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:dofs-warehouse-dev-AbCdEf"
WAREHOUSE = {"DOFS_WAREHOUSE_URL": "https://warehouse.example/v1", "DOFS_WAREHOUSE_SECRET": ARN}
PLAIN = "whsec_" + "QUJD" * 8
EMULATOR = {"DOFS_CLOUD": "localstack", "DOFS_AWS_ENDPOINT_URL": "http://localstack:4566"}


def test_on_aws_a_warehouse_needs_a_url_and_the_arn_of_a_secret():
    settings = Settings.load({**REQUIRED, **WAREHOUSE})
    assert (settings.warehouse_url, settings.warehouse_secret) == ("https://warehouse.example/v1", ARN)
    assert settings.warehouse_secret_is_stored


@pytest.mark.parametrize("secret", [ARN, PLAIN, f"{PLAIN} whsec_{'REVG' * 8}"])
def test_on_an_emulator_the_secret_may_be_the_setting_itself(secret: str):
    settings = Settings.load({**REQUIRED, **WAREHOUSE, **EMULATOR, "DOFS_WAREHOUSE_SECRET": secret})
    assert settings.warehouse_secret_is_stored is (secret == ARN)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"DOFS_WAREHOUSE_SECRET": ""}, "DOFS_WAREHOUSE_SECRET is missing or wrong: on AWS it must be the ARN"),
        ({"DOFS_WAREHOUSE_SECRET": PLAIN + "canary"}, "on AWS it must be the ARN of a secret in Secrets Manager"),
        ({"DOFS_WAREHOUSE_SECRET": "arn:aws:iam::1:role/canary"}, "on AWS it must be the ARN"),
        ({"DOFS_WAREHOUSE_SECRET": f"{ARN} canary"}, "on AWS it must be the ARN"),
        ({**EMULATOR, "DOFS_WAREHOUSE_SECRET": ""}, "DOFS_WAREHOUSE_SECRET is missing or wrong: it must be whsec_ and"),
        ({**EMULATOR, "DOFS_WAREHOUSE_SECRET": "whsec_canary"}, "DOFS_WAREHOUSE_SECRET is missing or wrong"),
        ({**EMULATOR, "DOFS_WAREHOUSE_SECRET": f"{PLAIN} canary"}, "DOFS_WAREHOUSE_SECRET is missing or wrong"),
        ({**EMULATOR, "DOFS_WAREHOUSE_SECRET": f"{PLAIN} {ARN}"}, "DOFS_WAREHOUSE_SECRET is missing or wrong"),
        ({**EMULATOR, "DOFS_WAREHOUSE_SECRET": f"{PLAIN} {PLAIN} {PLAIN}"}, "it must hold at most 2 secrets"),
        ({"DOFS_WAREHOUSE_URL": "http://warehouse.example"}, "DOFS_WAREHOUSE_URL must begin with https://"),
        ({"DOFS_WAREHOUSE_URL": "http://warehouse:8090"}, "DOFS_WAREHOUSE_URL must begin with https://"),
    ],
)
def test_a_wrong_warehouse_is_refused_without_quoting_it(variables: dict[str, str], problem: str):
    with pytest.raises(SettingsError) as refused:
        Settings.load({**REQUIRED, **WAREHOUSE, **variables})
    assert problem in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"DOFS_EMBEDDED_WAREHOUSE": "ftp"}, "DOFS_EMBEDDED_WAREHOUSE='ftp' must be one of direct, http"),
        ({"DOFS_EMBEDDED_WAREHOUSE_ARGS": "--lost 0.3"}, "DOFS_EMBEDDED_WAREHOUSE_ARGS needs"),
    ],
)
def test_a_wrong_warehouse_of_the_embedded_cloud_is_refused(variables: dict[str, str], problem: str):
    with pytest.raises(SettingsError, match=problem):
        Settings.load({**REQUIRED, **variables})


def test_an_emulator_may_call_a_warehouse_of_its_network_without_tls():
    url = {"DOFS_WAREHOUSE_URL": "http://warehouse:8090"}
    assert Settings.load({**REQUIRED, **WAREHOUSE, **EMULATOR, **url}).warehouse_url == "http://warehouse:8090"


def test_the_text_of_the_settings_holds_no_secret():
    assert PLAIN not in repr(Settings.load({**REQUIRED, **WAREHOUSE, **EMULATOR, "DOFS_WAREHOUSE_SECRET": PLAIN}))
