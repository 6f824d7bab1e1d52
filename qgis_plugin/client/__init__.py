"""Finding, installing and running the engine, which lives in its own process and its own Python."""
