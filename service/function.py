"""The Lambda function's handler.

Everything that all events need is loaded during initialization, when Lambda provides a whole CPU; invocations get the
share that their memory size buys. The rest, such as the web framework, is loaded with the first event that needs it.
Garbage collection is disabled until then, because loaded modules stay. The thread switch interval is half a
millisecond: the ten parallel attempts of a batch mostly wait for the network, and should not wait for each other.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import gc

gc.disable()

import sys  # noqa: E402 (after garbage collection is disabled)
from contextlib import suppress  # noqa: E402
from typing import Any  # noqa: E402

from service.aws.import_trimming import trim_imports  # noqa: E402
from service.handler import dispatch, live_system  # noqa: E402
from service.settings import SettingsError  # noqa: E402

sys.setswitchinterval(0.0005)
trim_imports()
with suppress(SettingsError):  # each invocation reports it; any other error ends the start
    live_system().get_ready()


def handler(event: Any, context: Any) -> Any:
    """Handle one invocation.

    Args:
        event: a task, an SQS event, or an API Gateway REST proxy event.
        context: the Lambda context.

    Raises:
        SettingsError: a setting is missing or wrong.
        UnknownEvent: the event is none of these.
        Exception: the exception of a workflow step; the workflow catches it by its class name.
    """
    try:
        return dispatch(event, context, live_system())
    finally:
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
