"""Faults of a running stack, which tests prepare and then trigger."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from tests.compose.stack import Stack, docker
from tests.system import Running

Strike = Callable[[], Awaitable[None]]
"""Triggers a prepared fault."""

SIGNAL = """
import os, pathlib, signal, sys
print("ready", flush=True)
sys.stdin.readline()
for process in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        if process.name != str(os.getpid()) and b"awslambda" + b"ric" in (process / "cmdline").read_bytes():
            os.kill(int(process.name), signal.{signal})
            print(process.name)
    except OSError:
        pass  # the process has exited
"""


@asynccontextmanager
async def signal_runtime(signal: str, *containers: str) -> AsyncIterator[Strike]:
    """Prepare a signal to the Lambda runtime in each container; the emulator in the container does not receive it.

    The sending programs wait inside the containers, so the signal arrives at once even on a busy machine. Their own
    command lines do not match, so several signals can be prepared at the same time. At least one runtime must receive
    the signal.
    """
    program = SIGNAL.format(signal=signal)
    pipe = asyncio.subprocess.PIPE
    senders = [
        await asyncio.create_subprocess_exec(
            "docker", "exec", "--interactive", each, "python", "-c", program, stdin=pipe, stdout=pipe
        )
        for each in containers
    ]
    for sender in senders:
        assert sender.stdout and await sender.stdout.readline() == b"ready\n"

    async def strike() -> None:
        for sender in senders:
            assert sender.stdin
            sender.stdin.write(b"\n")
        signalled = [await sender.communicate() for sender in senders]
        assert any(output for output, _ in signalled), "no container has a runtime"

    try:
        yield strike
    finally:
        for sender in senders:
            if sender.returncode is None:
                sender.terminate()
                await sender.wait()


@asynccontextmanager
async def kill(container: str) -> AsyncIterator[Strike]:
    """Prepare to kill a container."""

    async def strike() -> None:
        await asyncio.to_thread(docker, "kill", container)

    yield strike


@asynccontextmanager
async def disconnect(stack: Stack, service: str) -> AsyncIterator[Strike]:
    """Prepare to disconnect a service's container from the network. At the end it is reconnected with its aliases."""
    (container,), network = stack.containers(service), f"{stack.project}_default"
    form = f'{{{{json (index .NetworkSettings.Networks "{network}").Aliases}}}}'
    aliases = json.loads(docker("inspect", "--format", form, container))
    names = [part for alias in aliases for part in ("--alias", alias)]

    async def strike() -> None:
        await asyncio.to_thread(docker, "network", "disconnect", network, container)

    try:
        yield strike
    finally:
        await asyncio.to_thread(docker, "network", "connect", *names, network, container)


@contextmanager
def stop_schedule(system: Running) -> Iterator[None]:
    """Disable the reconciler's rule. LocalStack invokes the targets of a disabled rule, so they are removed, too."""
    events, rule = system.client("events"), system.names.rule
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.disable_rule(Name=rule)
    events.remove_targets(Rule=rule, Ids=[each["Id"] for each in targets])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, Targets=targets)
        events.enable_rule(Name=rule)
