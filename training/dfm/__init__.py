"""DFM of the published sizes, and its ablation."""
