"""Diffusion-RSCC and KD-RSCC."""
