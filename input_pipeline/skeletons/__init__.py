"""Joint layouts: which joints exist, how they connect and how they mirror."""
