"""Runs inside LocalStack at its start: work that it does again and again for an order is done once, or in memory.

* Step Functions hands every JSONPath of every state of every execution to jsonpath_ng, which builds the tables of its
  parser anew each time. The paths of a state machine are few, and a parsed one has no state.
* CloudWatch commits each metric of each invocation and message to a database on the container's disk, one at a time.
  Nothing here outlives the container, so it is kept in memory.
"""

import functools
import logging

from localstack.services.cloudwatch.cloudwatch_database_helper import CloudwatchDatabase
from localstack.services.stepfunctions.asl.component.common.path import result_path
from localstack.services.stepfunctions.asl.utils import json_path

PATHS_KEPT = 512
IN_MEMORY = "/var/lib/localstack/cloudwatch"  # compose mounts a tmpfs there

log = logging.getLogger("localstack.speedups")

for module in (json_path, result_path):
    module.parse = functools.lru_cache(maxsize=PATHS_KEPT)(module.parse)
CloudwatchDatabase.CLOUDWATCH_DATA_ROOT = IN_MEMORY
CloudwatchDatabase.METRICS_DB = f"{IN_MEMORY}/{CloudwatchDatabase.DB_NAME}"
CloudwatchDatabase.METRICS_DB_READ_ONLY = f"file:{CloudwatchDatabase.METRICS_DB}?mode=ro"
log.warning("JSONPaths are parsed once; metrics are kept in memory")
