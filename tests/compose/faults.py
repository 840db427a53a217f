"""Faults that tests bring about in a running stack."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from tests.compose.stack import Stack, docker
from tests.system import Running

Strike = Callable[[], Awaitable[None]]
"""Makes a prepared fault happen."""

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
        pass  # it has ended meanwhile
"""


@asynccontextmanager
async def signal_runtime(signal: str, *containers: str) -> AsyncIterator[Strike]:
    """Prepare a signal to the Lambda runtime in each container; the emulator around it runs on.

    The programs that send it wait inside the containers, so the signal arrives at once, however busy the machine is.
    Their own command lines do not match, so that a second signal can be prepared beside the first. At least one
    runtime has to receive the signal.
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
        assert any(output for output, _ in signalled), "no container had a runtime"

    try:
        yield strike
    finally:
        for sender in senders:
            if sender.returncode is None:
                sender.terminate()
                await sender.wait()


@asynccontextmanager
async def kill(container: str) -> AsyncIterator[Strike]:
    """Prepare the end of a container."""

    async def strike() -> None:
        await asyncio.to_thread(docker, "kill", container)

    yield strike


@asynccontextmanager
async def unplug(stack: Stack, service: str) -> AsyncIterator[Strike]:
    """Prepare to disconnect a service's container from the network; it is connected again under its names."""
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
def schedule_stopped(system: Running) -> Iterator[None]:
    """Disable the reconciler's rule. LocalStack fires it still, so its target is removed as well."""
    events, rule = system.client("events"), system.names.rule
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.disable_rule(Name=rule)
    events.remove_targets(Rule=rule, Ids=[each["Id"] for each in targets])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, Targets=targets)
        events.enable_rule(Name=rule)
