"""A project with steps of its own."""
