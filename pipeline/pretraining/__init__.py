"""Training of the pretrained network: on generated series, or on one's own past, and what that gains."""
