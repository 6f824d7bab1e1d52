"""The panel's first page: what to caption, and with what."""
