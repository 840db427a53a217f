"""Runs inside LocalStack at its start: removes repeated work and disk writes that slow down each order.

* For every JSONPath of every state of every execution, Step Functions calls jsonpath_ng, which rebuilds its parser's
  tables each time. A state machine has few paths, and a parsed path has no state, so parsed paths are cached.
* CloudWatch commits each metric of each invocation and message to a database on the container's disk, one at a time.
  The data does not outlive the container, so the database is kept in memory.
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
log.warning("Caching parsed JSONPaths, and keeping CloudWatch metrics in memory")
