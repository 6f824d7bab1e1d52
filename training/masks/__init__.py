"""The change mask of ``scribe-s``: a decoder over the frozen first stages of its encoder, trained on masks and on what captions name."""
