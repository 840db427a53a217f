"""The tests of SECURITY.md. They call every route of the application, so that a new route is covered."""
