"""What people do over time: windows, bouts, timelines of whole videos, and streams."""
