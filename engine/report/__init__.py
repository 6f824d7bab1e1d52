"""``changescribe report``: what a run has found, as one page for people who have no GIS."""
