"""What the workflow, the queue and the schedule invoke, on ports in memory."""
