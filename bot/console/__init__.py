"""The staff console: server-rendered pages under /console, one module per task."""
