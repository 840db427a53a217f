"""Creates in an emulator what ``terraform/`` creates on AWS: one file per concern, each safe to run again."""
