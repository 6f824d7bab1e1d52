"""Diffusion captioners: Diffusion-RSCC (arXiv 2405.12875, discrete) and KD-RSCC (doi 10.1109/LGRS.2025.3608489, continuous).

One contract joins both families to all samplers: ``D(x, sigma, condition)`` → the clean estimate x̂0, with x = x0 + σ·noise (Karras et al. 2022).
"""
