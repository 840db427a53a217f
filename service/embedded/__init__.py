"""The in-process cloud for local runs: moto, driven as AWS drives the real thing."""
