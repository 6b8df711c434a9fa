"""Shared by the experiments: default fields, models, options, tables."""
