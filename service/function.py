"""The function as Lambda starts it.

What every event needs is loaded while the environment is initialized, when Lambda gives it a whole CPU; an invocation
has the share that its memory buys. What only some events need, the web framework above all, comes with the first of
them. The garbage collector looks away until then: what is loaded stays. Threads take turns of half a millisecond, since
ten attempts that run side by side mostly wait for the network, and should not wait for each other as well.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import gc

gc.disable()

import sys  # noqa: E402 (the collector is to miss all that follows)
from contextlib import suppress  # noqa: E402
from typing import Any  # noqa: E402

from service.aws.import_trimming import trim_imports  # noqa: E402
from service.handler import dispatch, live_system  # noqa: E402
from service.settings import SettingsError  # noqa: E402

sys.setswitchinterval(0.0005)
trim_imports()
with suppress(SettingsError):  # each invocation tells of it by name; whatever else goes wrong here ends the start
    live_system().get_ready()


def handler(event: Any, context: Any) -> Any:
    """Handle one invocation.

    Args:
        event: a task of ours, an SQS event, or an API Gateway REST proxy event.
        context: the Lambda context.

    Raises:
        SettingsError: the function's environment lacks a setting, or has a wrong one.
        UnknownEvent: the event is none of these.
        Exception: what a workflow step raises, by whose class name the workflow catches it.
    """
    try:
        return dispatch(event, context, live_system())
    finally:
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
