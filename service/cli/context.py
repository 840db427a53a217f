"""The global options of a command, and the backend that they select."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from service.cli.backend import Backend
from service.cli.errors import CliError, ExitCode
from service.cli.render import Output

if TYPE_CHECKING:
    from service.cli.aws_backend import AwsBackend
    from service.cli.http_api import ApiEndpoint


@dataclass(frozen=True)
class CommandContext:
    """The global options."""

    url: str
    api_key: str | None
    token: str | None
    sigv4: bool
    region: str | None
    aws: bool
    function: str
    output: Output

    @cached_property
    def endpoint(self) -> "ApiEndpoint":
        """The API, for commands that work only over the API.

        Raises:
            CliError: the user gave ``--aws``.
        """
        from service.cli.http_api import ApiEndpoint

        if self.aws:
            raise CliError(ExitCode.USAGE, "Orders are submitted only through the API: give --api instead of --aws.")
        return ApiEndpoint(url=self.url, api_key=self.api_key, token=self.token, sigv4=self.sigv4, region=self.region)

    @cached_property
    def backend(self) -> Backend:
        """The backend of the operators' commands."""
        if self.aws:
            return self.aws_backend
        from service.cli.api import Api

        return Api(self.endpoint)

    @cached_property
    def aws_backend(self) -> "AwsBackend":
        """The deployment, reached with IAM credentials."""
        from service.cli.aws_backend import AwsBackend

        return AwsBackend(self.function, self.region)

    def close(self) -> None:
        """Close the backend, if it was used."""
        if "backend" in self.__dict__:
            self.backend.close()
