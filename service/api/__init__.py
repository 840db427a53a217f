"""The HTTP API: thin routes over the domain, one file per noun.

FastAPI is loaded here, before any of them, with its own models left to be built when they are used: those of OpenAPI
alone take longer to build than all of ours. Where it is loaded already, they are built, and nothing else differs. https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

from pydantic import BaseModel, ConfigDict

_usual, BaseModel.model_config = BaseModel.model_config, ConfigDict(defer_build=True)
try:
    import fastapi  # noqa: F401 (for what it leaves in place)
finally:
    BaseModel.model_config = _usual
