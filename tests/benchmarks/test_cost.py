"""The cost and the limits of orders: counts, prices, and the reports in docs/cost.md."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from service.provisioning.tables import orders_table
from tests.benchmarks import capacity
from tests.benchmarks.cost.__main__ import report
from tests.benchmarks.cost.bill import CHEAPEST, Model
from tests.benchmarks.cost.dynamodb import read_charge, size, stored_size, write_charge
from tests.benchmarks.cost.execution import execution
from tests.benchmarks.cost.prices import PRICES
from tests.benchmarks.cost.sample import sample
from tests.benchmarks.cost.usage import Assumptions, Choice, express_gb_seconds, shares_by_end
from tests.benchmarks.page import assert_shows
from tests.benchmarks.quotas import QUOTAS

MONITORING = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
TABLE = orders_table("orders")
ROW = {
    "order_id": {"S": "ord_1"},
    "customer_id": {"S": "cust_1"},
    "created_at": {"S": "2026-01-31T09:30:00.123Z"},
    "status_shard": {"S": "PENDING#3"},
    "updated_at": {"S": "2026-01-31T09:30:00.123Z"},
}
MOVED = {**ROW, "status_shard": {"S": "PROCESSING#3"}}


@pytest.fixture(scope="module")
def model():
    return Model(sample(), execution(), Assumptions())


# the charges of DynamoDB


def test_the_size_of_an_item_counts_its_names_and_values():
    assert size({"id": {"S": "größe"}}) == 2 + 7
    assert size({"n": {"N": "12345"}}) == 1 + 4
    assert size({"n": {"N": "-100"}}) == 1 + 3
    assert size({"l": {"L": [{"S": "ab"}, {"M": {"k": {"BOOL": True}}}]}}) == 1 + 3 + (1 + 2) + (1 + 3 + 1 + 1 + 1)


def test_a_new_row_costs_one_write_for_itself_and_one_for_each_index():
    charge = write_charge(TABLE, {}, ROW)
    assert (charge.row, charge.index) == (1, 2)
    assert charge.indexed == {("by-customer", "cust_1"): 1, ("by-status", "PENDING#3"): 1}


def test_a_row_without_an_index_key_is_not_indexed():
    assert write_charge(TABLE, {}, {name: value for name, value in ROW.items() if name != "customer_id"}).index == 1


def test_a_status_change_costs_two_index_writes():
    charge = write_charge(TABLE, ROW, MOVED)
    assert (charge.row, charge.index) == (1, 2)
    assert charge.indexed == {("by-status", "PENDING#3"): 1, ("by-status", "PROCESSING#3"): 1}


def test_an_index_with_unchanged_keys_is_not_written():
    assert write_charge(TABLE, ROW, {**ROW, "reason": {"S": "because"}}).index == 0


def test_a_write_costs_the_larger_size_rounded_up_to_kilobytes():
    large = {**ROW, "submission": {"S": "x" * 2048}}
    assert write_charge(TABLE, ROW, large).row == write_charge(TABLE, large, ROW).row == 3
    assert write_charge(TABLE, large, {}).row == 3


def test_a_transaction_doubles_the_cost_of_rows_but_not_of_indexes():
    charge = write_charge(TABLE, ROW, MOVED, in_a_transaction=True)
    assert (charge.row, charge.least, charge.index) == (2, 2, 2)


def test_a_consistent_read_costs_one_unit_for_four_kilobytes():
    assert read_charge(ROW).read == 1
    assert read_charge({**ROW, "submission": {"S": "x" * 4096}}).read == 2


def test_storage_includes_the_indexes():
    assert stored_size(TABLE, ROW) > size(ROW) + 300


# the usage of an order


def test_an_order_makes_one_call_for_each_transition_and_a_read_for_each_redelivery(model):
    used = model.usage(Choice())
    shares = shares_by_end(0.7, 3)
    assert used.attempts == pytest.approx(1.39)
    assert used.calls == {
        "dynamodb.PutItem": pytest.approx(1),
        "sfn.StartExecution": pytest.approx(1),
        "dynamodb.GetItem": pytest.approx(used.attempts),
        "dynamodb.UpdateItem": pytest.approx(1 + 2 * used.attempts - shares[None]),
        "dynamodb.TransactWriteItems": pytest.approx(shares[None]),
    }


FIRST = {"dynamodb.UpdateItem": 2}
AGAIN = {"dynamodb.GetItem": 1, "dynamodb.UpdateItem": 2}
LAST = {"dynamodb.GetItem": 1, "dynamodb.UpdateItem": 1, "dynamodb.TransactWriteItems": 1}


@pytest.mark.parametrize(
    ("end", "attempts"), [(1, [FIRST]), (2, [FIRST, AGAIN]), (3, [FIRST, AGAIN, AGAIN]), (None, [FIRST, AGAIN, LAST])]
)
def test_each_invocation_makes_the_expected_calls(end, attempts):
    before = [
        {"dynamodb.PutItem": 1, "sfn.StartExecution": 1},
        {"dynamodb.GetItem": 1},
        {"dynamodb.UpdateItem": 1},
    ]
    made = [dict(Counter(call.name for call in each.calls)) for each in sample().orders[end]]
    assert made == [*before, *attempts]


def test_a_full_batch_makes_the_calls_of_its_orders():
    assert Counter(call.name for call in sample().batch.calls) == {"dynamodb.UpdateItem": 20}


def test_every_status_write_is_an_index_write(model):
    writes = model.usage(Choice()).status_writes
    assert writes["PENDING"] == pytest.approx(2 * 1.39)
    assert sum(writes.values()) == pytest.approx(1 + 2 + 4 * 1.39)


def test_with_success_rate_one_each_order_has_one_attempt():
    used = Model(sample(), execution(), Assumptions(success_rate=1.0)).usage(Choice())
    assert used.attempts == 1
    assert used.status_writes["FAILED"] == 0


def test_the_log_size_of_an_order_matches_the_monitoring_page(model):
    for level in ("INFO", "WARNING"):
        (shown,) = re.findall(rf"^\| `{level}` \|.*\| ([\d,]+) \| \$[\d.]+ \|$", MONITORING, re.M)
        measured = model.usage(Choice(sqs_batch_size=1, log_level=level)).function_log
        assert measured == pytest.approx(float(shown.replace(",", "")), rel=0.1)


def test_an_execution_has_four_states_and_logs_no_order_data():
    assert execution().states == ("ValidateOrder", "StoreOrder", "EnqueueFulfillment", "OrderEnqueued")
    assert len(execution().lines) == 19
    assert not any("traceparent" in line or "input" in line for line in execution().lines)


# the cost of an order


def test_an_express_execution_is_billed_by_100_ms_and_64_mb():
    assert express_gb_seconds(0.153) == express_gb_seconds(0.2) == pytest.approx(0.2 / 16)
    assert express_gb_seconds(0.201) == pytest.approx(0.3 / 16)


def test_a_standard_workflow_costs_25_dollars_for_a_million_transitions(model):
    assert model.bill(Choice())["Step Functions"] == pytest.approx(100)


def test_the_workflow_type_is_the_variable_with_the_largest_saving(model):
    first, *others = model.savings(Choice())
    assert first.name == 'workflow_type = "EXPRESS"'
    assert first.dollars > 0.8 * model.total(Choice())
    assert sum(saving.dollars for saving in others if saving.is_variable) < 0.05 * model.total(Choice())
    assert model.total(CHEAPEST) > 0.85 * model.total(Choice("EXPRESS"))


@pytest.mark.parametrize("workflow_type", ["STANDARD", "EXPRESS"])
def test_savings_are_sorted_by_amount(model, workflow_type):
    saved = [saving.dollars for saving in model.savings(Choice(workflow_type))]
    assert saved == sorted(saved, reverse=True)
    assert min(saved) > 0


def test_a_warehouse_over_http_costs_a_secret_and_a_read_for_each_batch(model):
    one_by_one, in_batches, reconciler, secret, _ = model.warehouse_cost(Choice()).values()
    assert one_by_one == pytest.approx(10 * in_batches)
    assert one_by_one == pytest.approx(0.125 * model.usage(Choice()).attempts)
    assert reconciler == pytest.approx(0.0054)
    assert secret == 0.40


def test_a_price_states_its_unit():
    assert PRICES["transition"].each == pytest.approx(25e-6)
    assert PRICES["write unit"].text == "$0.625 for 1,000,000 write request units"
    assert PRICES["duration x86_64"].text == "$0.0000166667 for each GB-second, x86_64"


@pytest.mark.parametrize("priced", [*PRICES.values(), *QUOTAS.values()], ids=lambda each: each.unit)
def test_every_price_and_quota_links_an_aws_page(priced):
    assert re.match(r"https://(docs\.)?aws\.amazon\.com/", priced.page)


def test_the_page_shows_the_costs(model):
    assert_shows("tests.benchmarks.cost", report(model))


@pytest.mark.parametrize("factor", [0.5, 3])
def test_the_speed_of_the_machine_does_not_change_the_reports(factor):
    other = replace(sample(), busy={kind: factor * seconds for kind, seconds in sample().busy.items()})
    model = Model(other, execution(), Assumptions())
    assert_shows("tests.benchmarks.cost", report(model))
    assert_shows("tests.benchmarks.capacity", capacity.report(model))


def test_processor_time_changes_only_the_cost_of_lambda_duration(model):
    busy = {kind: 3 * seconds for kind, seconds in model.assumptions.busy.items()}
    slow = Model(sample(), execution(), replace(model.assumptions, busy=busy))
    before, after = model.bill(Choice()), slow.bill(Choice())
    assert {name for name in before if before[name] != after[name]} == {"Lambda, duration"}
    assert 1.5 < after["Lambda, duration"] / before["Lambda, duration"] < 3


def test_every_kind_of_invocation_has_a_recorded_duration(model):
    assert model.assumptions.busy.keys() == sample().busy.keys()


# the tightest limit


@pytest.mark.parametrize(
    "choice", capacity.CHOICES, ids=lambda choice: f"{choice.workflow_type}-{choice.sqs_batch_size}"
)
@pytest.mark.parametrize("success_rate", [0.7, 0.95, 1.0])
def test_the_index_by_status_is_never_the_tightest_limit(choice, success_rate):
    used = Model(sample(), execution(), Assumptions(success_rate=success_rate)).usage(choice)
    first, *_ = capacity.quotas(choice, used)
    assert first.name != "index by-status"


def test_with_half_the_partitions_the_index_limits_express():
    choice = Choice("EXPRESS")
    used = Model(sample(), execution(), Assumptions()).usage(choice)
    assert capacity.quotas(choice, used, shards=4)[0].name == "index by-status"


def test_starts_limit_standard_and_messages_in_flight_limit_express(model):
    tightest = {kind: capacity.quotas(Choice(kind), model.usage(Choice(kind)))[0] for kind in ("STANDARD", "EXPRESS")}
    assert tightest["STANDARD"] == capacity.Bound("StartExecution, STANDARD", pytest.approx(300))
    assert tightest["EXPRESS"].name == "SQS, messages in flight"
    assert tightest["EXPRESS"].orders > 5 * 300


def test_the_limit_of_an_index_is_proportional_to_its_partitions(model):
    used = model.usage(Choice())
    limits = [
        {bound.name: bound.orders for bound in capacity.quotas(Choice(), used, shards)}["index by-status"]
        for shards in (1, 8)
    ]
    assert limits[0] == pytest.approx(1000 / 2.78)
    assert limits[1] == pytest.approx(8 * limits[0])


def test_failed_messages_are_in_flight_for_the_visibility_timeout(model):
    used = model.usage(Choice())
    assert capacity.in_flight(used) == pytest.approx((1.39 - 0.973) * 180 + 1.39 * used.durations["batch"])
    fast = replace(used, status_writes=used.status_writes | {"FULFILLED": 1.39})
    assert capacity.in_flight(fast) < 5


def test_the_page_shows_the_limits(model):
    assert_shows("tests.benchmarks.capacity", capacity.report(model))
