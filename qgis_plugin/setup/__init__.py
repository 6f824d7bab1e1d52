"""The engine's own Python environment: found, made, proved and removed."""
