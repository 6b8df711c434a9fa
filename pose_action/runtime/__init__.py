"""Devices, compiler options, and a run's log writers."""
