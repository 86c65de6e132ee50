"""How a field looks: lengths, colours, anchors, inks; still and moving pictures, and frames for the browser."""
