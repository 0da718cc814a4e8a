"""Measures the assistant: cases, metrics, runs.  Points at `assistant`, never at `ingest` or `ui`."""
