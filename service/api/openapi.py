"""Prints the OpenAPI document: ``python -m service.api.openapi > docs/openapi.json``."""

import json
import sys

from service.api.app import create_app
from service.api.dependencies import run_inline
from service.settings import Settings


def document() -> str:
    """Return the document as committed, with the operators' routes."""
    settings = Settings(
        orders_table="-",
        failed_orders_table="-",
        queue_url="-",
        dead_letter_queue_url="-",
        state_machine_arn="-",
        cloud="embedded",
    )
    return json.dumps(create_app(settings, run_inline).openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
