"""The HTTP API: thin routes over the domain, one file per noun."""
