"""The function as Lambda runs it: AWS's own runtime client around our handler, in a process of its own."""
