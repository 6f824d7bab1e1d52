"""CCExpert (arXiv 2411.11360): a multimodal language model that captions change."""
