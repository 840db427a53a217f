"""What SECURITY.md says, shown: over every route that there is, so that a new one cannot be forgotten."""
