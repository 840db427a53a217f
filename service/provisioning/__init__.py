"""Creates the resources of ``terraform/`` in an emulator. Every function can run repeatedly."""
