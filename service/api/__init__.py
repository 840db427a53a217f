"""The HTTP API: thin routes over the domain, one file per noun.

This package imports FastAPI before any of its modules does, with ``defer_build``: pydantic then builds FastAPI's own
models at their first use. Building the models of OpenAPI takes longer than building all models of this API. An earlier
import of FastAPI elsewhere only makes the start slower.
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

from pydantic import BaseModel, ConfigDict

_original, BaseModel.model_config = BaseModel.model_config, ConfigDict(defer_build=True)
try:
    import fastapi  # noqa: F401 (imported for its side effect)
finally:
    BaseModel.model_config = _original
