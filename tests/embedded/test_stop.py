"""What is left in the process when the embedded cloud has stopped: nothing."""

from moto.awslambda.models import LambdaFunction

from tests.embedded.support import running_cloud


def test_the_patched_method_of_the_emulator_is_restored():
    original = LambdaFunction.invoke
    with running_cloud():
        assert LambdaFunction.invoke is not original
    assert LambdaFunction.invoke is original


def test_the_socket_is_closed_when_the_cloud_stops():
    with running_cloud() as cloud:
        listening = cloud.endpoint._server.socket
        assert listening.fileno() >= 0
    assert listening.fileno() == -1
