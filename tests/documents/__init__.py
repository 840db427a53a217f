"""Orders in the formats of four shops, made up for these tests, and the expected result of importing each."""

from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).parent


@dataclass(frozen=True)
class ExpectedOrder:
    """The order that the import of a file must give.

    Args:
        file: the file.
        reference: the order number of the shop.
        customer_id: the customer.
        currency: the currency.
        total: the total.
        lines: product, quantity and price of each line.
        adjustments: kind and amount of each adjustment.
        ship_to: the address.
    """

    file: str
    reference: str
    customer_id: str
    currency: str
    total: str
    lines: tuple[tuple[str, int, str], ...]
    adjustments: tuple[tuple[str, str], ...]
    ship_to: dict[str, str]

    @property
    def shop(self) -> str:
        """The shop, as ``--from`` names it."""
        return self.file.partition("_")[0]


ORDERS = (
    ExpectedOrder(
        "shopify_order.json",
        "#1001",
        "7712345678902",
        "EUR",
        "91.50",
        (("SHIRT-BLUE/M", 2, "29.95"), ("4612345678909", 1, "20.00")),
        (("shipping", "4.99"), ("discount", "-8.00"), ("tax", "14.61")),
        {
            "name": "Mara Lindqvist",
            "line1": "Lange Straße 12",
            "city": "Hamburg",
            "region": "HH",
            "postal_code": "20095",
            "country": "DE",
            "phone": "+49 40 5550123",
            "email": "mara.lindqvist@example.com",
        },
    ),
    ExpectedOrder(  # its prices contain tax
        "shopify_orders.csv",
        "#1042",
        "jonas.weber@example.com",
        "EUR",
        "76.90",
        (("SHIRT-BLUE/M", 2, "29.95"), ("Gift box, large", 1, "20.00")),
        (("shipping", "4.99"), ("discount", "-7.99")),
        {
            "name": "Jonas Weber",
            "line1": "Große Bleichen 5",
            "line2": "Hinterhaus",
            "city": "Hamburg",
            "region": "HH",
            "postal_code": "20095",
            "country": "DE",
            "phone": "+4940555018",
            "email": "jonas.weber@example.com",
        },
    ),
    ExpectedOrder(
        "shopify_orders.csv",
        "#1043",
        "dana@example.org",
        "USD",
        "113.75",
        (("LAMP 4/B#2", 4, "25.00"),),
        (("shipping", "7.50"), ("tax", "6.25")),
        {
            "name": "Dana Reyes",
            "company": "Reyes & Sons",
            "line1": "12 Harbor Way",
            "city": "Cambridge",
            "region": "MA",
            "postal_code": "02139",
            "country": "US",
            "phone": "(555) 010-7788",
            "email": "dana@example.org",
        },
    ),
    ExpectedOrder(  # the yen has no minor unit, and the prices contain tax
        "shopify_orders.csv",
        "#1044",
        "kenji@example.jp",
        "JPY",
        "4480.00",
        (("CUP", 2, "1500.00"), ("TOWEL", 1, "980.00")),
        (("shipping", "500.00"),),
        {
            "name": "Mori Kenji",
            "line1": "1-2-3 Minamiaoyama",
            "city": "Minato-ku",
            "region": "JP-13",
            "postal_code": "107-0062",
            "country": "JP",
            "email": "kenji@example.jp",
        },
    ),
    ExpectedOrder(  # 10.00 for 3 mugs is no whole price of one
        "woocommerce_order.json",
        "727",
        "26",
        "USD",
        "51.70",
        (("MUG L", 3, "3.33"), ("23", 2, "15.00")),
        (("shipping", "10.00"), ("discount", "-3.00"), ("tax", "4.70"), ("other", "0.01")),
        {
            "name": "Theo Okafor",
            "line1": "700 Pine St",
            "line2": "Unit 4",
            "city": "Austin",
            "region": "TX",
            "postal_code": "78701",
            "country": "US",
            "phone": "(555) 010-4477",
            "email": "theo@example.org",
        },
    ),
    ExpectedOrder(
        "woocommerce_orders.csv",
        "728",
        "theo@example.org",
        "USD",
        "72.33",
        (("MUG L", 3, "12.50"), ("Poster", 1, "30.00")),
        (("shipping", "5.00"), ("discount", "-6.75"), ("tax", "6.58")),
        {
            "name": "Theo Okafor",
            "line1": "700 Pine St, Unit 4",
            "city": "Austin",
            "region": "TX",
            "postal_code": "78701",
            "country": "US",
            "phone": "(555) 010-4477",
            "email": "theo@example.org",
        },
    ),
    ExpectedOrder(  # without an address to ship to: the address of the invoice
        "woocommerce_orders.csv",
        "729",
        "yui@example.jp",
        "JPY",
        "3300.00",
        (("FAN", 2, "1200.00"),),
        (("shipping", "600.00"), ("tax", "300.00")),
        {
            "name": "Yui Sato",
            "line1": "4-5-6 Kitano",
            "city": "Kobe",
            "region": "JP28",
            "postal_code": "650-0002",
            "country": "JP",
            "phone": "078-555-0100",
            "email": "yui@example.jp",
        },
    ),
    ExpectedOrder(  # the prices contain tax, the shipping does not
        "medusa_order.json",
        "214",
        "cus_01JQ8Y1111111111111111111A",
        "EUR",
        "59.19",
        (("TEE-BLACK-M", 2, "24.00"), ("variant_01JQ8V0000000000000000000E", 1, "9.99")),
        (("shipping", "5.00"), ("discount", "-4.80"), ("tax", "1.00")),
        {
            "name": "Léa Martin",
            "line1": "3 rue des Lilas",
            "city": "Lyon",
            "postal_code": "69003",
            "country": "FR",
            "phone": "+33 4 55 50 01 99",
            "email": "lea.martin@example.fr",
        },
    ),
    ExpectedOrder(
        "saleor_order.json",
        "3107",
        "priya@example.co.uk",
        "GBP",
        "60.60",
        (("SOAP-100", 3, "10.00"), ("UHJvZHVjdFZhcmlhbnQ6NDE=", 1, "15.50")),
        (("shipping", "8.00"), ("discount", "-3.00"), ("tax", "10.10")),
        {
            "name": "Priya Nair",
            "line1": "9 Canal Street",
            "line2": "Flat 2",
            "city": "MANCHESTER",
            "postal_code": "M1 3HE",
            "country": "GB",
            "phone": "+441615550142",
            "email": "priya@example.co.uk",
        },
    ),
)
FILES = sorted({order.file for order in ORDERS})
