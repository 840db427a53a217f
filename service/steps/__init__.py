"""The steps that the workflow, the queue and the schedule invoke: one file for each."""
