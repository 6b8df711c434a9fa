"""Files that say when each action begins and ends: BORIS, VIA, ELAN, and a plain CSV."""
