"""The panel's Accuracy page: a drawn sample is judged by keyboard, tile after tile, without seeing what the model said."""
