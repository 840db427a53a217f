"""An AWS emulator in the process of the service, for local runs. It is built on moto."""
