"""Metrics from scores and labels, and the result files; numpy only."""
