"""The idempotency keys of a file's orders make a second run safe."""

from decimal import Decimal

from service.cli.order_entry import Entry
from service.cli.orders_file import read_orders
from service.cli.submit_requests import build_requests
from service.orders import strict_json
from tests.support import valid_order


def order(**changes):
    return {**strict_json.from_python(valid_order()), **changes}


def keys(*orders, batch=""):
    return [
        request.key for request in build_requests([Entry(line, each) for line, each in enumerate(orders, 1)], batch)
    ]


def test_the_same_file_has_the_same_keys_and_equal_orders_differ():
    first = keys(order(), order(), order(customer_id="cust_2"))
    assert first == keys(order(), order(), order(customer_id="cust_2"))
    assert len({*first}) == 3


def test_a_file_has_the_keys_of_version_0_1_0():
    """With other keys, a file that is submitted again with a newer version would be ordered twice."""
    entries = [Entry(1, order()), Entry(2, order())]
    assert [request.key for request in build_requests(entries, "")] == [
        "dofs-cli-629d0fe1e7e8a4ca4977c20f37ccb7b617d7c697f973ad370e31938858846391",
        "dofs-cli-58f7541be09308ae9792ac6f764021d1d8ffe205445a0695bd2f51c389920365",
    ]
    assert keys(order(), batch="monday") == [
        "dofs-cli-6ec8ada6e68bb8555c6c519cda326da8450791513ffb367e7f29458b6f7ef224"
    ]


def test_adding_or_moving_lines_does_not_change_the_other_keys():
    first, second = order(), order(customer_id="cust_2")
    assert {*keys(first, second)} < {*keys(order(customer_id="cust_0"), second, first)}


def test_another_batch_label_gives_other_keys():
    assert keys(order(), batch="a") != keys(order(), batch="b")


def test_equal_amounts_have_the_same_key():
    written = [order(total_amount=amount) for amount in (Decimal("60.00"), 60, Decimal("6E1"), Decimal("60.0"))]
    assert len({key for each in written for key in keys(each)}) == 1
    assert keys(order(total_amount=0)) == keys(order(total_amount=Decimal("-0.00")))
    assert len({key for amount in (6, 60, -60) for key in keys(order(total_amount=amount))}) == 3


def test_the_api_accepts_the_key_and_the_body_is_exact():
    [request] = build_requests([Entry(1, strict_json.parse('{"total_amount": 0.10}'))], "any label\n")
    assert 16 <= len(request.key) <= 128
    assert request.key.isprintable()
    assert request.body == b'{"total_amount":0.10}'


def test_a_changed_order_has_the_key_of_its_reference_and_another_reference_another_key():
    """So the API refuses it as a changed repeat, and it is no second order."""
    assert keys(order(reference="#1")) == keys(order(reference="#1", customer_id="cust_2"))
    assert keys(order(reference="#1")) != keys(order(reference="#2"))
    assert keys(order(reference="#1"), order(reference="#1")) == 2 * keys(order(reference="#1"))


def test_equal_orders_with_different_references_have_different_keys():
    columns = b"order,customer_id,product_id,quantity,price\n"
    monday, tuesday = (
        [each.key for each in build_requests(read_orders(columns + name + b",cust_1,prod_1,2,29.99\n", "f.csv"), "")]
        for name in (b"1001", b"1057")
    )
    assert monday != tuesday
    assert monday == [
        each.key for each in build_requests(read_orders(columns + b"1001,cust_1,prod_1,2,29.990\n", "f.csv"), "")
    ]
