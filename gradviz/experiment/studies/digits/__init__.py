"""The study of digits: which digit 8 × 8 pixels show, told by a small convolutional network."""
